"""What tests of tokens do again and again: a signed-in app, what the table holds, marks as the operator sets them."""

import base64
import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeVar

import jwt
import msgspec

from chalicelib.protocol import own_jwt
from chalicelib.protocol.handles import Handle, build_handle, parse_handle
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    ItemKey,
    client_item_key,
    connection_item_key,
    consent_item_key,
    grant_item_key,
    keyset_item_key,
)
from chalicelib.records.revocation import Revocation
from cli.deployment.operations import wrap_key
from tests.kit.http.browser import Answer
from tests.kit.http.stack import SignIn, Stack

T = TypeVar("T", bound=msgspec.Struct)
WRONG = "x" * 43
CONFIDENTIAL = {"token_endpoint_auth_method": "client_secret_basic"}


@dataclass
class Session:
    """A sign-in whose code is redeemed: `tokens` is the answer of the token endpoint."""

    stack: Stack
    sign_in: SignIn
    tokens: dict[str, Any]

    @property
    def access(self) -> str:
        return str(self.tokens["access_token"])

    @property
    def refresh_token(self) -> str:
        return str(self.tokens["refresh_token"])

    @property
    def client(self) -> Client:
        return self.sign_in.client

    @property
    def claims(self) -> dict[str, Any]:
        """What the access token says; nothing is verified here."""
        return read_claims(self.access)

    def refresh(self, token: str | None = None, **changed: str | None) -> Answer:
        """Use a refresh token, the first one unless said."""
        return self.stack.refresh(self.sign_in, token or self.refresh_token, **changed)

    def exchange(self, token: str | None = None, **changed: str | None) -> Answer:
        """Ask for the provider's token."""
        return self.stack.exchange(self.sign_in, token or self.access, **changed)

    def userinfo(self) -> Answer:
        """GET /userinfo."""
        return self.stack.userinfo(self.access)

    def grant(self) -> Grant:
        """The item as it stands."""
        return read(self.stack, grant_item_key(self.claims["grant_id"]))

    def consent_place(self) -> ItemKey[Consent]:
        return consent_item_key(self.claims["sub"], self.claims["client_id"])

    def connection_place(self) -> ItemKey[Connection]:
        return connection_item_key(self.claims["connections"]["demo"])


def start_session(stack: Stack, *, who: str = "alice", client: Any = None, **fields: Any) -> Session:
    """Register (unless a client and its secret are given), sign in, redeem."""
    given = client or stack.client(**fields)
    sign_in = stack.sign_in(*given, who=who)
    answer = stack.redeem(sign_in)
    assert answer.status == 200, answer.body
    return Session(stack, sign_in, answer.json)


def read_claims(token: str) -> dict[str, Any]:
    """The payload of a JWT."""
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def read(stack: Stack, place: ItemKey[T]) -> T:
    """The record that stands there."""
    record = stack.deployment.store.read(place).get(place)
    assert record is not None, place
    return record


def change(stack: Stack, place: ItemKey[Any], **fields: Any) -> None:
    """Write a record with other values, past every verb."""
    stack.deployment.put(place, msgspec.structs.replace(read(stack, place), **fields))


def mark(stack: Stack, place: ItemKey[Any], *, disabled: bool = False) -> None:
    """End what was decided until now, or switch off."""
    marks = Revocation(disabled=True) if disabled else Revocation(not_before=stack.clock.now() + 1)
    change(stack, place, marks=marks)


def disable_client(stack: Stack, client: Client) -> None:
    mark(stack, client_item_key(client.client_id), disabled=True)


def sign(stack: Stack, claims: dict[str, Any], typ: str = "at+jwt") -> str:
    """A token by our own key: what a fault of ours, or a later version, might issue."""
    return own_jwt.sign(claims, key=stack.broker.keys.get("signing").current, typ=typ)


def respell(stack: Stack, token: str, kind: Any, **changed: Any) -> str:
    """A handle with other content under a right MAC: what whoever holds the handle key can write."""
    keys, epoch = stack.broker.keys.get("handle"), stack.broker.settings.epoch
    handle: Handle = parse_handle(token, kind, keys, epoch=epoch, homes="a")
    return build_handle(msgspec.structs.replace(handle, **changed), keys, epoch=epoch)


def refusal(answer: Answer) -> tuple[int, str]:
    """What a client sees of a refusal."""
    return answer.status, answer.json["error"]


def events(stack: Stack, name: str) -> list[dict[str, Any]]:
    """Lines of the log with this name."""
    lines = [json.loads(line) for line in stack.log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == name]


def audits(stack: Stack) -> list[dict[str, Any]]:
    """Audit items in the table."""
    answer = stack.deployment.dynamodb.call("Scan", {"TableName": stack.settings.table, "ConsistentRead": True})
    return [item for item in answer["Items"] if item["pk"]["S"].startswith("AUDIT#")]


def count_calls(stack: Stack) -> int:
    """Calls at the table so far."""
    return len(stack.dynamodb.calls)


NO_ANSWER = (HTTPException, OSError)


def id_token(answer: Answer) -> dict[str, Any]:
    return jwt.decode(answer.json["id_token"], options={"verify_signature": False})


def rotate_key(stack: Stack, purpose: str = "handle") -> None:
    """A second version that issues; the first only verifies."""
    place = keyset_item_key(purpose)
    item = read(stack, place)
    fresh = msgspec.structs.replace(item.keys[0], version=2, wrapped=wrap_key(stack.deployment, purpose, 2, b"k" * 32))
    retired = msgspec.structs.replace(item.keys[0], state="retired")
    stack.deployment.put(place, msgspec.structs.replace(item, keys=(retired, fresh)))
