"""Somebody who may write to the table, and has no key: what they cannot become, and what they cannot be sent."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.protocol import own_jwt
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import grant_item_key, keyset_item_key, provider_item_key, subject_item_key
from chalicelib.records.keyset import Key, WrappedKey
from chalicelib.records.small_items import KeysetItem
from local.fake.provider import RunningProvider
from local.fake.provider import start as start_provider
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, change, events, read, refusal, start_session
from tests.kit.requirement import requirement


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
    plain = own_jwt.new_signing_key()
    jwk = own_jwt.public_jwk(plain)
    item = read(stack, keyset_item_key("signing"))
    planted = WrappedKey(version=7, state=state, created_at=0, wrapped=wrapped, public_jwk=jwk)
    stack.deployment.put(keyset_item_key("signing"), KeysetItem(purpose="signing", keys=(*item.keys, planted)))
    return Key(version=7, secret=plain, kid=jwk["kid"])


@requirement("VLT-20", "META-03")
@pytest.mark.parametrize("state", ["retiring", "published"])
@pytest.mark.parametrize("process", ["warm", "cold"])
def test_a_planted_public_key_is_neither_published_nor_trusted(
    stack: Stack, alice: Session, state: str, process: str
) -> None:
    ours = stack.get("/jwks").json["keys"]
    key = plant_key(stack, state)
    forged = own_jwt.sign({**alice.claims, "exp": stack.clock.now() + 365 * 86400}, key=key, typ="at+jwt")
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
    (first,) = read(stack, keyset_item_key("signing")).keys
    key = plant_key(stack, "retiring", wrapped=first.wrapped)
    item = read(stack, keyset_item_key("signing"))
    theirs = item.keys[1].public_jwk
    stack.deployment.put(
        keyset_item_key("signing"), replace(item, keys=(replace(first, public_jwk=theirs), item.keys[1]))
    )
    stack.restart()
    forged = own_jwt.sign(alice.claims, key=key, typ="at+jwt")
    assert stack.get("/jwks").json["keys"] == ours and stack.userinfo(forged).status == 401
    assert alice.refresh().status == 200 and stack.userinfo(alice.access).status == 200


def hers(alice: Session, bob: Session) -> dict[str, dict[str, Any]]:
    """What Bob may want to stand in his grant."""
    one, own = alice.grant(), bob.grant()
    whole = {name: getattr(one, name) for name in own.__struct_fields__}
    secret = {name: getattr(own, name) for name in ("generation", "secret_hash", "salt", "key_version")}
    return {
        "her name": {"sub": one.sub, "connections": one.connections},
        "her other name": {"shown_sub": one.sub},
        "another provider": {"provider_id": "github"},
        "a later decision": {"decided_at": own.decided_at + 10**6},
        "another session": {"sid": "0" * 32},
        "a stronger sign-in": {"acr": "phr"},
        "a fresher sign-in": {"auth_time": (own.auth_time or 0) + 1},
        "no binding": {"binding": b""},
        "her grant under another key": {**whole, **secret},
        "her grant by its own name": {**whole, **secret, "grant_id": own.grant_id},
    }


WISHES = (
    "her name", "her other name", "another provider", "a later decision", "another session", "a stronger sign-in",
    "a fresher sign-in", "no binding", "her grant by its own name",
)  # fmt: skip


def write(bob: Session, fields: dict[str, Any]) -> None:
    """Into Bob's item, whatever it says that it is called."""
    stack, place = bob.stack, grant_item_key(bob.claims["grant_id"])
    stack.deployment.put(place, replace(read(stack, place), **fields))


@requirement("VLT-20", "REF-01")
@pytest.mark.parametrize("wish", WISHES)
def test_a_refresh_makes_nobody_of_a_grant_that_was_written_into(alice: Session, bob: Session, wish: str) -> None:
    write(bob, hers(alice, bob)[wish])
    assert refusal(bob.refresh()) == (400, "invalid_grant")
    alarms = {one["kind"] for one in events(bob.stack, "alarm")}
    assert alarms == (set() if wish == "another provider" else {"grant_does_not_verify"}), "that one has no record"
    assert alice.refresh().status == 200


@requirement("VLT-20", "INT-03")
@pytest.mark.parametrize("wish", [wish for wish in WISHES if wish != "her name"])
def test_a_token_is_worth_nothing_once_its_grant_was_written_into(alice: Session, bob: Session, wish: str) -> None:
    write(bob, hers(alice, bob)[wish])
    assert bob.userinfo().status == 401 and refusal(bob.exchange())[0] == 400
    assert alice.userinfo().status == 200


