"""A second login: linked after a fresh sign-in with both, refused where it is somebody's, removed, erased."""

from typing import Any

import pytest

from chalicelib.jobs.runner import run_due_jobs
from chalicelib.records.item_keys import subject_item_key
from tests.kit.http.account_page import (
    PATH,
    Shown,
    account_pages,
    age_session,
    arrive,
    enter,
    look,
    press,
    read_heading,
)
from tests.kit.http.browser import Answer, Browser
from tests.kit.http.sign_in_scene import only_written, subjects
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, read, start_session
from tests.kit.requirement import requirement


def add(stack: Stack, browser: Browser, who: str = "bob", page: Answer | None = None) -> Answer:
    """The button, the provider as this person, and back to our callback."""
    left = press(browser, page or look(browser), "link demo")
    assert left.location.startswith(stack.provider.url), left.body[-800:]
    return browser.get(stack.provider.sign_in(left.location, who))


@pytest.fixture
def alice(stack: Stack) -> Session:
    """With Bob's account as her second login."""
    session = start_session(stack)
    answer = add(stack, session.sign_in.browser)
    assert (answer.status, answer.location) == (303, stack.settings.issuer + PATH), answer.body[-800:]
    return session


def shows_a_login(browser: Browser) -> bool:
    """Whether a login beside the one of this session is listed."""
    acts = Shown(browser.get(f"{PATH}/accounts")).acts
    assert "link demo" in acts
    return any(act.startswith("unlink") for act in acts)


def name_of(stack: Stack, session: Session) -> str:
    (name,) = read(stack, subject_item_key(session.claims["sub"])).logins
    return name


@requirement("ACC-12", "CB-09")
def test_with_the_second_login_a_user_is_the_same_person_in_apps_and_on_the_page(stack: Stack, alice: Session) -> None:
    by_bob = start_session(stack, who="bob", client=(alice.client, None))
    assert by_bob.claims["sub"] == alice.claims["sub"]
    assert by_bob.exchange().status == 200 and by_bob.refresh().status == 200
    browser = enter(stack, who="bob")
    shown = Shown(browser.get(f"{PATH}/accounts"))
    assert f"unlink {name_of(stack, alice)}" in shown.acts and len(account_pages(browser)) == 2
    other_app = start_session(stack, who="bob")
    assert other_app.claims["sub"] == alice.claims["sub"]


@requirement("ACC-12", "CB-09")
def test_a_login_that_is_somebodys_is_refused_and_nothing_changes(stack: Stack) -> None:
    bob, session = start_session(stack, who="bob"), start_session(stack)
    browser = session.sign_in.browser
    before = subjects(stack)
    with only_written(stack, "CONNECT"):
        answer = add(stack, browser)
    assert (answer.status, read_heading(answer.body)) == (409, "This account already belongs to another user")
    assert subjects(stack) == before and bob.userinfo().status == 200
    assert not shows_a_login(browser)


@requirement("ACC-12", "CB-09")
def test_a_second_login_of_one_user_is_none_of_anothers(stack: Stack, alice: Session) -> None:
    """There are two people at this provider: Bob's own login is Alice's, so he comes in as her, and cannot leave."""
    name = name_of(stack, alice)
    assert read(stack, subject_item_key(name)).linked_to == alice.claims["sub"]
    again = add(stack, alice.sign_in.browser)
    assert again.status == 303 and len(read(stack, subject_item_key(alice.claims["sub"])).logins) == 1
    own = add(stack, alice.sign_in.browser, who="alice")
    assert own.status == 303 and name_of(stack, alice) == name


