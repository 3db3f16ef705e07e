"""Attacks on connect links: who starts is who finishes, and nothing else that is done with one works (CB-03)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from chalicelib.jobs.user_erasure import erase_user
from chalicelib.records.link import ConnectClaim
from chalicelib.vault.connect_links import link_uri, open_link
from tests.kit.http.browser import Answer, Browser, read_page
from tests.kit.http.connect_links import ask, link_of, path_of, press, start_linkable, to_callback
from tests.kit.http.sign_in_scene import assert_page, connections, only_written, with_query
from tests.kit.http.stack import Stack
from tests.kit.http.surface import read_tables
from tests.kit.http.tokens import Session, start_session
from tests.kit.requirement import requirement

OTHERS = "This link is for someone else"
OVER = "This link has expired or was already used"
FIRST = "Sign in first"


@pytest.fixture
def bob(stack: Stack) -> Session:
    """Another user, with the same app and a browser session of his own."""
    session = start_linkable(stack)
    return start_session(stack, who="bob", client=(session.client, None))


def connected(stack: Stack) -> set[str]:
    """Which connections there are, whoever's."""
    return {connection.connection_id for connection in connections(stack)}


@requirement("CB-03")
def test_a_link_sent_to_somebody_signed_in_as_another_ends_there(stack: Stack, session: Session, bob: Session) -> None:
    link, victim = link_of(session), bob.sign_in.browser
    cookies = dict(victim.cookies)
    with only_written(stack):
        page = victim.get(link)
        assert_page(page, 403, says=OTHERS)
        own = victim.get(link_of(bob))
        form = read_page(own.body)
        posted = victim.post(path_of(link), [*form.fields, ("decision", "allow")])
        assert_page(posted, 403)
    assert victim.cookies == cookies


@requirement("CB-03")
def test_a_link_sent_to_somebody_without_a_session_shows_who_they_are_and_ends_there(
    stack: Stack, session: Session
) -> None:
    link, victim = link_of(session), stack.browser()
    page = victim.get(link)
    assert page.status == 200 and FIRST in page.body and victim.cookies == {}
    left = press(victim, page, "sign_in")
    asked, revoked = stack.provider.count("token"), stack.provider.count("revoke")
    with only_written(stack, "CONNECT"):
        answer = victim.get(stack.provider.sign_in(left.location, "bob"))
    assert_page(answer, 403, says=OTHERS)
    assert stack.provider.count("token") == asked + 1 and stack.provider.count("revoke") > revoked
    assert not any(name.endswith("tb_session") for name in victim.cookies)
    with only_written(stack):
        assert FIRST in victim.get(link).body


@requirement("CB-03")
def test_its_user_signs_in_first_in_another_browser_and_goes_on_there(stack: Stack, session: Session) -> None:
    link, browser = link_of(session), stack.browser()
    left = press(browser, browser.get(link), "sign_in")
    with only_written(stack, "CONNECT"):
        back = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert back.status == 303 and "/connect/" in back.location
    assert session.exchange().status == 200, "what is stored still works"
    answer = browser.get(to_callback(session, back.location, browser=browser))
    assert "connection_id" in answer.answered
    assert browser.cookies["tb_session"] != session.sign_in.browser.cookies["tb_session"]


@requirement("CB-03", "VLT-09")
def test_a_user_who_came_back_after_an_erasure_signs_in_for_a_link_too(stack: Stack, session: Session) -> None:
    assert erase_user(stack.broker, session.claims["sub"]) is not None
    stack.clock.advance(2)
    again = start_session(stack, client=(session.client, None))
    assert again.claims["sub"] != session.claims["sub"]
    link, browser = link_of(again), stack.browser()
    left = press(browser, browser.get(link), "sign_in")
    back = browser.get(stack.provider.sign_in(left.location, "alice"))
    answer = browser.get(to_callback(again, back.location, browser=browser))
    assert "connection_id" in answer.answered


@requirement("CB-03")
def test_who_does_not_want_to_sign_in_is_back_at_the_link(stack: Stack, session: Session) -> None:
    browser = stack.browser()
    left = press(browser, browser.get(link_of(session)), "sign_in")
    with only_written(stack):
        back = browser.get(stack.provider.sign_in(left.location, "refuse"))
    assert back.status == 303 and FIRST in browser.get(back.location).body


