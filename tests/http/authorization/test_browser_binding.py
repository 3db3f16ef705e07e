"""Cookies under an https issuer, and what another site or another user of the browser can plant (CB-02)."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from chalicelib.endpoints.browser.cookies import seal_pending, seal_session
from chalicelib.endpoints.browser.sealed_forms import seal_form
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.records.item_keys import subject_item_key
from tests.kit.http.browser import read_page
from tests.kit.http.secure_browser import secure
from tests.kit.http.sign_in_scene import assert_nothing_came_of_it, assert_page, grants, only_written, shows
from tests.kit.http.stack import SignIn, Stack
from tests.kit.requirement import requirement


@requirement("BFF-01", "CB-02")
def test_under_https_every_cookie_is_secure_and_of_this_host_alone(make_stack: Callable[..., Stack]) -> None:
    _, sign_in = secure(make_stack)
    browser = sign_in.browser
    assert "code" in browser.get(sign_in.callback).answered
    assert len(browser.set_cookies) == 4
    for header in browser.set_cookies:
        assert header.startswith("__Host-tb_") and "; Path=/" in header and "Domain" not in header
        assert "; Secure" in header and "; HttpOnly" in header and "; SameSite=Lax" in header


@requirement("CB-02", "CONS-05")
def test_under_https_a_cookie_without_the_prefix_is_not_ours(make_stack: Callable[..., Stack]) -> None:
    """Another host of the same domain can plant those."""
    stack, sign_in = secure(make_stack)
    browser = sign_in.browser
    browser.cookies = {name.removeprefix("__Host-"): value for name, value in browser.cookies.items()}
    with only_written(stack):
        assert_page(browser.get(sign_in.callback), 403)


@requirement("CB-02", "GEN-20")
def test_a_planted_browser_name_does_not_open_the_planters_form(stack: Stack) -> None:
    """Who has the form of a browser name and can plant that name still leaves an Origin that is not ours."""
    client, _ = stack.client()
    attacker = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), attacker)
    victim = stack.browser()
    victim.cookies["tb_browser"] = attacker.cookies["tb_browser"]
    fields = {**dict(read_page(page.body).fields), "provider": "demo", "decision": "allow"}
    for origin in ("https://attacker.example", "null"):
        with only_written(stack):
            assert_page(victim.post("/signin", fields, Origin=origin), 403)
    assert not any(name.startswith("tb_pending") for name in victim.cookies)


@requirement("CB-02")
@pytest.mark.parametrize("value", ["", "x", "a" * 42, "a" * 44])
def test_a_browser_name_that_is_not_of_our_form_is_replaced(stack: Stack, value: str) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    browser.cookies["tb_browser"] = value
    page = stack.authorize(stack.authorize_parameters(client), browser)
    assert page.status == 200 and len(browser.cookies["tb_browser"]) == 43
    assert stack.decide(browser, page, provider="demo").status == 200


@requirement("CONS-05", "CB-02")
def test_the_session_of_another_user_decides_nothing_for_this_one(stack: Stack) -> None:
    """A stolen or planted session cookie is that user's session, never a key to somebody else's grants."""
    client, _ = stack.client()
    alice = stack.sign_in(client, who="alice")
    bob = stack.sign_in(client, browser=stack.browser(), who="bob")
    bob.browser.cookies["tb_session"] = alice.browser.cookies["tb_session"][:-2] + "AA"
    answer = stack.authorize(stack.authorize_parameters(client), bob.browser)
    assert shows(stack, answer) == "page"


class OtherShape(msgspec.Struct):
    """What another version of ours might have sealed under the same keys."""

    sub: str = ""
    account_id: str = ""
    sid: str = ""
    expires_at: int = 10**10
    state: str = ""
    browser: str = ""


@requirement("GEN-17", "CONS-05")
def test_what_another_version_sealed_in_another_shape_counts_as_absent(stack: Stack) -> None:
    """A deploy while people sign in, or are signed in, must not lock them out until their cookies end."""
    client, _ = stack.client()
    here = stack.sign_in(client)
    sub = stack.userinfo(stack.redeem(here).json["access_token"]).json["sub"]
    subject = stack.deployment.store.read(subject_item_key(sub)).get(subject_item_key(sub))
    assert subject is not None
    _, session = seal_session(stack.broker, OtherShape(sub=sub), subject.session_salt)  # type: ignore[arg-type]
    here.browser.cookies["tb_session"] = session.partition("=")[2].partition(";")[0]
    page = stack.authorize(stack.authorize_parameters(client), here.browser)
    assert shows(stack, page) == "page"
    form = OtherShape(browser=browser_hash(here.browser.cookies["tb_browser"]))
    answer = stack.decide(here.browser, page, request=seal_form(stack.broker, form))  # type: ignore[arg-type]
    assert answer.status == 403
    there = stack.to_callback(client)
    state = dict(parse_qsl(urlsplit(there.callback).query))["state"]
    (slot,) = [name for name in there.browser.cookies if name.startswith("tb_pending_")]
    sealed = seal_pending(stack.broker, OtherShape(state=state))  # type: ignore[arg-type]
    there.browser.cookies[slot] = f"0.{sealed}"
    assert there.browser.get(there.callback).status == 403


@requirement("CB-01", "CONS-04")
def test_a_code_is_only_for_the_client_and_redirect_of_its_request(stack: Stack) -> None:
    client, _ = stack.client()
    other, _ = stack.client()
    sign_in = stack.sign_in(client)
    code = sign_in.code
    stolen = SignIn(**{**vars(sign_in), "client": other})
    assert stack.redeem(stolen).json["error"] == "invalid_grant"
    for changed in ({"redirect_uri": "https://app.example/other"}, {"code_verifier": "w" * 43}, {"code": code + "A"}):
        assert stack.redeem(sign_in, **changed).json["error"] == "invalid_grant"
    assert stack.redeem(sign_in).status == 200


@requirement("CONS-06", "CONS-04")
def test_after_cancel_nothing_is_left_that_could_go_on(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), browser)
    answer = stack.decide(browser, page, "deny")
    assert answer.answered["error"] == "access_denied" and grants(stack) == []
    assert set(browser.cookies) == {"tb_browser"}
    assert_nothing_came_of_it(stack, answer)
