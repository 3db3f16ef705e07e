"""The question before something ends: it changes nothing, says what ends, and its button is checked like any other."""

import re

import pytest

from chalicelib.endpoints.account.account import ACTS
from chalicelib.records.item_keys import subject_item_key
from tests.kit.http.account_page import (
    PATH,
    Shown,
    account_pages,
    age_session,
    app_pages,
    enter,
    look,
    press,
    read_heading,
)
from tests.kit.http.browser import Answer, read_page
from tests.kit.http.sign_in_scene import only_written
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, read, start_session
from tests.kit.requirement import requirement

QUESTIONS = ("end", "end_app", "end_all", "end_account", "unlink")
FRESH = ("end_all", "unlink")


@pytest.fixture
def session(stack: Stack) -> Session:
    """Alice at an app, with Bob's account as her second login."""
    session = start_session(stack)
    browser = session.sign_in.browser
    left = press(browser, look(browser), "link demo")
    assert browser.get(stack.provider.sign_in(left.location, "bob")).status == 303
    return session


def target_of(session: Session, name: str) -> str:
    browser = session.sign_in.browser
    (login,) = read(session.stack, subject_item_key(session.claims["sub"])).logins
    targets = {
        "end": session.claims["connections"]["demo"],
        "end_app": session.client.client_id,
        "end_account": account_pages(browser)[0].rpartition("/")[2],
        "unlink": login,
    }
    return f"{name} {targets[name]}" if name in targets else name


def ask(session: Session, name: str) -> Answer:
    browser = session.sign_in.browser
    return press(browser, look(browser), target_of(session, name))


@requirement("ACC-17")
@pytest.mark.parametrize(
    ("name", "title", "said", "keep"),
    [
        ("end", "Disconnect Demo Notes from Test App?", "You stay signed in there", "/apps/"),
        ("end_app", "Remove Test App?", "Your session ends 1 account is disconnected", "/apps/"),
        ("end_all", "Remove all apps?", "Your session ends 1 account is disconnected", ""),
        ("end_account", "Disconnect Demo Notes from all apps?", "1 app loses this account now", "/accounts/"),
        ("unlink", "Remove Demo Notes sign-in?", "You’ll be signed out everywhere", "/accounts"),
    ],
)
def test_a_question_changes_nothing_and_says_what_ends(
    session: Session, name: str, title: str, said: str, keep: str
) -> None:
    with only_written(session.stack):
        asked = ask(session, name)
    assert (asked.status, read_heading(asked.body)) == (200, title)
    shown = Shown(asked)
    assert said in shown.words and shown.acts == [target_of(session, name).replace(name, f"{name}_sure")]
    assert f'class="button" href="{PATH}{keep}' in asked.body
    assert session.userinfo().status == session.exchange().status == 200
    (back,) = set(re.findall(r'class="button" href="([^"]*)"', asked.body))
    assert session.sign_in.browser.get(back).status == 200


@requirement("ACC-17", "ACC-05")
@pytest.mark.parametrize("name", QUESTIONS)
def test_the_button_of_the_question_does_it_once(session: Session, name: str) -> None:
    asked = ask(session, name)
    (act,) = Shown(asked).acts
    browser = session.sign_in.browser
    done = press(browser, asked, act)
    if name == "unlink":
        assert (done.status, done.location) == (303, session.stack.settings.issuer + PATH)
        assert Shown(browser.get(PATH)).acts == ["sign_in demo"]
        return
    assert done.status == 200 and "Ended" in Shown(done).words
    with only_written(session.stack):
        again = press(browser, asked, act)
    assert (again.status, Shown(again).words) == (200, Shown(done).words)


@requirement("ACC-17", "ACC-04", "GEN-20")
@pytest.mark.parametrize("name", QUESTIONS)
def test_the_button_of_the_question_needs_our_origin_this_browser_and_this_session(session: Session, name: str) -> None:
    asked = ask(session, name)
    (act,) = Shown(asked).acts
    browser, stack = session.sign_in.browser, session.stack
    other = enter(stack)
    with only_written(stack):
        assert press(browser, asked, act, Origin="https://evil.example").status == 403
        assert press(other, asked, act).status == 403
        assert browser.post(PATH, [("act", act)]).status == 403
        stack.clock.advance(stack.settings.pending_seconds)
        assert press(browser, asked, act).status == 403
    assert read(stack, session.connection_place()).status == "active"


@requirement("ACC-17", "ACC-06")
@pytest.mark.parametrize("name", FRESH)
def test_a_sign_in_that_grew_old_at_the_question_is_asked_for_again(session: Session, name: str) -> None:
    asked = ask(session, name)
    (act,) = Shown(asked).acts
    browser = session.sign_in.browser
    age_session(session.stack, browser, 900)
    with only_written(session.stack):
        answer = press(browser, asked, act)
    assert read_heading(answer.body) == "Sign in again" and session.userinfo().status == 200


@requirement("ACC-17")
def test_every_act_that_ends_something_for_good_has_a_question(session: Session) -> None:
    asked = {name.removesuffix("_sure") for name in ACTS if name.endswith("_sure")}
    assert asked == {*QUESTIONS} and {"erase", "erase_for_good"} < ACTS.keys()
    browser = session.sign_in.browser
    pages = [PATH, f"{PATH}/accounts", f"{PATH}/data", *app_pages(browser), *account_pages(browser)]
    for page in map(browser.get, pages):
        assert not [act for act in Shown(page).acts if "_sure" in act or act == "erase_for_good"]
        assert 'class="danger sure' not in page.body, "a red fill is on the page that asks, and on no other"


@requirement("ACC-17", "ACC-11")
def test_the_question_before_an_erasure_says_how_many_apps_lose_access(session: Session) -> None:
    start_session(session.stack, client_name="Other")
    asked = ask(session, "erase")
    words = Shown(asked).words
    assert "All 2 apps lose access now" in words and "Signed in as alice · Demo Notes" in words
    assert dict(read_page(asked.body).fields)["request"] and f'href="{PATH}/data"' in asked.body
