"""The decision: only a POST of the very form that this browser was shown, from a page of ours (CONS-04, GEN-20)."""

import pytest

from chalicelib.records.item_keys import client_item_key, provider_item_key
from chalicelib.records.revocation import Revocation
from tests.kit.http.browser import FORM, Answer, Browser, read_page
from tests.kit.http.sign_in_scene import assert_page, change, grants, only_written, with_query
from tests.kit.http.stack import APP, Stack
from tests.kit.requirement import requirement


def open_page(stack: Stack, **more: str) -> tuple[Browser, Answer]:
    """A browser that stands before the page; the client is `stack.client()`'s."""
    client, _ = stack.client(optional_scopes=frozenset({"email"}))
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, **more), browser)
    assert page.status == 200
    return browser, page


def press(browser: Browser, page: Answer, **headers: str) -> Answer:
    fields = [*read_page(page.body).fields, ("provider", "demo"), ("decision", "allow")]
    return browser.post("/signin", dict(fields), **headers)


def assert_refused(stack: Stack, browser: Browser, answer: Answer, status: int = 403) -> None:
    assert_page(answer, status)
    assert not any(name.startswith("tb_pending") for name in browser.cookies)


OURS = {"Sec-Fetch-Site": "same-origin"}


@requirement("GEN-20", "CONS-04")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-site"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
        {"Origin": "https://attacker.example", **OURS},
        {"Origin": "", **OURS},
        OURS,
        {},
    ],
    ids=str,
)
def test_a_form_of_another_origin_decides_nothing(stack: Stack, headers: dict[str, str]) -> None:
    browser, page = open_page(stack)
    fields = dict([*read_page(page.body).fields, ("provider", "demo"), ("decision", "allow")])
    from urllib.parse import urlencode

    with only_written(stack):
        answer = browser.send("POST", "/signin", body=urlencode(fields), headers={"Content-Type": FORM, **headers})
    assert_refused(stack, browser, answer)
    assert press(browser, page).status == 200


@requirement("GEN-20")
def test_a_null_origin_counts_only_with_the_browsers_word_that_it_is_ours(stack: Stack) -> None:
    browser, page = open_page(stack)
    answer = press(browser, page, Origin="null", **OURS)
    assert answer.status == 200 and answer.location.startswith(stack.provider.url)


@requirement("CONS-04", "GEN-20")
def test_the_form_of_another_browser_decides_nothing(stack: Stack) -> None:
    _, attackers_page = open_page(stack)
    victim, page = open_page(stack)
    for browser in (victim, stack.browser()):
        with only_written(stack):
            assert_refused(stack, browser, press(browser, attackers_page))
    assert press(victim, page).status == 200


@requirement("CONS-04")
def test_an_altered_form_decides_nothing(stack: Stack) -> None:
    browser, page = open_page(stack)
    sealed = dict(read_page(page.body).fields)["request"]
    swapped = sealed[:60] + ("A" if sealed[60] != "A" else "B") + sealed[61:]
    for wrong in (swapped, sealed[:-4], sealed + "AAAA", "", "x", "\u00e4", sealed[::-1], "A" * 4000):
        with only_written(stack):
            answer = browser.post("/signin", {"request": wrong, "provider": "demo", "decision": "allow"})
        assert_refused(stack, browser, answer)
    twice = [("request", sealed), ("request", sealed), ("provider", "demo"), ("decision", "allow")]
    assert_refused(stack, browser, browser.post("/signin", twice))


