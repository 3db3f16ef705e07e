"""Signing out ends the session and not only its cookie, at one browser or at all of them."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.kit.http.account_page import PATH, Shown, enter, look, press, read_heading
from tests.kit.http.browser import Answer, Browser, read_page
from tests.kit.http.sign_in_scene import only_written, shows
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, events, read_claims, start_session
from tests.kit.requirement import requirement


def copy_of(browser: Browser) -> Browser:
    """Another browser with the same cookies."""
    return Browser(browser.netloc, dict(browser.cookies))


def by_hint(session: Session) -> Answer:
    return session.sign_in.browser.get("/logout?" + urlencode({"id_token_hint": session.tokens["id_token"]}))


def by_button(session: Session) -> Answer:
    browser = session.sign_in.browser
    form = read_page(browser.get("/logout").body)
    return browser.post(form.action, [*form.fields, ("decision", "sign_out")])


def everywhere(session: Session) -> Answer:
    browser = session.sign_in.browser
    return press(browser, look(browser), "sign_out_everywhere")


def is_signed_in(session: Session, browser: Browser) -> bool:
    asked = session.stack.authorize_parameters(session.client, prompt="none")
    return "code" in session.stack.authorize(asked, browser).answered


@requirement("SESS-04")
@pytest.mark.parametrize("sign_out", [by_hint, by_button, everywhere])
def test_a_copy_of_the_cookie_opens_nothing_after_a_sign_out(
    stack: Stack, sign_out: Callable[[Session], Answer]
) -> None:
    session = start_session(stack)
    copy = copy_of(session.sign_in.browser)
    assert is_signed_in(session, copy) and "end_all" in Shown(look(copy)).acts
    assert sign_out(session).status == 200
    assert not is_signed_in(session, copy) and "end_all" not in Shown(copy.get(PATH)).acts
    assert shows(stack, stack.authorize(stack.authorize_parameters(session.client), copy)) == "page"
    stack.clock.advance(stack.settings.session_seconds - 60)
    assert not is_signed_in(session, copy), "as long as the cookie could live"


@requirement("SESS-04", "SESS-01")
@pytest.mark.parametrize("by_account", [False, True])
def test_a_sign_in_with_the_cookie_of_an_ended_session_is_another_session(stack: Stack, by_account: bool) -> None:
    session = start_session(stack)
    copy = copy_of(session.sign_in.browser)
    by_hint(session)
    if by_account:
        enter(stack, copy)
        assert is_signed_in(session, copy)
    sign_in = stack.sign_in(session.client, session.sign_in.secret, browser=copy, prompt="consent")
    again = Session(stack, sign_in, stack.redeem(sign_in).json)
    assert read_sid(again) != read_sid(session) and is_signed_in(session, copy)


def read_sid(session: Session) -> str:
    return str(read_claims(session.tokens["id_token"])["sid"])


@requirement("SESS-04")
def test_the_users_other_browsers_and_apps_stay_signed_in(stack: Stack) -> None:
    session, other = start_session(stack), start_session(stack)
    by_hint(session)
    assert is_signed_in(other, other.sign_in.browser)
    assert session.userinfo().status == 200 and session.refresh().status == 200


@requirement("SESS-04")
def test_a_sign_out_is_one_write(stack: Stack) -> None:
    session = start_session(stack)
    with only_written(stack, "SEEN"):
        assert by_hint(session).status == 200


@requirement("SESS-04", "ACC-04")
def test_signing_out_everywhere_ends_every_browser_of_that_user_alone(stack: Stack) -> None:
    session, other, bob = start_session(stack), start_session(stack), start_session(stack, who="bob")
    answer = everywhere(session)
    assert read_heading(answer.body) == "You’re signed out"
    assert "tb_session" not in session.sign_in.browser.cookies
    assert not is_signed_in(other, other.sign_in.browser) and is_signed_in(bob, bob.sign_in.browser)
    assert session.userinfo().status == 200 and other.refresh().status == 200, "what apps hold stays"
    assert [line["by"] for line in events(stack, "signed_out_everywhere")] == ["user"]
