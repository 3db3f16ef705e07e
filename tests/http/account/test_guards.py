"""Who may press: our Origin, this browser, this session, a page of a few minutes, and only what is one's own."""

import pytest

from chalicelib.endpoints.account.account import ACTS
from chalicelib.endpoints.browser.sealed_forms import seal_account_form
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.records.account import AccountForm
from chalicelib.records.item_keys import subject_item_key
from tests.kit.http.account_page import PATH, Shown, enter, look, press, read_heading
from tests.kit.http.browser import read_page
from tests.kit.http.sign_in_scene import only_written
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import change, read, start_session
from tests.kit.requirement import requirement


@requirement("ACC-04", "GEN-20")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_another_origin_changes_nothing(stack: Stack, origin: str) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    page = look(browser)
    with only_written(stack):
        answer = press(browser, page, "end_all_sure", Origin=origin)
        assert answer.status == 403
        assert browser.post(PATH, [("act", "sign_in demo")], Origin=origin).status == 403
    fetched = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert press(browser, page, "end_all_sure", **fetched).status == 200


@requirement("ACC-04", "GEN-20")
def test_a_form_of_another_browser_changes_nothing_in_the_same_session_either(stack: Stack) -> None:
    session = start_session(stack)
    page = look(session.sign_in.browser)
    other = stack.browser()
    other.cookies["tb_session"] = session.sign_in.browser.cookies["tb_session"]
    with only_written(stack):
        assert press(other, page, "end_all_sure").status == 403, "it has no name"
        look(other)
        assert press(other, page, "end_all_sure").status == 403, "it has another name"
    assert session.userinfo().status == 200


@requirement("ACC-04", "GEN-20")
def test_a_form_that_is_missing_made_up_or_there_twice_changes_nothing(stack: Stack) -> None:
    browser = start_session(stack).sign_in.browser
    right = dict(read_page(look(browser).body).fields)["request"]
    with only_written(stack):
        for forms in ((), ("x",), ("",), (right[:-1],), (right, right)):
            answer = browser.post(PATH, [*(("request", form) for form in forms), ("act", "end_all_sure")])
            assert answer.status == 403, forms


@requirement("ACC-04")
def test_a_form_of_another_session_at_the_same_browser_changes_nothing(stack: Stack) -> None:
    alice = start_session(stack)
    browser = alice.sign_in.browser
    page = look(browser)
    del browser.cookies["tb_session"]
    bob = start_session(stack, who="bob", client=(alice.client, None))
    enter(stack, browser, who="bob")
    with only_written(stack):
        answer = press(browser, page, "end_all_sure")
    assert (answer.status, read_heading(answer.body)) == (403, "This page is out of date")
    assert alice.userinfo().status == bob.userinfo().status == 200
    del browser.cookies["tb_session"]
    enter(stack, browser)
    assert press(browser, page, "end_all_sure").status == 403, "the same user, but a session of another name"