@requirement("CONS-04")
def test_what_is_sealed_for_another_purpose_is_no_form(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    browser = sign_in.browser
    pending = next(value for name, value in browser.cookies.items() if name.startswith("tb_pending"))
    for sealed in (pending.partition(".")[2], browser.cookies["tb_session"]):
        with only_written(stack):
            answer = browser.post("/signin", {"request": sealed, "provider": "demo", "decision": "allow"})
        assert_page(answer, 403)


@requirement("CONS-04")
@pytest.mark.parametrize(
    "fields",
    [
        {"decision": "yes"}, {"decision": "continue"}, {"decision": "retry"}, {"decision": ""},
        {"decision": "allow", "provider": "github"}, {"decision": "allow", "provider": "unknown"},
        {"decision": "allow", "provider": ""},
    ],
    ids=str,
)  # fmt: skip
def test_a_decision_that_the_page_did_not_offer_is_none(stack: Stack, fields: dict[str, str]) -> None:
    browser, page = open_page(stack)
    sealed = dict(read_page(page.body).fields)["request"]
    with only_written(stack):
        answer = browser.post("/signin", {"request": sealed, "provider": "demo", **fields})
    assert_refused(stack, browser, answer, 400)
    twice = [("request", sealed), ("provider", "demo"), ("decision", "deny"), ("decision", "allow")]
    assert_refused(stack, browser, browser.post("/signin", twice), 400)


@requirement("CONS-04")
def test_the_form_can_leave_out_but_never_add(stack: Stack) -> None:
    browser, page = open_page(stack)
    fields = [pair for pair in read_page(page.body).fields if pair[0] == "request"]
    more = [("scope", "demo:notes:write"), ("scope", "admin"), ("provider", "demo"), ("decision", "allow")]
    left = browser.post("/signin", [*fields, *more])
    tokens = browser.get(stack.provider.sign_in(left.location))
    assert tokens.status == 303
    (grant,) = _issued(stack)
    assert grant == {"openid", "profile", "offline_access", "demo:notes:read"}


def _issued(stack: Stack) -> list[set[str]]:
    return [set(grant.scopes) for grant in grants(stack)]


@requirement("CONS-04")
def test_a_stale_page_is_over_and_a_get_is_no_decision(stack: Stack) -> None:
    browser, page = open_page(stack)
    sealed = dict(read_page(page.body).fields)["request"]
    asked = browser.get(with_query("/signin", request=sealed, provider="demo", decision="allow"))
    assert asked.status in (403, 404, 405)
    stack.clock.advance(600)
    with only_written(stack):
        assert_refused(stack, browser, press(browser, page))


@requirement("CONS-06", "AUTHZ-12", "GEN-22")
@pytest.mark.parametrize("registered_by", ["operator", "self"])
def test_cancel_ends_with_access_denied_and_stores_nothing(stack: Stack, registered_by: str) -> None:
    client, _ = stack.client(registered_by=registered_by)
    browser = stack.browser()
    parameters = stack.authorize_parameters(client)
    page = stack.authorize(parameters, browser)
    with only_written(stack):
        answer = stack.decide(browser, page, "deny")
    assert answer.status == 200 and answer.location.startswith(APP)
    assert answer.answered["error"] == "access_denied"
    assert (answer.answered["state"], answer.answered["iss"]) == (parameters["state"], stack.settings.issuer)


@requirement("CONS-04")
def test_one_page_decided_twice_ends_in_one_grant(stack: Stack) -> None:
    browser, page = open_page(stack)
    callbacks = [stack.provider.sign_in(press(browser, page).location) for _ in range(2)]
    answers = [browser.get(callback) for callback in callbacks]
    assert [answer.status for answer in answers] == [303, 400]
    assert len(_issued(stack)) == 1


@requirement("CONS-04")
def test_one_page_decided_twice_with_a_session_gives_one_code(stack: Stack) -> None:
    client, _ = stack.client(registered_by="self")
    sign_in = stack.sign_in(client)
    page = stack.authorize(stack.authorize_parameters(client), sign_in.browser)
    first, second = press(sign_in.browser, page), press(sign_in.browser, page)
    assert first.answered["code"]
    assert_page(second, says="This sign-in has expired")


@requirement("CONS-08", "CONS-04")
@pytest.mark.parametrize("changed", [{"revision": 2}, {"marks": Revocation(disabled=True)}])
def test_a_client_changed_while_the_page_was_open_gets_nothing(stack: Stack, changed: dict[str, object]) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), browser)
    change(stack, client_item_key(client.client_id), **changed)
    stack.clock.advance(10)
    with only_written(stack):
        assert_refused(stack, browser, press(browser, page), 400)


@requirement("CONS-04")
def test_a_provider_switched_off_while_the_page_was_open_is_not_asked(stack: Stack) -> None:
    browser, page = open_page(stack)
    change(stack, provider_item_key("demo"), marks=Revocation(disabled=True))
    stack.clock.advance(10)
    answer = press(browser, page)
    assert_refused(stack, browser, answer, answer.status)
