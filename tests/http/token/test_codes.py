"""Redeeming an authorization code: every binding, and nothing changes for whoever has less than all of them."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from chalicelib.protocol.handles import parse_handle
from chalicelib.records.item_keys import grant_item_key
from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.browser import FORM, request
from tests.kit.http.stack import APP, SignIn, Stack
from tests.kit.http.tokens import (
    CONFIDENTIAL,
    WRONG,
    change,
    count_calls,
    events,
    read,
    read_claims,
    refusal,
    respell,
    start_session,
)
from tests.kit.requirement import requirement

API = "https://api.example"
REFUSED = (400, "invalid_grant")


def grant_id(stack: Stack, sign_in: SignIn) -> str:
    return parse_handle(sign_in.code, "code", stack.broker.keys.get("handle"), epoch=0, homes="a").grant_id


@requirement("CODE-01", "CODE-02", "CODE-06")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": WRONG}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": "v" * 129}, "invalid_grant"),
        ({"code_verifier": "v" * 42 + "!"}, "invalid_grant"),
        ({"redirect_uri": "https://app.example/callback/"}, "invalid_grant"),
        ({"redirect_uri": "https://evil.example/callback"}, "invalid_grant"),
        ({"redirect_uri": "https://APP.example/callback"}, "invalid_grant"),
        ({"resource": API}, "invalid_target"),
        ({"resource": "not a uri"}, "invalid_target"),
        ({"code": None}, "invalid_request"),
    ],
)
def test_whatever_is_wrong_leaves_the_code_good(stack: Stack, changed: dict[str, str | None], error: str) -> None:
    sign_in = stack.sign_in(stack.client()[0])
    assert refusal(stack.redeem(sign_in, **changed)) == (400, error)
    assert stack.redeem(sign_in).status == 200


@requirement("CODE-01", "CODE-02")
def test_a_code_is_bound_to_its_client(stack: Stack) -> None:
    client, secret = stack.client(**CONFIDENTIAL)
    sign_in = stack.sign_in(client, secret)
    for other in (stack.client(), stack.client(**CONFIDENTIAL)):
        thief = SignIn(**{**vars(sign_in), "client": other[0], "secret": other[1]})
        assert refusal(stack.redeem(thief)) == REFUSED
    assert refusal(stack.redeem(SignIn(**{**vars(sign_in), "secret": "0" * 64}))) == (401, "invalid_client")
    assert stack.redeem(sign_in).status == 200


@requirement("CODE-04")
def test_a_second_fully_valid_use_ends_everything_from_the_code(stack: Stack) -> None:
    session = start_session(stack)
    assert refusal(stack.redeem(session.sign_in)) == REFUSED
    assert events(stack, "replay_detected")[0]["reason"] == "code_replayed"
    assert session.userinfo().status == 401
    assert refusal(session.refresh()) == REFUSED
    assert session.exchange().status == 400


@requirement("CODE-04")
def test_any_other_second_use_ends_nothing(stack: Stack) -> None:
    session = start_session(stack)
    other, _ = stack.client()
    for changed in ({"code_verifier": WRONG}, {"redirect_uri": APP + "/"}, {"resource": API}):
        assert stack.redeem(session.sign_in, **changed).status == 400
    assert refusal(stack.redeem(SignIn(**{**vars(session.sign_in), "client": other}))) == REFUSED
    assert stack.redeem(session.sign_in, code=session.sign_in.code[:-1]).status == 400
    assert session.userinfo().status == 200 and session.refresh().status == 200


@requirement("CODE-04")
def test_a_code_has_no_grace_and_is_known_as_used_to_the_end_of_its_grant(stack: Stack) -> None:
    session = start_session(stack)
    second = session.refresh().json
    stack.clock.advance(86400)
    assert refusal(stack.redeem(session.sign_in)) == REFUSED
    assert refusal(session.refresh(second["refresh_token"])) == REFUSED


@requirement("CODE-02", "GEN-14")
def test_a_code_lives_a_minute_however_long_the_table_keeps_it(stack: Stack) -> None:
    first, second = stack.sign_in(stack.client()[0]), stack.sign_in(stack.client()[0])
    stack.clock.advance(59)
    assert stack.redeem(first).status == 200
    stack.clock.advance(1)
    assert refusal(stack.redeem(second)) == REFUSED
    assert read(stack, grant_item_key(grant_id(stack, second))).status == "issued"


@requirement("CODE-07")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda code: code[:-1],
        lambda code: code[:-4],
        lambda code: code + "A",
        lambda code: code + "AAAA",
        lambda code: code + "=",
        lambda code: code.swapcase(),
        lambda code: code[:9] + code[9:].lower(),
        lambda code: code[:20] + ("A" if code[20] != "A" else "B") + code[21:],
        lambda code: code[:-2] + ("A" if code[-2] != "A" else "B") + code[-1],
        lambda code: code.replace("tb_code_", "tb_refresh_"),
        lambda code: code.removeprefix("tb_code_"),
        lambda code: code + " ",
        lambda code: "tb_code_",
        lambda code: "tb_code_" + "é" * 20,
        lambda code: "tb_code_" + "A" * 3000,
    ],
)
def test_a_code_that_is_not_exactly_ours_is_refused_unread(stack: Stack, spoil: Callable[[str], str]) -> None:
    sign_in = stack.sign_in(stack.client()[0])
    stack.redeem(sign_in, code="unknown")
    before = count_calls(stack)
    assert refusal(stack.redeem(sign_in, code=spoil(sign_in.code))) == REFUSED
    assert count_calls(stack) == before
    assert stack.redeem(sign_in).status == 200


@requirement("CODE-07", "CODE-01")
def test_a_code_under_a_right_mac_with_another_secret_changes_nothing(stack: Stack) -> None:
    """What a leaked handle key alone makes: the table knows no such secret."""
    session = start_session(stack)
    fresh = stack.sign_in(session.client)
    for sign_in in (session.sign_in, fresh):
        forged = respell(stack, sign_in.code, "code", secret=b"x" * 16)
        assert refusal(stack.redeem(sign_in, code=forged)) == REFUSED
    assert stack.redeem(fresh).status == 200 and session.refresh().status == 200


@requirement("CODE-02", "VLT-12")
def test_the_audience_is_the_one_named_and_one_alone(stack: Stack) -> None:
    for uri in (API, "https://other.example"):
        create_resource(stack.deployment, Resource(audience=uri, scopes=frozenset({"orders:read"})))
    fields = {
        "resources": frozenset({API, "https://other.example"}),
        "scopes": frozenset({"openid", "offline_access", "demo:notes:read", "orders:read"}),
    }
    scope = "openid offline_access demo:notes:read orders:read"
    client, _ = stack.client(**fields)
    ours = stack.settings.issuer
    for asked, audience in ((None, API), (API, API), (ours, ours)):
        sign_in = stack.sign_in(client, scope=scope, resource=API)
        assert refusal(stack.redeem(sign_in, resource="https://other.example")) == (400, "invalid_target")
        claims = read_claims(stack.redeem(sign_in, resource=asked).json["access_token"])
        assert claims["aud"] == audience
        assert claims["scope"] == ("orders:read" if audience == API else " ".join(sorted(scope.split())))
        assert ("connections" in claims) == (audience == ours)


@requirement("CODE-02")
def test_two_audiences_for_one_token_are_refused(stack: Stack) -> None:
    sign_in = stack.sign_in(stack.client()[0])
    form = [
        ("grant_type", "authorization_code"), ("code", sign_in.code), ("code_verifier", sign_in.verifier),
        ("client_id", sign_in.client.client_id), ("resource", stack.settings.issuer), ("resource", API),
    ]  # fmt: skip
    answer = request(stack.netloc, "POST", "/token", body=urlencode(form), headers={"Content-Type": FORM})
    assert refusal(answer) == (400, "invalid_target")
    assert stack.redeem(sign_in).status == 200


@requirement("CODE-02", "REF-06")
def test_without_offline_access_there_is_no_refresh_token_and_the_grant_ends_with_its_access_token(
    stack: Stack,
) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client, scope="openid profile demo:notes:read")
    tokens = stack.redeem(sign_in).json
    assert "refresh_token" not in tokens
    stack.clock.advance(tokens["expires_in"] - 1)
    assert stack.userinfo(tokens["access_token"]).status == 200
    stack.clock.advance(1)
    assert stack.userinfo(tokens["access_token"]).status == 401
    assert read(stack, grant_item_key(grant_id(stack, sign_in))).is_over(stack.clock.now())


@requirement("CODE-02")
def test_a_resources_longer_life_does_not_outlive_the_grant(stack: Stack) -> None:
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"orders:read"}), token_seconds=3600))
    client, _ = stack.client(resources=frozenset({API}), scopes=frozenset({"openid", "orders:read"}))
    sign_in = stack.sign_in(client, scope="openid orders:read", resource=API)
    tokens = stack.redeem(sign_in).json
    grant = read(stack, grant_item_key(grant_id(stack, sign_in)))
    assert stack.clock.now() + tokens["expires_in"] <= min(grant.expires_at, grant.ends_at)
    assert read_claims(tokens["access_token"])["exp"] == stack.clock.now() + tokens["expires_in"]


@requirement("CODE-02")
def test_an_item_of_another_state_redeems_nothing(stack: Stack) -> None:
    sign_in = stack.sign_in(stack.client()[0])
    place = grant_item_key(grant_id(stack, sign_in))
    for status in ("exchanging", "revoked"):
        change(stack, place, status=status)
        assert refusal(stack.redeem(sign_in)) == REFUSED
        assert read(stack, place).status == status
