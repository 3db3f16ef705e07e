"""The key set: public halves alone; a key is published before it signs and stays while its tokens live."""

from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
import pytest

from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.own_jwt import jwks_document, new_signing_key, public_jwk
from chalicelib.records.item_keys import keyset_item_key
from chalicelib.records.keyset import WrappedKey
from chalicelib.records.small_items import KeysetItem
from chalicelib.routes import create_app
from cli.deployment.operations import wrap_key
from local.stack.gateway import Gateway
from tests.kit.http.browser import request
from tests.kit.http.device import start_device
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
LIFETIME = 300  # what the key set's own answer allows a cache


def keyset(stack: Stack) -> KeysetItem:
    item = stack.deployment.store.read(keyset_item_key("signing")).get(keyset_item_key("signing"))
    assert item is not None
    return item


def put_states(stack: Stack, *states: str) -> tuple[WrappedKey, ...]:
    """The signing keyset with these states; keys are added as needed."""
    keys = list(keyset(stack).keys)
    while len(keys) < len(states):
        version, plain = len(keys) + 1, new_signing_key()
        wrapped = wrap_key(stack.deployment, "signing", version, plain)
        keys.append(
            WrappedKey(
                version=version, state="published", created_at=stack.clock.now(), wrapped=wrapped,
                public_jwk=public_jwk(plain),
            )
        )  # fmt: skip
    placed = tuple(msgspec.structs.replace(key, state=state) for key, state in zip(keys, states, strict=True))
    stack.deployment.put(keyset_item_key("signing"), KeysetItem(purpose="signing", keys=placed))
    return placed


def kids(stack: Stack) -> list[str]:
    return [key["kid"] for key in stack.get("/jwks").json["keys"]]


def kid_of(token: str) -> str:
    return jwt.get_unverified_header(token)["kid"]


@requirement("META-03")
def test_the_key_set_holds_public_members_kid_alg_and_use(stack: Stack) -> None:
    put_states(stack, "retiring", "signing", "published")
    stack.restart()
    keys = stack.get("/jwks").json["keys"]
    assert len(keys) == 3 and len({key["kid"] for key in keys}) == 3
    for key in keys:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")


@requirement("META-03")
@pytest.mark.parametrize("member", PRIVATE)
def test_a_private_member_is_never_serialised(stack: Stack, member: str) -> None:
    first = keyset(stack).keys[0]
    leaky = msgspec.structs.replace(first, public_jwk={**(first.public_jwk or {}), member: "canary-private"})
    stack.deployment.put(keyset_item_key("signing"), KeysetItem(purpose="signing", keys=(leaky,)))
    stack.restart()
    answer = stack.get("/jwks")
    assert answer.status == 200 and answer.json == {"keys": [first.public_jwk]}, (
        "what stands in the table is not copied"
    )
    assert "canary-private" not in answer.body + stack.log.getvalue()
    with pytest.raises(ValueError):
        jwks_document([{**(first.public_jwk or {}), member: "x"}])


@requirement("META-04")
def test_a_key_is_published_before_it_signs_and_stays_while_its_tokens_live(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    first, second = put_states(stack, "signing", "published")
    old_kid, new_kid = (first.public_jwk or {})["kid"], (second.public_jwk or {})["kid"]
    stack.clock.advance(60)  # a warm process reads its keysets again
    tokens = stack.redeem(stack.sign_in(client)).json
    assert kid_of(tokens["access_token"]) == old_kid and kids(stack) == [old_kid, new_kid]
    put_states(stack, "retiring", "signing")
    stack.clock.advance(LIFETIME)
    again = stack.refresh(sign_in, tokens["refresh_token"]).json
    assert kid_of(again["access_token"]) == kid_of(again["id_token"]) == new_kid
    assert set(kids(stack)) == {old_kid, new_kid}
    for token in (tokens["access_token"], again["access_token"]):
        assert stack.userinfo(token).status == 200
    put_states(stack, "retired", "signing")
    stack.clock.advance(60)
    assert kids(stack) == [new_kid]
    assert stack.userinfo(tokens["access_token"]).status == 401
    assert stack.userinfo(again["access_token"]).status == 200


@requirement("META-04", "INT-03")
def test_an_unknown_kid_is_an_invalid_token(stack: Stack) -> None:
    client, _ = stack.client()
    token = stack.redeem(stack.sign_in(client)).json["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    plain = new_signing_key()
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    key: Any = load_der_private_key(plain, None)
    for kid in ((public_jwk(plain))["kid"], kid_of(token), "", "../../etc/passwd"):
        forged = jwt.encode(claims, key, algorithm="ES256", headers={"typ": "at+jwt", "kid": kid})
        answer = stack.userinfo(forged)
        assert (answer.status, answer.json["error"]) == (401, InvalidToken.code)
        assert 'error="invalid_token"' in (answer.challenge or "")


@requirement("META-04", "GEN-13")
@pytest.mark.parametrize("states", [("published",), ("retired",), ("signing", "signing"), ("published", "retiring")])
def test_without_exactly_one_signing_key_nothing_is_used_up(make_stack, states: tuple[str, ...]) -> None:
    stack = make_stack(refresh_grace_seconds=0)
    client, _ = stack.client()
    sign_in, earlier = stack.sign_in(client), stack.sign_in(client)
    refresh_token = stack.redeem(earlier).json["refresh_token"]
    device = start_device(stack)
    device.approve()
    before = keyset(stack)
    put_states(stack, *states)
    stack.restart()
    assert stack.redeem(sign_in).status == stack.refresh(earlier, refresh_token).status == device.poll().status == 503
    stack.deployment.put(keyset_item_key("signing"), before)
    stack.restart()
    assert stack.redeem(sign_in).status == stack.refresh(earlier, refresh_token).status == device.poll().status == 200


WELL_KNOWN = ("oauth-authorization-server", "openid-configuration", "oauth-protected-resource")


@requirement("META-05")
def test_an_issuer_with_a_path_is_found_at_both_forms(make_stack) -> None:
    stack = make_stack(issuer="http://127.0.0.1:1/tenant")
    within = Gateway(create_app(lambda: stack.broker), stage_prefix="/tenant").start()
    at_root = Gateway(create_app(lambda: stack.broker)).start()
    hosts = [urlsplit(gateway.url).netloc for gateway in (within, at_root)]
    try:
        stack.broker = stack.build(issuer=f"http://{hosts[0]}/tenant")
        for name in WELL_KNOWN:
            appended = request(hosts[0], "GET", f"/tenant/.well-known/{name}")
            own_host = {"Host": hosts[0]}  # in front of both a distribution routes by path, under one host
            inserted = request(hosts[1], "GET", f"/.well-known/{name}/tenant", headers=own_host)
            assert appended.status == inserted.status == 200
            assert appended.body == inserted.body
            assert f'"http://{hosts[0]}/tenant"' in appended.body
            others = {
                request(hosts[1], "GET", f"/.well-known/{name}/{other}", headers=own_host).status
                for other in ("other", "Tenant", "tenant2", "tenan", "tenant%2Fx", "%00", "..%2Ftenant", "%74enant%20")
            }
            assert others == {404}
    finally:
        within.stop()
        at_root.stop()


@requirement("META-05")
def test_an_issuer_without_a_path_knows_no_other(stack: Stack) -> None:
    answers = {
        stack.get(f"/.well-known/{name}/{other}").status for name in WELL_KNOWN for other in ("x", "admin", "%20")
    }
    assert answers == {404}
