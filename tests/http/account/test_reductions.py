"""What a user has removed stays removed, until that user allows it on a page again."""

from typing import Any

import pytest

from chalicelib.records.item_keys import client_item_key
from tests.kit.http.account_page import look, press
from tests.kit.http.browser import Answer, Browser
from tests.kit.http.connect_links import SCOPES, link_of
from tests.kit.http.connect_links import to_callback as through_link
from tests.kit.http.pushing import follow, reference
from tests.kit.http.sign_in_scene import shows
from tests.kit.http.stack import SCOPE, SignIn, Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, change, read, start_session
from tests.kit.requirement import requirement

LEFT = frozenset({"openid", "profile", "offline_access"})
DAY = 86400


def reduce(session: Session) -> None:
    """ "Allow less", in a browser that is signed in."""
    kept = [("scope", scope) for scope in LEFT - {"openid"}]
    browser = session.sign_in.browser
    answer = press(browser, look(browser), f"narrow {session.client.client_id}", *kept)
    assert answer.status == 303, answer.body[-600:]


def end_app(session: Session) -> None:
    browser = session.sign_in.browser
    assert press(browser, look(browser), f"end_app_sure {session.client.client_id}").status == 200


def end_one(session: Session) -> None:
    browser, named = session.sign_in.browser, session.claims["connections"]["demo"]
    assert press(browser, look(browser), f"end_sure {named}").status == 200


def end_in_a_day(session: Session) -> None:
    browser = session.sign_in.browser
    assert press(browser, look(browser), f"limit {session.client.client_id}").status == 303
    change(session.stack, session.consent_place(), ends_at=session.stack.clock.now() + 1)


REMOVALS = pytest.mark.parametrize("remove", [reduce, end_app, end_one, end_in_a_day])


def own_app(stack: Stack) -> Session:
    """Somebody signed in at an app whose page the operator has switched off."""
    return start_session(stack, first_party=True, **CONFIDENTIAL)


def ask(session: Session, browser: Browser | None = None, **more: str) -> Answer:
    """What any web site can have a browser do."""
    parameters = session.stack.authorize_parameters(session.client, provider="demo", **more)
    return session.stack.authorize(parameters, browser or session.sign_in.browser)


def scopes(session: Session) -> frozenset[str]:
    return read(session.stack, session.consent_place()).scopes


@requirement("ACC-14", "CONS-02")
@REMOVALS
def test_no_link_restores_for_the_operators_own_app_what_the_user_has_removed(stack: Stack, remove: Any) -> None:
    session = own_app(stack)
    remove(session)
    stack.clock.advance(2)
    left = scopes(session)
    assert shows(stack, ask(session)) == "page"
    assert "code" not in ask(session, prompt="none").answered
    assert scopes(session) == left and session.exchange().status == 400


@requirement("ACC-14", "CONS-02")
@REMOVALS
def test_where_the_user_is_known_only_after_the_provider_the_page_comes_then(stack: Stack, remove: Any) -> None:
    session = own_app(stack)
    remove(session)
    stack.clock.advance(2)
    before = read(stack, session.consent_place()), read(stack, session.connection_place())
    browser = stack.browser()
    trip = ask(session, browser)
    assert shows(stack, trip) == "trip", "nobody knows yet who that is"
    page = browser.get(stack.provider.sign_in(trip.location))
    assert (page.status, "code" in page.answered) == (200, False) and 'name="decision"' in page.body
    assert (read(stack, session.consent_place()), read(stack, session.connection_place())) == before
    assert session.exchange().status == 400


@requirement("ACC-14")
@pytest.mark.parametrize("pushed", [False, True])
def test_what_the_user_allows_on_that_page_counts(stack: Stack, pushed: bool) -> None:
    session = own_app(stack)
    reduce(session)
    stack.clock.advance(2)
    browser, client, secret = stack.browser(), session.client, session.sign_in.secret
    if pushed:
        trip = follow(browser, client, reference(stack, client, secret, provider="demo"))
        browser.cookies.pop("tb_browser")
    else:
        trip = ask(session, browser)
    page = browser.get(stack.provider.sign_in(trip.location))
    stack.clock.advance(1)
    left = stack.decide(browser, page)
    assert "code" in left.answered, (left.location, left.body[-600:])
    assert scopes(session) == frozenset(SCOPE.split())
    assert shows(stack, ask(session, browser)) == "code", "afterwards the operator's setting has nothing to add"


def begin(session: Session, **more: str) -> SignIn | str:
    """A sign-in at the user's browser that is at the provider now: the callback to come."""
    if more:
        trip = ask(session, **more)
        assert shows(session.stack, trip) == "trip"
        return session.stack.provider.sign_in(trip.location)
    return session.stack.to_callback(session.client, session.sign_in.secret)


@requirement("ACC-14", "CONS-02")
@pytest.mark.parametrize("first_party", [False, True])
def test_a_sign_in_that_skipped_the_page_shows_it_after_a_reduction_on_its_way(stack: Stack, first_party: bool) -> None:
    session = start_session(stack, first_party=first_party, **CONFIDENTIAL)
    stack.clock.advance(60)
    callback = begin(session, max_age="0")
    reduce(session)
    assert isinstance(callback, str)
    page = session.sign_in.browser.get(callback)
    assert (page.status, "code" in page.answered) == (200, False) and 'name="decision"' in page.body
    assert scopes(session) == LEFT


@requirement("ACC-14", "CONS-01")
def test_a_page_of_before_a_reduction_adds_nothing_afterwards(stack: Stack) -> None:
    session = start_session(stack)
    stack.clock.advance(60)
    on_its_way = stack.to_callback(session.client, session.sign_in.secret)
    reduce(session)
    on_its_way.answer = on_its_way.browser.get(on_its_way.callback)
    granted = stack.redeem(on_its_way).json["scope"]
    assert frozenset(granted.split()) == LEFT == scopes(session)
    assert session.exchange().status == 400


@requirement("ACC-14", "CONS-01")
def test_a_page_of_after_a_reduction_restores_what_it_shows(stack: Stack) -> None:
    session = start_session(stack)
    reduce(session)
    stack.clock.advance(1)
    again = start_session(stack, client=(session.client, session.sign_in.secret))
    assert scopes(session) == frozenset(SCOPE.split()) and again.exchange().status == 200


@requirement("ACC-14", "CONS-01")
def test_a_connect_link_of_before_a_reduction_adds_no_scope(stack: Stack) -> None:
    session = start_session(stack, scopes=SCOPES, client_uri="https://home.example/")
    callback = through_link(session, link_of(session, provider="demo", scope="notes:write"))
    reduce(session)
    done = session.sign_in.browser.get(callback)
    assert done.status == 303, done.body[-600:]
    assert scopes(session) == LEFT and session.exchange().status == 400


@requirement("ACC-14", "ACC-08")
def test_a_reduction_outlives_the_version_of_the_app_that_it_was_about(stack: Stack) -> None:
    session = own_app(stack)
    reduce(session)
    change(stack, client_item_key(session.client.client_id), revision=7)
    stack.restart()
    stack.clock.advance(2)
    browser, page = session.sign_in.browser, ask(session, scope="openid profile")
    browser.get(stack.provider.sign_in(stack.decide(browser, page).location))
    assert scopes(session) == {"openid", "profile"}, "the consent has begun again"
    assert shows(stack, ask(session)) == "page"