@requirement("VLT-20")
def test_a_grant_that_was_copied_under_another_key_is_no_grant_there(alice: Session, bob: Session) -> None:
    write(bob, hers(alice, bob)["her grant under another key"])
    assert bob.refresh().status == bob.userinfo().status == bob.exchange().status == 503
    assert alice.refresh().status == 200


@requirement("VLT-20", "CODE-04")
@pytest.mark.parametrize("wish", ["her name", "her other name", "no binding"])
def test_a_code_makes_nobody_of_a_grant_that_was_written_into(stack: Stack, alice: Session, wish: str) -> None:
    given = (alice.client, alice.sign_in.secret)
    sign_in = stack.sign_in(*given, who="bob", claims='{"id_token": {"name": null}}')
    (grant,) = (one for one in stack.deployment.scan("GRANT#", Grant) if one.status == "issued")
    one = alice.grant()
    wishes: dict[str, dict[str, Any]] = {
        "her name": {"sub": one.sub, "connections": one.connections}, "her other name": {"shown_sub": one.sub},
        "no binding": {"binding": b""},
    }  # fmt: skip
    change(stack, grant_item_key(grant.grant_id), **wishes[wish])
    answer = stack.redeem(sign_in)
    assert refusal(answer) == (400, "invalid_grant") and "_token" not in answer.body
    assert events(stack, "alarm")[-1]["kind"] == "grant_does_not_verify"


@requirement("VLT-20", "DEV-01")
def test_a_device_code_is_not_approved_by_the_table(stack: Stack, alice: Session) -> None:
    """The grant of a device becomes a user's by the page alone."""
    client, secret = stack.client(grant_types=(DEVICE_CODE, "refresh_token"))
    started = stack.post("/device_authorization", client, secret, scope="openid offline_access").json
    (grant,) = (one for one in stack.deployment.scan("GRANT#", Grant) if one.status == "device_pending")
    one, now = alice.grant(), stack.clock.now()
    change(
        stack, grant_item_key(grant.grant_id), status="issued", sub=one.sub, provider_id="demo", scopes=one.scopes,
        connections=one.connections, ends_at=now + 10**6, expires_at=now + 10**6, binding=one.binding,
        idle_seconds=10**6, decided_at=one.decided_at,
    )  # fmt: skip
    answer = stack.post("/token", client, secret, grant_type=DEVICE_CODE, device_code=started["device_code"])
    assert refusal(answer) == (400, "invalid_grant") and "_token" not in answer.body
    assert events(stack, "alarm")[-1]["kind"] == "grant_does_not_verify"


@requirement("VLT-20", "ACC-12")
def test_a_login_becomes_another_users_by_the_broker_alone(stack: Stack, alice: Session, bob: Session) -> None:
    sub = alice.claims["sub"]
    change(stack, subject_item_key(bob.claims["sub"]), linked_to=sub)
    answer = stack.to_callback(alice.client, alice.sign_in.secret, who="bob")
    landed = answer.browser.get(answer.callback)
    assert landed.status == 403 and "code" not in landed.answered
    assert events(stack, "alarm")[-1]["kind"] == "login_does_not_verify"


@pytest.fixture
def thief(stack: Stack) -> Iterator[RunningProvider]:
    """Their own host, which plays the provider, and which the broker could reach."""
    found = start_provider(0, "127.0.0.3")
    stack.targets.append(LocalTarget(host="127.0.0.3", port=found.port, address="127.0.0.3"))
    stack.restart()
    yield found
    found.stop()


@requirement("VLT-20", "VLT-04")
@pytest.mark.parametrize("fields", [{}, {"sealed_secret": b""}, {"sealed_secret": b"", "public": True}])
def test_no_token_and_no_secret_goes_to_an_issuer_that_the_table_names(
    stack: Stack, alice: Session, thief: RunningProvider, fields: dict[str, Any]
) -> None:
    before, travelling = len(thief.requests), stack.to_callback(alice.client, alice.sign_in.secret)
    change(stack, alice.connection_place(), access_expires_at=stack.clock.now())
    change(stack, provider_item_key("demo"), issuer=thief.url, **fields)
    stack.clock.advance(11)  # a record is cached for ten seconds
    assert alice.exchange().status == 503, "her refresh token stays here"
    assert travelling.browser.get(travelling.callback).status in (502, 503)
    page = stack.authorize(stack.authorize_parameters(alice.client))
    left = stack.decide(stack.browser(), page) if page.status == 200 else page
    assert thief.url not in left.location + page.location
    assert thief.requests[before:] == []
    assert events(stack, "alarm")[-1]["kind"] == "provider_does_not_verify"
    assert stack.userinfo(alice.access).status == 200
