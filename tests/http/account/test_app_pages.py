"""The pages of one app and of one account: their ids, what they show, and the search in the list."""

from urllib.parse import urlencode

import pytest

from tests.kit.http.account_page import PATH, Shown, account_pages, app_pages, enter, look, press, read_heading
from tests.kit.http.browser import Browser
from tests.kit.http.sign_in_scene import only_written
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import change, read, start_session
from tests.kit.requirement import requirement


def pages_of(browser: Browser) -> list[str]:
    return [*app_pages(browser), *account_pages(browser)]


@requirement("ACC-15")
def test_an_id_in_a_url_names_nothing_and_opens_in_its_own_session_alone(stack: Stack) -> None:
    session, bob = start_session(stack), start_session(stack, who="bob")
    mine, again, theirs = session.sign_in.browser, enter(stack), bob.sign_in.browser
    named = (session.client.client_id, session.claims["connections"]["demo"], session.claims["sub"])
    for path, other in zip(pages_of(mine), pages_of(again), strict=True):
        assert mine.get(path).status == 200 and path != other
        assert not [name for name in named if name in path]
        for browser in (again, theirs):
            answer = browser.get(path)
            assert (answer.status, read_heading(answer.body)) == (404, "This page is out of date")
            assert "Test App" not in answer.body and f'href="{PATH}"' in answer.body
        entry = stack.browser().get(path)
        assert Shown(entry).acts == ["sign_in demo"] and "Test App" not in entry.body


@requirement("ACC-15")
@pytest.mark.parametrize("name", ["", "0" * 32, "x" * 2000, "%3Cb%3E", "client", "%00"])
def test_a_made_up_id_is_refused(stack: Stack, name: str) -> None:
    browser = start_session(stack).sign_in.browser
    for kind in ("apps", "accounts"):
        answer = browser.get(f"{PATH}/{kind}/{name}")
        assert answer.status in (200, 403, 404) and (answer.status == 200) == (kind == "accounts" and not name)


@requirement("ACC-15")
def test_an_id_outlives_what_a_user_does_on_the_page(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    (path,) = app_pages(browser)
    back = press(browser, browser.get(path), f"pause {session.client.client_id}")
    assert back.location == stack.settings.issuer + path and "Resume" in Shown(browser.get(path)).words
    enter(stack, browser)
    assert browser.get(path).status == 200, "the same user at the same browser goes on with the session"


@requirement("ACC-02", "VLT-01")
def test_an_account_shows_every_app_that_uses_it_and_can_be_taken_from_all_of_them(stack: Stack) -> None:
    first, second = start_session(stack, client_name="First"), start_session(stack, client_name="Second")
    bob = start_session(stack, who="bob", client_name="Bob's")
    browser = second.sign_in.browser
    assert "Demo Notes alice First , Second" in Shown(browser.get(f"{PATH}/accounts")).words
    (path,) = account_pages(browser)
    page = browser.get(path)
    shown = Shown(page)
    assert (
        "First read Never used Read read your notes" in shown.words
        and "Manage Second" in shown.words
        and "Bob" not in shown.words
    )
    (act,) = [one for one in shown.acts if one.startswith("end_account ")]
    assert {f"end {one.claims['connections']['demo']}" for one in (first, second)} < {*shown.acts}
    with only_written(stack):
        asked = press(browser, page, act)
    assert "2 apps lose this account now" in Shown(asked).words
    (sure,) = Shown(asked).acts
    done = press(browser, asked, sure)
    assert read_heading(done.body) == "Demo Notes is disconnected from all apps"
    assert Shown(done).words.count("Ended") == 2
    for session in (first, second):
        assert read(stack, session.connection_place()).status == "revoked" and session.userinfo().status == 200
    assert read(stack, bob.connection_place()).status == "active"
    asked_at_provider = stack.provider.count("revoke")
    with only_written(stack):
        again = press(browser, asked, sure)
    assert Shown(again).words == Shown(done).words and stack.provider.count("revoke") == asked_at_provider


@requirement("ACC-02")
def test_two_accounts_at_one_provider_have_a_page_each(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    left = press(browser, look(browser), "link demo")
    assert browser.get(stack.provider.sign_in(left.location, "bob")).status == 303
    other = start_session(stack, who="bob", client=(session.client, None))
    browser = other.sign_in.browser
    words = [Shown(browser.get(path)).words for path in account_pages(browser)]
    assert len(words) == 2 and sum("alice" in one for one in words) == sum("bob" in one for one in words) == 1


@requirement("ACC-16")
def test_a_long_list_can_be_searched_and_says_how_much_it_shows(stack: Stack) -> None:
    for number in range(12):
        session = start_session(stack, client_name=f"App {number}")
    assert 'name="q"' not in look(session.sign_in.browser).body
    session = start_session(stack, client_name="Émile’s Notes", client_uri="https://emile.example/")
    browser = session.sign_in.browser
    assert 'name="q"' in look(browser).body and len(app_pages(browser)) == 13
    for words, count in (
        ("ÉMILE", 1), ("notes émile", 1), ("emile.example", 1), ("app 1", 3), ("alice", 13), ("demo", 13),
        ("nothing", 0), ("   ", 13), ("", 13),
    ):  # fmt: skip
        shown = search(browser, words)
        assert shown.words.count("Used today") == count, words
        assert (f"{count} of 13 apps match" in shown.words) == bool(words.strip()), words
        assert ("end_all" in shown.acts) != bool(words.strip()), "all apps are not those that match"


def search(browser: Browser, words: str) -> Shown:
    answer = browser.get(f"{PATH}?" + urlencode({"q": words}))
    assert answer.status == 200
    return Shown(answer)


@requirement("ACC-16", "GEN-03")
def test_a_search_is_bounded_and_comes_back_nowhere(stack: Stack) -> None:
    browser = start_session(stack).sign_in.browser
    for words in ("x" * 6000, "<b>zq7</b>", "\u202e\x00zq7", "zq7&q=zq7"):
        answer = browser.get(f"{PATH}?" + urlencode({"q": words}))
        assert answer.status == 200 and "zq7" not in answer.body and "x" * 90 not in answer.body
    twice = browser.get(f"{PATH}?q=test&q=nothing")
    assert twice.status == 200 and "Used today" in Shown(twice).words, "the first counts"


@requirement("ACC-02")
def test_the_tabs_are_links_and_the_open_one_is_marked(stack: Stack) -> None:
    browser = start_session(stack).sign_in.browser
    for path in (PATH, f"{PATH}/accounts", f"{PATH}/data"):
        body = browser.get(path).body
        assert f'href="{path}" aria-current="page"' in body and body.count('aria-current="page"') == 1
        assert body.count(f'href="{PATH}"') == body.count(f'href="{PATH}/data"') == 1


@requirement("ACC-02", "CONS-07")
def test_without_a_connection_of_that_account_the_login_is_named_by_its_provider(stack: Stack) -> None:
    session = start_session(stack)
    change(stack, session.connection_place(), account_id="0" * 32)
    words = Shown(look(session.sign_in.browser)).words
    assert "Signed in with Demo Notes · Sign out" in words