@requirement("ACC-04", "ACC-05")
def test_a_form_is_good_for_some_minutes(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    page = look(browser)
    stack.clock.advance(stack.settings.pending_seconds)
    with only_written(stack):
        answer = press(browser, page, f"end_app_sure {session.client.client_id}")
    assert (answer.status, read_heading(answer.body)) == (403, "This page is out of date")
    stack.clock.advance(-1)
    assert press(browser, page, f"end_app_sure {session.client.client_id}").status == 200


@requirement("ACC-04")
def test_without_a_session_no_button_works(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    page = look(browser)
    change(stack, subject_item_key(session.claims["sub"]), session_salt=b"another salt, 16")
    with only_written(stack):
        answer = press(browser, page, "end_all_sure")
    assert (answer.status, read_heading(answer.body)) == (403, "You’re signed out")
    assert Shown(browser.get(PATH)).acts == ["sign_in demo"]
    del browser.cookies["tb_session"]
    assert press(browser, page, "end_all_sure").status == 403
    assert session.exchange().status == 200


@requirement("ACC-04", "CONS-07", "VLT-01")
def test_what_is_anothers_reads_like_what_is_not_there(stack: Stack) -> None:
    mine = start_session(stack)
    theirs = start_session(stack, who="bob")
    browser = mine.sign_in.browser
    page = look(browser)
    known = (theirs.claims["connections"]["demo"], theirs.client.client_id)
    acts = ("end", "end_sure", "end_app", "end_app_sure", "end_account_sure", "unlink", "unlink_sure")
    with only_written(stack):
        for act in (f"{name} {target}" for name in acts for target in (*known, "0" * 32, "")):
            answer = press(browser, page, act)
            assert (answer.status, read_heading(answer.body)) == (403, "This page is out of date"), act
        for act in ("", "nothing", "END_ALL", "sign_in"):
            assert press(browser, page, act).status == 400, act
    assert read(stack, theirs.connection_place()).status == "active" and theirs.userinfo().status == 200


@requirement("ACC-04", "GEN-01")
def test_a_button_and_what_it_is_about_are_named_once(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    with only_written(stack):
        answer = press(browser, look(browser), "end_all_sure", ("act", "end_all_sure"))
    assert answer.status == 400


@requirement("ACC-04")
def test_a_form_sealed_for_another_user_does_not_open_this_page(stack: Stack) -> None:
    """As a fault of ours might seal it: the browser and the session agree, the user does not."""
    session = start_session(stack)
    browser = session.sign_in.browser
    look(browser)
    hashed = browser_hash(browser.cookies["tb_browser"])
    form = AccountForm(browser=hashed, sub="0" * 32, sid=session.grant().sid, shown_at=stack.clock.now())
    answer = browser.post(PATH, [("request", seal_account_form(stack.broker, form)), ("act", "end_all_sure")])
    assert answer.status == 403 and session.userinfo().status == 200


CANARY = "<svg onload=alert(7351)>"
ODD = (
    "",
    " ",
    CANARY,
    "'\"",
    "x" * 4000,
    "\u202e\u0000x",
    "CONNECTION#",
    "%00",
    "é" * 40,
    "../" * 9,
    "https://evil.example/",
)


@requirement("ACC-04", "GEN-03", "GEN-07")
def test_whatever_a_form_of_the_page_holds_is_no_fault_of_ours_and_comes_back_nowhere(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    page = look(browser)
    for name in (*ACTS, "sign_in", CANARY):
        for target in ODD:
            if name in ("end_all", "end_all_sure", "download", "erase", "erase_for_good", "sign_out_everywhere"):
                continue  # these are about everything, whatever stands behind their name
            for more in ((), (("scope", CANARY), ("scope", target)), ((CANARY, target),)):
                answer = press(browser, page, f"{name} {target}", *more)
                assert 400 <= answer.status < 500, (name, target, answer.status)
                assert "onload" not in answer.body and "evil.example" not in answer.body, (name, target)
    assert "unhandled" not in stack.log.getvalue() and session.exchange().status == 200


@requirement("ACC-05")
def test_two_tabs_work_independently(stack: Stack) -> None:
    first, second = start_session(stack, client_name="First"), start_session(stack, client_name="Second")
    browser = first.sign_in.browser
    one, other = look(browser), look(browser)
    assert press(browser, one, f"end_app_sure {first.client.client_id}").status == 200
    assert press(browser, other, f"end_app_sure {second.client.client_id}").status == 200
    assert "No app can act for you" in Shown(look(browser)).words


@requirement("PAGE-02")
def test_the_page_speaks_the_language_of_its_reader(stack: Stack) -> None:
    browser = start_session(stack).sign_in.browser
    assert "Meine Zugriffe" in browser.get(PATH, **{"Accept-Language": "de-CH"}).body
    assert "マイアクセス" in browser.get(PATH + "?ui_locales=ja").body
