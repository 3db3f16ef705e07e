"""Registering a client, with or without an initial access token (RFC 7591)."""

import json
import secrets
from typing import Any

from chalicelib.protocol.registration import open_policy
from chalicelib.protocol.registration_tokens import INITIAL, token_hash, write_token
from chalicelib.records.client import RegistrationPolicy
from chalicelib.records.initial_token import InitialToken
from chalicelib.records.item_keys import initial_token_item_key
from tests.kit.http.browser import Answer
from tests.kit.http.stack import Stack
from tests.kit.http.surface import JSON, raw

GOOD = {"redirect_uris": ["https://app.example/cb"]}
OWN = frozenset({"openid", "profile", "email", "offline_access"})
PLAIN = open_policy(OWN, "none")


def token_for(stack: Stack, policy: RegistrationPolicy = PLAIN, **fields: Any) -> str:
    """What the operator's command makes."""
    token = write_token(INITIAL, secrets.token_bytes(32))
    values = {"uses": 1, "expires_at": stack.clock.now() + 600, "created_at": stack.clock.now(), **fields}
    kept = InitialToken(token_hash=token_hash(token).hex(), policy=policy, **values)
    assert stack.deployment.put_if_absent(initial_token_item_key(kept.token_hash), kept)
    return token


def register(stack: Stack, token: str | None, document: Any = GOOD) -> Answer:
    """POST /register."""
    sent = [("Content-Type", JSON), *([("Authorization", f"Bearer {token}")] if token is not None else [])]
    return raw(stack.netloc, "POST", "/register", sent, json.dumps(document).encode())
