"""Somebody who may write to the table, and has no key: what they cannot become, and what they cannot be sent."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.protocol import jose
from chalicelib.records.keyset import Key, WrappedKey
from chalicelib.records.places import keyset_place
from chalicelib.records.stored import KeysetItem
from tests.flow.stack import Stack
from tests.flow.tokens import Session, events, read, refusal, start_session
from tests.requirement import requirement


@pytest.fixture
def alice(stack: Stack) -> Session:
    """Whom they are after."""
    return start_session(stack)


@pytest.fixture
def bob(alice: Session) -> Session:
    """They, as an honest user of the same app."""
    return start_session(alice.stack, who="bob", client=(alice.client, alice.sign_in.secret))


def plant_key(stack: Stack, state: Any, *, wrapped: bytes = b"no bytes of KMS") -> Key:
    """A signing key of their own beside ours, whose private half only they have."""
    plain = jose.new_signing_key()
    jwk = jose.public_jwk(plain)
    item = read(stack, keyset_place("signing"))
    planted = WrappedKey(version=7, state=state, created_at=0, wrapped=wrapped, public_jwk=jwk)
    stack.deployment.put(keyset_place("signing"), KeysetItem(purpose="signing", keys=(*item.keys, planted)))
    return Key(version=7, secret=plain, kid=jwk["kid"])


@requirement("VLT-20", "META-03")
@pytest.mark.parametrize("state", ["retiring", "published"])
@pytest.mark.parametrize("process", ["warm", "cold"])
def test_a_planted_public_key_is_neither_published_nor_trusted(
    stack: Stack, alice: Session, state: str, process: str
) -> None:
    ours = stack.get("/jwks").json["keys"]
    key = plant_key(stack, state)
    forged = jose.sign({**alice.claims, "exp": stack.clock.now() + 365 * 86400}, key=key, typ="at+jwt")
    if process == "cold":
        stack.restart()
    stack.clock.advance(61)
    assert stack.get("/jwks").json["keys"] == ours
    assert stack.userinfo(forged).status == 401 and refusal(alice.exchange(forged))[0] == 400
    assert stack.userinfo(alice.access).status == 200, "tokens of ours go on"
    assert events(stack, "alarm")[-1]["kind"] == "signing_key_does_not_open"
    assert len(events(stack, "alarm")) == 1, "KMS is not asked again by each request"


@requirement("VLT-20", "META-03")
def test_a_public_key_beside_a_wrapped_key_of_ours_is_not_the_one_that_counts(stack: Stack, alice: Session) -> None:
    """Wrapped bytes of ours open for their own version alone, and say themselves which public half is theirs."""
    ours = stack.get("/jwks").json["keys"]
    (first,) = read(stack, keyset_place("signing")).keys
    key = plant_key(stack, "retiring", wrapped=first.wrapped)
    item = read(stack, keyset_place("signing"))
    theirs = item.keys[1].public_jwk
    stack.deployment.put(keyset_place("signing"), replace(item, keys=(replace(first, public_jwk=theirs), item.keys[1])))
    stack.restart()
    forged = jose.sign(alice.claims, key=key, typ="at+jwt")
    assert stack.get("/jwks").json["keys"] == ours and stack.userinfo(forged).status == 401
    assert alice.refresh().status == 200 and stack.userinfo(alice.access).status == 200
