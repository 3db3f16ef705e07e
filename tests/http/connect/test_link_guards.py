"""What a link, a shown login and a connect may never take over or lose, each by the one line that guards it."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, provider_item_key, subject_item_key
from tests.kit.http.browser import Browser, request
from tests.kit.http.connect_links import connect, link_of, press, start_linkable, to_callback
from tests.kit.http.fault_line import KmsWithout
from tests.kit.http.sign_in_scene import assert_page, only_written
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, change, mark, read
from tests.kit.requirement import requirement

BOTH = "notes:read notes:write"


def to_shown_login(session: Session, browser: Browser) -> str:
    """A browser without a session: to just before our callback."""
    left = press(browser, browser.get(link_of(session)), "sign_in")
    return session.stack.provider.sign_in(left.location, "alice")


@requirement("CB-03")
@pytest.mark.parametrize("marked", ["user", "consent", "provider"])
def test_a_mark_set_while_a_login_is_shown_gives_no_session(stack: Stack, session: Session, marked: str) -> None:
    browser = stack.browser()
    callback = to_shown_login(session, browser)
    places: dict[str, Any] = {"user": subject_item_key(session.claims["sub"]), "consent": session.consent_place()}
    mark(stack, places.get(marked, provider_item_key("demo")))
    assert_page(browser.get(callback), 403)
    assert "tb_session" not in browser.cookies


@requirement("CB-03")
def test_a_page_of_a_link_is_good_for_as_long_as_a_sign_in_may_take(make_stack: Callable[..., Stack]) -> None:
    session = start_linkable(make_stack(pending_seconds=120))
    browser = session.sign_in.browser
    page = browser.get(link_of(session))
    session.stack.clock.advance(120)
    with only_written(session.stack):
        assert_page(press(browser, page), 403)


def wide_then_narrow(session: Session) -> tuple[dict[str, str], Connection]:
    """Connected with both scopes, then again while the provider gives one: the app's answer, and what stands."""
    connect(session, scope=BOTH)
    session.stack.clock.advance(2)
    session.stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    answer = connect(session, scope=BOTH).answered
    return answer, read(session.stack, connection_item_key(answer["connection_id"]))


@requirement("VLT-10", "CB-11")
def test_what_stands_is_wider_than_what_a_connect_brings_and_nothing_is_missing(session: Session) -> None:
    answer, connection = wide_then_narrow(session)
    assert "missing_scopes" not in answer and {"notes:read", "notes:write"} <= connection.granted


@requirement("VLT-11", "CB-11")
def test_what_a_mark_has_ended_is_not_kept_though_it_is_wider(session: Session) -> None:
    connect(session, scope=BOTH)
    mark(session.stack, provider_item_key("second"))
    session.stack.clock.advance(2)
    session.stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    answer = connect(session, scope=BOTH).answered
    connection = read(session.stack, connection_item_key(answer["connection_id"]))
    assert answer["missing_scopes"] == "second:notes:write" and "notes:write" not in connection.granted


@requirement("GEN-13", "CB-03")
@pytest.mark.parametrize("purpose", ["identity", "vault"])
def test_a_key_that_does_not_open_costs_nobody_the_link(stack: Stack, session: Session, purpose: str) -> None:
    callback, kms = to_callback(session, link_of(session)), KmsWithout(stack, purpose)
    stack.restart(kms=kms)
    assert session.sign_in.browser.get(callback).status == 503
    kms.purpose = ""
    assert "connection_id" in session.sign_in.browser.get(callback).answered


@pytest.fixture
def same_again(stack: Stack, session: Session, monkeypatch: pytest.MonkeyPatch) -> str:
    """The user's refresh token, which the provider gives again at the next sign-in."""
    begin, grants = stack.provider.grants.begin, stack.provider.grants
    first = grants.families[-1]
    assert first.refresh_token

    def begin_with_the_same(*arguments: Any, **more: Any) -> Any:
        family = begin(*arguments, **more)
        family.refresh_token, first.refresh_token = first.refresh_token, None
        return family

    monkeypatch.setattr(grants, "begin", begin_with_the_same)
    return first.refresh_token


@requirement("CB-12", "CB-03")
def test_a_login_shown_with_the_stored_tokens_ends_none_of_them(
    stack: Stack, session: Session, same_again: str
) -> None:
    stack.provider.faults.static_refresh = True
    asked = stack.provider.count("revoke")
    browser = stack.browser()
    assert "/connect/" in browser.get(to_shown_login(session, browser)).location
    assert stack.provider.count("revoke") == asked
    change(stack, session.connection_place(), access_expires_at=stack.clock.now() - 1)
    assert session.exchange(str(session.refresh().json["access_token"])).status == 200


@requirement("CB-12", "VLT-07")
def test_a_login_shown_with_the_tokens_of_what_was_taken_back_ends_them(
    stack: Stack, session: Session, same_again: str
) -> None:
    stack.provider.faults.static_refresh = True
    stack.provider.faults.at, stack.provider.faults.status = frozenset({"revoke"}), 503
    headers = {"Authorization": f"Bearer {session.access}"}
    ended = request(stack.netloc, "DELETE", f"/connections/{session.claims['connections']['demo']}", headers=headers)
    assert ended.json["at_provider"] == "failed"
    stack.provider.faults.status = None
    browser = stack.browser()
    assert "/connect/" in browser.get(to_shown_login(session, browser)).location
    (family,) = [one for one in stack.provider.grants.families if one.refresh_token == same_again]
    assert family.revoked
