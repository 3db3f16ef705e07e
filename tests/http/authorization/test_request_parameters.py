"""What OpenID Connect lets an app say in its request (Core sections 3.1.2.1, 5.5 and 6)."""

import json
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from tests.kit.http.pushing import push
from tests.kit.http.sign_in_scene import assert_told, connections, grants, only_written
from tests.kit.http.stack import SignIn, Stack
from tests.kit.http.tokens import id_token
from tests.kit.requirement import requirement

ALL = {"id_token": {"name": None, "email": {"essential": True}, "email_verified": None, "shoe_size": None}}
PROFILE = {"name", "email", "email_verified"}


@requirement("OIDC-01", "META-02")
def test_the_id_token_carries_what_claims_asks_for(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client, scope="openid", claims=json.dumps(ALL))
    tokens = stack.redeem(sign_in)
    said, seen = id_token(tokens), stack.userinfo(tokens.json["access_token"]).json
    assert said.keys() >= PROFILE and {name: said[name] for name in PROFILE} == {name: seen[name] for name in PROFILE}
    assert "picture" not in said and "shoe_size" not in said
    assert set(tokens.json["scope"].split()) == {"openid", "profile", "email"}
    plain = stack.redeem(stack.sign_in(client))
    assert not PROFILE & id_token(plain).keys()


@requirement("OIDC-01", "CONS-03")
def test_the_page_names_what_claims_asks_for_and_a_client_gets_no_more_than_it_may(stack: Stack) -> None:
    client, _ = stack.client()
    page = stack.authorize(stack.authorize_parameters(client, scope="openid", claims=json.dumps(ALL)))
    plain = stack.authorize(stack.authorize_parameters(client, scope="openid"))
    assert "see your email address" in page.body and "see your email address" not in plain.body
    small, _ = stack.client(scopes=frozenset({"openid", "profile"}))
    page = stack.authorize(stack.authorize_parameters(small, scope="openid", claims=json.dumps(ALL)))
    assert "see your email address" not in page.body
    tokens = stack.redeem(stack.sign_in(small, scope="openid", claims=json.dumps(ALL)))
    assert PROFILE & id_token(tokens).keys() == {"name"} and "email" not in tokens.json["scope"]
    without, _ = stack.client(scopes=frozenset({"profile", "email"}))
    tokens = stack.redeem(stack.sign_in(without, scope="profile", claims=json.dumps(ALL)))
    assert "id_token" not in tokens.json and tokens.json["scope"] == "profile"


@requirement("OIDC-01")
def test_a_scope_that_the_user_unticked_opens_no_claim(stack: Stack) -> None:
    client, _ = stack.client(optional_scopes=frozenset({"email"}))
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, scope="openid", claims=json.dumps(ALL)), browser)
    left = stack.decide(browser, page, provider="demo", scope="")
    back = browser.get(stack.provider.sign_in(left.location, "alice"))
    sign_in = SignIn(client, None, client.redirect_uris[0], "v" * 43, "", "", browser, back)
    assert PROFILE & id_token(stack.redeem(sign_in)).keys() == {"name"}


@requirement("OIDC-01")
@pytest.mark.parametrize("value", ["{", "[]", '{"userinfo": 1}'])
def test_claims_that_cannot_be_read_are_told(stack: Stack, value: str) -> None:
    client, _ = stack.client()
    with only_written(stack):
        answer = stack.authorize(stack.authorize_parameters(client, state="s", claims=value))
    assert_told(answer, "invalid_request", state="s", iss=stack.settings.issuer)
    assert push(stack, client, claims=value).json["error"] == "invalid_request"


@requirement("OIDC-02")
def test_an_id_token_hint_lets_its_user_in_and_nobody_else(stack: Stack) -> None:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    alice = stack.sign_in(client, secret)
    hint = stack.redeem(alice).json["id_token"]
    bob = stack.sign_in(client, secret, who="bob").browser
    stack.clock.advance(stack.settings.id_token_seconds + 1)
    for more in ({"id_token_hint": hint}, {"claims": json.dumps({"id_token": {"sub": {"value": id_sub(hint)}}})}):
        parameters = stack.authorize_parameters(client, prompt="none", state="s", **more)
        assert "code" in stack.authorize(parameters, alice.browser).answered
        for browser in (bob, stack.browser()):
            told = stack.authorize(parameters, browser)
            assert_told(told, "login_required", state="s", iss=stack.settings.issuer)


def id_sub(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["sub"])


@requirement("OIDC-02")
def test_another_user_who_comes_back_ends_it(stack: Stack) -> None:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    hint = stack.redeem(stack.sign_in(client, secret)).json["id_token"]
    browser = stack.sign_in(client, secret, who="bob").browser
    page = stack.authorize(stack.authorize_parameters(client, state="s", id_token_hint=hint), browser)
    left = stack.decide(browser, page, provider="demo")
    assert left.location.startswith(stack.provider.url)
    before = len(connections(stack))
    answer = browser.get(stack.provider.sign_in(left.location, "bob"))
    assert_told(answer, "login_required", state="s", iss=stack.settings.issuer)
    assert len(connections(stack)) == before and grants(stack)[-1].status in ("revoked", "issued", "active")
    page = stack.authorize(stack.authorize_parameters(client, state="s", id_token_hint=hint), browser)
    left = stack.decide(browser, page, provider="demo")
    assert "code" in browser.get(stack.provider.sign_in(left.location, "alice")).answered


@requirement("OIDC-02")
def test_a_hint_that_is_not_ours_or_another_clients_is_refused(stack: Stack) -> None:
    client, _ = stack.client()
    other, _ = stack.client()
    tokens = stack.redeem(stack.sign_in(client)).json
    of_other = stack.redeem(stack.sign_in(other)).json["id_token"]
    head, _, signature = tokens["id_token"].split(".")
    forged = ".".join((head, of_other.split(".")[1], signature))
    named = json.dumps({"id_token": {"sub": {"value": "somebody else"}}})
    wrongs: list[dict[str, str]] = [
        *({"id_token_hint": hint} for hint in ("x", "a.b.c", forged, of_other, tokens["access_token"])),
        {"id_token_hint": tokens["id_token"], "claims": named},
    ]
    for wrong in wrongs:
        answer = stack.authorize(stack.authorize_parameters(client, state="s", **wrong))
        assert_told(answer, "invalid_request", state="s", iss=stack.settings.issuer)


@requirement("OIDC-04")
def test_languages_and_hints_go_to_a_provider_whose_file_passes_them(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    more = {"ui_locales": "de-CH fr", "login_hint": "alice@demo.example"}
    page = stack.authorize(stack.authorize_parameters(client, **more), browser)
    sent = parse_qs(urlsplit(stack.decide(browser, page, provider="demo").location).query)
    assert {name: sent[name][0] for name in more} == more
    answer = stack.authorize(stack.authorize_parameters(client, state="s", ui_locales="x" * 257))
    assert_told(answer, "invalid_request", state="s", iss=stack.settings.issuer)


@requirement("OIDC-05")
def test_only_offline_access_brings_a_refresh_token_and_no_prompt_is_needed_for_it(stack: Stack) -> None:
    client, _ = stack.client()
    assert "refresh_token" in stack.redeem(stack.sign_in(client, scope="openid offline_access")).json
    sign_in = stack.sign_in(client, scope="openid", prompt="consent")
    tokens = stack.redeem(sign_in)
    assert "refresh_token" not in tokens.json and "offline_access" not in tokens.json["scope"]
