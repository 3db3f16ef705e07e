"""The way into a user's own page: with any login of theirs, for no app, and with nothing kept on the way."""

from typing import Any

import pytest

from chalicelib.records.deployment import Deployment
from chalicelib.records.item_keys import DEPLOYMENT, provider_item_key, subject_item_key
from tests.kit.http.account_page import PATH, Shown, arrive, enter, look, press, read_heading
from tests.kit.http.browser import read_page
from tests.kit.http.sign_in_scene import add_provider, only_written, subjects, with_query
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import mark, start_session
from tests.kit.requirement import requirement


@requirement("ACC-01")
def test_without_a_session_the_page_offers_every_login_and_stores_nothing(stack: Stack) -> None:
    add_provider(stack)
    stack.restart()
    browser = stack.browser()
    with only_written(stack):
        page = browser.get(PATH)
    assert Shown(page).acts == ["sign_in demo", "sign_in oidc"] and not browser.cookies


@requirement("ACC-01", "ACC-02")
def test_a_user_enters_with_the_login_that_an_app_has_used(stack: Stack) -> None:
    session = start_session(stack)
    browser = stack.browser()
    with only_written(stack, "CONNECT"):
        enter(stack, browser)
    assert session.client.client_name in Shown(look(browser)).words
    assert session.exchange().status == 200, "what apps have is untouched"


@requirement("ACC-01")
def test_what_the_provider_gives_on_the_way_is_given_back(stack: Stack) -> None:
    start_session(stack)
    of_the_app = stack.provider.grants.families[-1]
    enter(stack)
    on_the_way = stack.provider.grants.families[-1]
    assert on_the_way is not of_the_app and (on_the_way.revoked, of_the_app.revoked) == (True, False)


