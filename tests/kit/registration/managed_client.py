"""A self-registered client that manages its own registration (RFC 7592)."""

import json
from typing import Any

from chalicelib.records.client import Client
from chalicelib.records.item_keys import client_item_key
from tests.kit.http.browser import Answer
from tests.kit.http.stack import Stack
from tests.kit.http.surface import JSON, raw
from tests.kit.http.tokens import read
from tests.kit.registration.initial_token import register

PUBLIC = {"redirect_uris": ["https://app.example/cb"], "client_name": "First", "token_endpoint_auth_method": "none"}


class Managed:
    """One self-registered client and the answers that its owner has got."""

    def __init__(self, stack: Stack, document: dict[str, Any], token: str | None = None) -> None:
        self.stack, self.answer = stack, register(stack, token, document)
        assert self.answer.status == 201, self.answer.body
        self.client_id, self.document = self.answer.json["client_id"], document
        self.token: str = self.answer.json["registration_access_token"]

    @property
    def client(self) -> Client:
        """As it is kept."""
        found: Client = read(self.stack, client_item_key(self.client_id))
        return found

    def call(self, method: str, document: Any = None, *, token: str | None = None, client_id: str = "") -> Answer:
        """One call with the token that the owner has now, or another; the owner learns nothing of the answer."""
        sent = [("Authorization", f"Bearer {self.token if token is None else token}"), ("Content-Type", JSON)]
        body = json.dumps(document).encode() if document is not None else b""
        return raw(self.stack.netloc, method, f"/register/{client_id or self.client_id}", sent, body)

    def take(self, answer: Answer) -> Answer:
        """The owner has got this answer."""
        assert answer.status == 200, answer.body
        self.answer, self.token = answer, answer.json["registration_access_token"]
        return answer

    def put(self, **members: Any) -> Answer:
        """Replace all members by these, whatever comes of it."""
        return self.call("PUT", {"client_id": self.client_id, **self.document, **members})