@requirement("CB-03")
@pytest.mark.parametrize("who", ["another user", "nobody"])
def test_the_session_is_checked_again_on_the_way_back(stack: Stack, session: Session, bob: Session, who: str) -> None:
    browser = session.sign_in.browser
    callback = to_callback(session, link_of(session))
    cookie = browser.cookies.pop("tb_session")
    if who == "another user":
        browser.cookies["tb_session"] = bob.sign_in.browser.cookies["tb_session"]
    asked = stack.provider.count("token")
    with only_written(stack):
        assert_page(browser.get(callback), 403)
    assert stack.provider.count("token") == asked
    browser.cookies["tb_session"] = cookie
    assert "connection_id" in browser.get(callback).answered


@requirement("CB-02", "CB-03")
def test_the_way_back_in_another_browser_of_the_same_user_ends_nowhere(stack: Stack, session: Session) -> None:
    callback = to_callback(session, link_of(session))
    other = start_session(stack, client=(session.client, None)).sign_in.browser
    asked = stack.provider.count("token")
    with only_written(stack):
        assert_page(other.get(callback), 403)
    assert stack.provider.count("token") == asked


@requirement("CB-03")
def test_whatever_opens_links_in_messages_changes_nothing(stack: Stack, session: Session) -> None:
    link, before, requests = link_of(session), read_tables(stack), len(stack.provider.requests)
    for _ in range(5):
        answer = stack.browser().get(link)
        assert answer.status == 200 and answer.headers_named("set-cookie") == []
        assert session.sign_in.browser.get(link).status == 200
    assert read_tables(stack) == before and len(stack.provider.requests) == requests
    assert "connection_id" in session.sign_in.browser.get(to_callback(session, link)).answered


@requirement("CB-01", "CB-03")
def test_a_link_works_once(stack: Stack, session: Session) -> None:
    link = link_of(session)
    first, second = to_callback(session, link), to_callback(session, link)
    assert "connection_id" in session.sign_in.browser.get(first).answered
    asked = stack.provider.count("token")
    for callback in (lambda: second, lambda: to_callback(session, link)):
        with only_written(stack, "CONNECT"):
            assert_page(session.sign_in.browser.get(callback()), says=OVER)
    assert stack.provider.count("token") == asked


@requirement("CB-01")
def test_a_second_callback_with_one_state_changes_nothing(stack: Stack, session: Session) -> None:
    callback = to_callback(session, link_of(session))
    session.sign_in.browser.get(callback)
    before, asked = read_tables(stack), stack.provider.count("token")
    assert_page(session.sign_in.browser.get(callback), says=OVER)
    assert read_tables(stack) == before and stack.provider.count("token") == asked


@requirement("CB-01", "CB-03")
def test_of_many_callbacks_at_once_one_connects(stack: Stack, session: Session) -> None:
    callback, asked = to_callback(session, link_of(session)), stack.provider.count("token")
    cookies = dict(session.sign_in.browser.cookies)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: Browser(stack.netloc, dict(cookies)).get(callback), range(8)))
    assert sorted(answer.status for answer in answers) == [303] + [400] * 7
    assert stack.provider.count("token") == asked + 1


@requirement("CB-03", "GEN-20")
def test_a_form_of_another_link_browser_or_place_decides_nothing(stack: Stack, session: Session, bob: Session) -> None:
    browser = session.sign_in.browser
    link, other = link_of(session), link_of(session)
    form = read_page(browser.get(link).body)
    allow = [*form.fields, ("decision", "allow")]
    elsewhere = start_session(stack, client=(session.client, None)).sign_in.browser
    assert "Connect <bdi>" in elsewhere.get(link).body
    with only_written(stack):
        assert_page(browser.post(path_of(other), allow), 403)
        assert_page(elsewhere.post(path_of(link), allow), 403)
        assert_page(browser.post(form.action, allow, Origin="https://evil.example"), 403)
        assert_page(browser.post(form.action, [("decision", "allow")]), 403)
        assert_page(browser.post(form.action, [*allow, *form.fields[:1]]), 403)
        signed_out = Browser(stack.netloc, {"tb_browser": browser.cookies["tb_browser"]})
        assert_page(signed_out.post(form.action, allow), 403)
    assert browser.post(form.action, allow).location.startswith(stack.provider.url)