@requirement("ACC-01")
def test_what_an_apps_connection_holds_too_is_kept(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some providers give a user the very same tokens again: ending them would end the app's."""
    session = start_session(stack)
    grants = stack.provider.grants
    of_the_app, begin = grants.families[-1], grants.begin

    def begin_with_the_same(*arguments: Any, **more: Any) -> Any:
        family = begin(*arguments, **more)
        family.refresh_token, family.offline = of_the_app.refresh_token, True
        return family

    monkeypatch.setattr(grants, "begin", begin_with_the_same)
    enter(stack)
    assert [one.revoked for one in grants.families[-2:]] == [False, False]
    assert session.exchange().status == 200


@requirement("ACC-01", "CB-09")
def test_who_has_never_been_here_is_told_so_and_nobody_is_made(stack: Stack) -> None:
    start_session(stack, who="bob")
    before = subjects(stack)
    answer = arrive(stack, stack.browser(), who="alice")
    assert (answer.status, read_heading(answer.body)) == (403, "Nothing is stored for this account")
    assert subjects(stack) == before and "tb_session" not in str(answer.headers)


@requirement("ACC-01", "CB-01")
def test_a_second_callback_changes_nothing_and_leads_back(stack: Stack) -> None:
    start_session(stack)
    browser = stack.browser()
    left = browser.post(PATH, [("act", "sign_in demo")])
    back = stack.provider.sign_in(left.location, "alice")
    assert browser.get(back).status == 303
    again = browser.get(back)
    assert (again.status, read_heading(again.body)) == (400, "This page is out of date")
    assert f'href="{PATH}"' in again.body


@requirement("ACC-01", "CB-02")
def test_without_the_cookie_of_the_way_the_page_leads_back_to_the_beginning(stack: Stack) -> None:
    start_session(stack)
    left = stack.browser().post(PATH, [("act", "sign_in demo")])
    lost = stack.browser().get(stack.provider.sign_in(left.location, "alice"))
    assert lost.status == 403 and f'href="{PATH}"' in lost.body


@requirement("ACC-01", "CB-10")
def test_a_no_at_the_provider_leads_back_to_the_page(stack: Stack) -> None:
    browser = stack.browser()
    left = browser.post(PATH, [("act", "sign_in demo")])
    back = stack.provider.sign_in(left.location, "alice")
    answer = browser.get(with_query(back, code=None, error="access_denied"))
    assert (answer.status, answer.location) == (303, stack.settings.issuer + PATH)


@requirement("ACC-01")
@pytest.mark.parametrize("what", ["subject", "provider", "deployment"])
def test_a_mark_set_on_the_way_ends_it(stack: Stack, what: str) -> None:
    session = start_session(stack)
    place: Any = {"subject": subject_item_key(session.claims["sub"]), "provider": provider_item_key("demo")}.get(what)
    browser = stack.browser()
    left = browser.post(PATH, [("act", "sign_in demo")])
    back = stack.provider.sign_in(left.location, "alice")
    if place is None:
        stack.deployment.put(DEPLOYMENT, Deployment())
        place = DEPLOYMENT
    mark(stack, place, disabled=True)
    assert browser.get(back).status >= 400
    assert "tb_session" not in browser.cookies


@requirement("ACC-01", "ACC-06")
def test_who_is_signed_in_comes_back_as_the_same_user_or_not_at_all(stack: Stack) -> None:
    start_session(stack, who="bob")
    session = start_session(stack)
    browser = session.sign_in.browser
    before = browser.cookies["tb_session"]
    answer = arrive(stack, browser, who="bob")
    assert (answer.status, read_heading(answer.body)) == (403, "You came back as someone else")
    assert browser.cookies["tb_session"] == before
    enter(stack, browser)
    assert browser.cookies["tb_session"] != before


@requirement("ACC-06")
def test_signing_in_once_more_asks_the_provider_for_it_and_keeps_the_session(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    left = browser.post(PATH, [("act", "sign_in demo")])
    assert "prompt=login" in left.location
    page = look(browser)
    enter(stack, browser)
    assert press(browser, page, f"end_app_sure {session.client.client_id}").status == 200, (
        "a form of before still opens"
    )


@requirement("ACC-01")
def test_a_provider_that_is_switched_off_or_made_up_is_no_way_in(stack: Stack) -> None:
    for name in ("github", "nothing", "", "demo x"):
        answer = stack.browser().post(PATH, [("act", f"sign_in {name}")])
        assert answer.status == 400 and not read_page(answer.body).refresh, name


@requirement("ACC-01")
def test_a_provider_that_fails_costs_nothing(stack: Stack) -> None:
    start_session(stack)
    browser = stack.browser()
    left = browser.post(PATH, [("act", "sign_in demo")])
    back = stack.provider.sign_in(left.location, "alice")
    stack.provider.faults.status = 500
    answer = browser.get(back)
    assert answer.status == 502 and f'href="{PATH}"' in answer.body


@requirement("ACC-01")
def test_an_erased_user_finds_nothing_of_before(stack: Stack) -> None:
    session = start_session(stack)
    place = subject_item_key(session.claims["sub"])
    subject = stack.deployment.store.read(place).get(place)
    assert subject is not None
    stack.deployment.store.erase_subject(subject, now=stack.clock.now())
    stack.clock.advance(2)
    assert arrive(stack, stack.browser()).status == 403
    assert session.sign_in.browser.get(PATH).status == 200
    assert session.client.client_name not in session.sign_in.browser.get(PATH).body, "its session is over"


@requirement("ACC-01")
@pytest.mark.parametrize("what", ["provider", "deployment"])
def test_a_session_that_a_switch_has_ended_opens_no_page(stack: Stack, what: str) -> None:
    session = start_session(stack)
    if what == "deployment":
        stack.deployment.put(DEPLOYMENT, Deployment())
    mark(stack, DEPLOYMENT if what == "deployment" else provider_item_key("demo"))
    stack.restart()
    assert Shown(session.sign_in.browser.get(PATH)).acts == ["sign_in demo"]


@requirement("ACC-01", "CB-10")
def test_a_code_that_the_provider_refuses_is_a_bad_request(stack: Stack) -> None:
    start_session(stack)
    browser = stack.browser()
    left = browser.post(PATH, [("act", "sign_in demo")])
    back = stack.provider.sign_in(left.location, "alice")
    stack.provider.faults.token_error, stack.provider.faults.error_status = "invalid_grant", 400
    answer = browser.get(back)
    assert answer.status == 400 and f'href="{PATH}"' in answer.body
