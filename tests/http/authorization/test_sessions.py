"""One browser session at the broker: how it is named in ID tokens, and when it is too old for what an app asks."""

import base64
import hashlib
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from msgspec import structs

from chalicelib.endpoints.browser.cookies import open_session, read_session_owner
from tests.kit.http.browser import Browser
from tests.kit.http.sign_in_scene import add_provider, only_written, shows, subjects
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import read_claims
from tests.kit.requirement import requirement


def id_claims(stack: Stack, browser: Browser, client: Any = None, **more: Any) -> dict[str, Any]:
    """What the ID token of one more sign-in at this browser says."""
    sign_in = stack.sign_in(client or stack.client()[0], browser=browser, **more)
    return read_claims(stack.redeem(sign_in).json["id_token"])


@requirement("SESS-01")
def test_an_id_token_names_its_session_login_request_and_access_token(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    tokens = stack.redeem(sign_in).json
    claims = read_claims(tokens["id_token"])
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert claims["nonce"] == sign_in.nonce and claims["aud"] == client.client_id
    assert len(claims["sid"]) == 32 and abs(claims["auth_time"] - stack.clock.now()) <= 2
    renewed = read_claims(stack.refresh(sign_in, tokens["refresh_token"]).json["id_token"])
    assert (renewed["sid"], renewed["auth_time"]) == (claims["sid"], claims["auth_time"])
    assert "nonce" not in renewed
    assert "sid" not in read_claims(tokens["access_token"])


@requirement("SESS-01")
def test_all_sign_ins_of_a_user_at_one_browser_are_one_session(stack: Stack) -> None:
    browser, client = stack.browser(), stack.client()[0]
    first = id_claims(stack, browser, client)["sid"]
    assert id_claims(stack, browser, client, prompt="login consent")["sid"] == first, "a trip to the provider again"
    assert id_claims(stack, browser)["sid"] == first, "another app, without a trip"
    silent = stack.authorize(stack.authorize_parameters(client, prompt="none"), browser)
    assert "code" in silent.answered


@requirement("SESS-01")
def test_another_browser_another_user_and_another_salt_are_other_sessions(stack: Stack) -> None:
    browser, client = stack.browser(), stack.client()[0]
    first = id_claims(stack, browser, client)
    elsewhere = id_claims(stack, stack.browser(), client)
    bob = id_claims(stack, browser, client, who="bob", prompt="login consent")
    again = id_claims(stack, browser, client, prompt="login consent")
    assert len({one["sid"] for one in (first, elsewhere, bob, again)}) == 4
    assert first["sub"] == elsewhere["sub"] == again["sub"] != bob["sub"]


@requirement("SESS-02")
def test_a_login_young_enough_needs_no_other(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.sign_in(client).browser
    stack.clock.advance(100)
    young = stack.authorize(stack.authorize_parameters(client, max_age="200", prompt="none"), browser)
    assert "code" in young.answered
    assert shows(stack, stack.authorize(stack.authorize_parameters(client, max_age="200"), browser)) == "code"


@requirement("SESS-02")
@pytest.mark.parametrize("asked", [{"max_age": "90"}, {"max_age": "0"}])
def test_a_login_too_old_is_a_trip_and_in_silence_a_refusal(stack: Stack, asked: dict[str, str]) -> None:
    client, _ = stack.client()
    browser = stack.sign_in(client).browser
    stack.clock.advance(100)
    assert shows(stack, stack.authorize(stack.authorize_parameters(client, **asked), browser)) == "trip"
    with only_written(stack):
        silent = stack.authorize(stack.authorize_parameters(client, prompt="none", **asked), browser)
    assert silent.answered["error"] == "login_required"


@requirement("SESS-02")
def test_a_login_of_this_very_second_is_not_younger_than_nothing(stack: Stack) -> None:
    """max_age=0 always asks for a login, as prompt=login does."""
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    again = stack.authorize(stack.authorize_parameters(client, max_age="0"), sign_in.browser)
    assert shows(stack, again) == "trip"


@requirement("SESS-02")
def test_a_login_of_unknown_age_is_too_old_for_every_age(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = jwt.encode

    def untold(claims: dict[str, Any], *rest: Any, **more: Any) -> str:
        return honest({name: value for name, value in claims.items() if name != "auth_time"}, *rest, **more)

    monkeypatch.setattr("local.fake.id_token.jwt.encode", untold)
    client, _ = stack.client()
    browser = stack.sign_in(client).browser
    silent = stack.authorize(stack.authorize_parameters(client, prompt="none", max_age="9999"), browser)
    assert silent.answered["error"] == "login_required"


@requirement("SESS-02", "AUTHZ-14")
def test_a_session_of_another_provider_is_no_login_there(stack: Stack) -> None:
    add_provider(stack)
    client, _ = stack.client()
    browser = stack.sign_in(client, provider="demo", scope="openid").browser
    asked = stack.authorize_parameters(client, scope="openid", provider="oidc", prompt="none")
    assert stack.authorize(asked, browser).answered["error"] == "login_required"


@requirement("SESS-02", "AUTHZ-14")
@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_who_is_to_sign_in_anew_or_to_choose_goes_to_the_provider_whatever_session_there_is(
    stack: Stack, prompt: str
) -> None:
    client, _ = stack.client()
    browser = stack.sign_in(client).browser
    page = stack.authorize(stack.authorize_parameters(client, prompt=f"consent {prompt}"), browser)
    assert stack.decide(browser, page, provider="demo").location.startswith(stack.provider.url)


@requirement("SESS-01", "INT-02")
def test_a_session_opens_for_its_user_account_and_epoch_alone(stack: Stack) -> None:
    browser = stack.sign_in(stack.client()[0]).browser
    owner = read_session_owner(stack.broker, SimpleNamespace(cookies=browser.cookies))
    assert owner is not None
    (subject,) = subjects(stack)
    assert open_session(stack.broker, owner, subject, sign_out=None, now=stack.clock.now()) is not None
    for wrong in ({"account_id": "f" * 32}, {"sub": "f" * 32}):
        assert (
            open_session(stack.broker, structs.replace(owner, **wrong), subject, sign_out=None, now=stack.clock.now())
            is None
        )
    assert (
        open_session(
            stack.broker, owner, structs.replace(subject, session_salt=b"x" * 16), sign_out=None, now=stack.clock.now()
        )
        is None
    )
    stack.restart(epoch=1)
    assert open_session(stack.broker, owner, subject, sign_out=None, now=stack.clock.now()) is None