@requirement("ACC-12", "ACC-06")
def test_both_sign_ins_have_to_be_fresh_and_of_one_session(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    page = look(browser)
    age_session(stack, browser, 900)
    assert read_heading(press(browser, page, "link demo").body) == "Sign in again"
    enter(stack, browser)
    left = press(browser, look(browser), "link demo")
    assert "prompt=login" in left.location
    back = stack.provider.sign_in(left.location, "bob")
    fresh = browser.cookies["tb_session"]
    age_session(stack, browser, 900)
    stolen = stack.browser()
    stolen.cookies.update({name: value for name, value in browser.cookies.items() if name != "tb_session"})
    with only_written(stack):
        for who in (browser, stolen):
            answer = who.get(back)
            assert (answer.status, read_heading(answer.body)) == (403, "You’re signed out")
    browser.cookies["tb_session"] = fresh
    assert browser.get(back).status == 303


@requirement("ACC-12", "CB-03")
def test_who_began_has_to_be_who_is_signed_in_at_the_end(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    left = press(browser, look(browser), "link demo")
    back = stack.provider.sign_in(left.location, "bob")
    start_session(stack, who="bob")
    del browser.cookies["tb_session"]
    enter(stack, browser, who="bob")
    with only_written(stack):
        assert browser.get(back).status == 403
    assert read(stack, subject_item_key(session.claims["sub"])).logins == {}


@requirement("ACC-12", "CB-01")
def test_a_second_callback_links_nothing_more(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    left = press(browser, look(browser), "link demo")
    back = stack.provider.sign_in(left.location, "bob")
    assert browser.get(back).status == 303
    with only_written(stack, "CONNECT"):
        assert browser.get(back).status == 400


@requirement("ACC-12", "CB-09")
def test_of_a_first_sign_in_and_a_link_at_the_same_moment_one_wins(stack: Stack, monkeypatch: Any) -> None:
    """Whoever is second finds the one item of that login."""
    session = start_session(stack)
    browser = session.sign_in.browser
    verb = type(stack.broker.store).put_subject
    raced: list[str] = []

    def first_somebody_else(store: Any, subject: Any) -> Any:
        if subject.linked_to and not raced:
            raced.append(subject.sub)
            start_session(stack, who="bob", client=(session.client, None))
        return verb(store, subject)

    monkeypatch.setattr(type(stack.broker.store), "put_subject", first_somebody_else)
    answer = add(stack, browser)
    assert raced and (answer.status, read_heading(answer.body)) == (409, "This account already belongs to another user")
    assert not shows_a_login(browser), "noted, and not linked: it is none"
    assert start_session(stack, who="bob", client=(session.client, None)).claims["sub"] == raced[0]


@requirement("ACC-12")
def test_a_removed_login_is_somebody_new_and_every_browser_is_signed_out(stack: Stack, alice: Session) -> None:
    other = enter(stack, who="bob")
    browser, name = alice.sign_in.browser, name_of(stack, alice)
    page = look(browser)
    assert press(browser, page, f"unlink_sure {name}").status == 303
    for one in (browser, other):
        assert "sign_in demo" in Shown(one.get(PATH)).acts
    stack.clock.advance(2)
    assert arrive(stack, stack.browser(), who="bob").status == 403, "nothing is kept for that account"
    bob = start_session(stack, who="bob", client=(alice.client, None))
    assert bob.claims["sub"] not in (alice.claims["sub"], name)
    enter(stack, browser)
    answer = press(browser, look(browser), f"unlink_sure {name}")
    assert (answer.status, read_heading(answer.body)) == (403, "This page is out of date")


@requirement("ACC-12")
def test_a_removed_login_can_be_added_again(stack: Stack, alice: Session) -> None:
    browser = alice.sign_in.browser
    press(browser, look(browser), f"unlink_sure {name_of(stack, alice)}")
    stack.clock.advance(2)
    enter(stack, browser)
    assert add(stack, browser).status == 303
    assert start_session(stack, who="bob", client=(alice.client, None)).claims["sub"] == alice.claims["sub"]


@requirement("ACC-12", "ACC-11")
def test_erasing_a_user_erases_the_further_logins_too(stack: Stack, alice: Session) -> None:
    browser = alice.sign_in.browser
    asked = press(browser, look(browser), "erase")
    press(browser, asked, "erase_for_good")
    assert arrive(stack, stack.browser(), who="bob").status == 403
    run_due_jobs(stack.broker)
    stack.clock.advance(2)
    bob = start_session(stack, who="bob", client=(alice.client, None))
    assert bob.claims["sub"] != alice.claims["sub"] and bob.userinfo().status == 200


@requirement("ACC-12", "ACC-04")
def test_no_link_that_an_app_or_a_stranger_sends_adds_a_login(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    page = look(browser)
    with only_written(stack):
        assert browser.get(PATH + "?act=link+demo").status == 200
        assert press(browser, page, "link demo", Origin="https://evil.example").status == 403
        assert browser.post(PATH, [("act", "link demo")]).status == 403
        assert press(browser, page, "link nothing").status == 400
        assert press(browser, page, "unlink_sure " + "0" * 32).status == 403