@requirement("CB-03", "CONS-04")
def test_a_form_adds_nothing_to_what_the_page_showed(stack: Stack, session: Session) -> None:
    browser = session.sign_in.browser
    page = read_page(browser.get(link_of(session)).body)
    more = [("scope", "second:notes:write"), ("scope", "demo:notes:write"), ("scope", "openid")]
    left = browser.post(page.action, [*page.fields, *more, ("decision", "allow")])
    answer = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert "connection_id" in answer.answered
    assert not {"second:notes:write", "demo:notes:write"} & session.grant().scopes
    twice = [*page.fields, ("provider", "demo"), ("decision", "allow")]
    with only_written(stack):
        assert_page(browser.post(page.action, twice), 400)


@requirement("CB-03")
@pytest.mark.parametrize("when", ["opened", "decided"])
def test_an_expired_link_is_over(stack: Stack, session: Session, when: str) -> None:
    link, browser = link_of(session), session.sign_in.browser
    page = browser.get(link)
    stack.clock.advance(600)
    with only_written(stack):
        answer = browser.get(link) if when == "opened" else press(browser, page)
        assert_page(answer, 403, says=OVER)


@requirement("CB-03")
def test_a_link_that_was_changed_does_not_open(stack: Stack, session: Session) -> None:
    path = path_of(link_of(session))
    sealed = path.rpartition("/")[2]
    other = path_of(link_of(session)).rpartition("/")[2]
    with only_written(stack):
        for wrong in (sealed[:-2], sealed + "AA", sealed[:40] + other[40:], "x", "A" * 5000, sealed.swapcase()):
            assert_page(session.sign_in.browser.get("/connect/" + wrong), 400, says="This link isn’t valid")


@requirement("CB-03")
def test_a_link_of_an_older_epoch_does_not_open(stack: Stack, session: Session) -> None:
    link = link_of(session)
    stack.restart(epoch=1)
    assert_page(session.sign_in.browser.get(link), 400)


@requirement("CB-03")
def test_the_largest_link_still_fits_into_the_cookie_that_carries_it(stack: Stack, session: Session) -> None:
    browser = session.sign_in.browser
    longest = max(size for size in range(0, 2048, 8) if ask(session, state="s" * size).status == 200)
    assert longest > 1000
    answer = browser.get(to_callback(session, link_of(session, state="s" * longest)))
    assert answer.answered["state"] == "s" * longest
    assert max(len(header) for header in browser.set_cookies) < 4096


@requirement("CB-04", "CB-05")
def test_the_provider_and_its_issuer_are_those_of_the_link(stack: Stack, session: Session) -> None:
    callback, asked = to_callback(session, link_of(session)), stack.provider.count("token")
    with only_written(stack):
        for wrong in (
            callback.replace("/callback/second", "/callback/demo"),
            with_query(callback, iss="https://evil.example"),
        ):
            assert_page(session.sign_in.browser.get(wrong), 400)
    assert stack.provider.count("token") == asked


@requirement("CB-10")
@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ({"token_error": "invalid_client"}, 502, "server_error"),
        ({"token_error": "invalid_grant"}, 400, "server_error"),
        ({"status": 503}, 502, "temporarily_unavailable"),
    ],
)
def test_a_provider_that_fails_leads_back_to_the_app_with_the_registered_error(
    stack: Stack, session: Session, fault: dict[str, Any], status: int, error: str
) -> None:
    callback, before = to_callback(session, link_of(session)), connected(stack)
    for name, value in fault.items():
        setattr(stack.provider.faults, name, value)
    answer: Answer = session.sign_in.browser.get(callback)
    assert answer.status == status and f"error={error}" in answer.body
    assert connected(stack) == before


@requirement("CB-01")
def test_what_remembers_a_used_link_outlives_every_cookie_that_the_link_can_make(
    stack: Stack, session: Session
) -> None:
    link = link_of(session)
    stack.clock.advance(300)
    session.sign_in.browser.get(to_callback(session, link))
    (claim,) = stack.deployment.scan("CONNECT#", ConnectClaim)
    assert claim.purge_at >= stack.clock.now() + 300 + 600


@requirement("CB-03")
def test_a_link_names_user_client_and_grant_together(stack: Stack, session: Session, bob: Session) -> None:
    link = open_link(stack.broker, path_of(link_of(session)).rpartition("/")[2])
    theirs = msgspec.structs.replace(link, grant_id=bob.claims["grant_id"])
    other = start_session(stack)
    of_another_app = msgspec.structs.replace(link, grant_id=other.claims["grant_id"])
    for wrong in (theirs, of_another_app):
        assert_page(session.sign_in.browser.get(link_uri(stack.broker, wrong)), 403, says=OVER)
    assert session.sign_in.browser.get(link_uri(stack.broker, link)).status == 200
