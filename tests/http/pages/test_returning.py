"""A native app asks again for what its user has allowed: a short page, and no code without a press (CONS-12)."""

from typing import Any

import pytest

from chalicelib.records.client import Client
from chalicelib.records.item_keys import consent_item_key
from tests.kit.http.browser import Answer, Browser, read_page
from tests.kit.http.sign_in_scene import assert_page, change, consents, grants
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.requirement import requirement

LOOPBACK = "http://127.0.0.1:5050/back"
NATIVE: dict[str, Any] = {"application_type": "native", "redirect_uris": ("http://127.0.0.1/back",)}


def signed_in(stack: Stack, **fields: Any) -> tuple[Client, Browser]:
    """An app of this machine, and the browser of a user who has signed in to it."""
    client, secret = stack.client(**{**NATIVE, **fields})
    return client, stack.sign_in(client, secret, redirect_uri=LOOPBACK).browser


def ask(stack: Stack, client: Client, browser: Browser, **more: str) -> Answer:
    return stack.authorize(stack.authorize_parameters(client, redirect_uri=LOOPBACK, **more), browser)


def press(browser: Browser, page: Answer, decision: str) -> Answer:
    return browser.post("/signin", [*read_page(page.body).fields, ("decision", decision)])


def is_short(page: Answer) -> bool:
    assert page.status == 200, page.body[-600:]
    return read_page(page.body).buttons == [("decision", "allow"), ("decision", "switch"), ("decision", "deny")]


@requirement("CONS-12")
def test_who_has_allowed_it_all_continues_by_name_without_the_provider(stack: Stack) -> None:
    client, browser = signed_in(stack)
    page = ask(stack, client, browser)
    assert is_short(page) and "Continue as <bdi>Alice Almeida</bdi>" in page.body and "alice" in page.body
    assert "another program could pretend to be it" in page.body
    answer = press(browser, page, "allow")
    assert answer.location.startswith(LOOPBACK) and "code" in answer.answered
    assert len({frozenset(grant.scopes) for grant in grants(stack) if grant.client_id == client.client_id}) == 1
    assert_page(press(browser, page, "allow"), 400)


@requirement("CONS-12")
@pytest.mark.parametrize(
    "more",
    [
        {"prompt": "consent"}, {"prompt": "select_account"}, {"prompt": "login"}, {"max_age": "0"},
        {"scope": f"{SCOPE} demo:notes:write"},
    ],
    ids=str,
)  # fmt: skip
def test_what_asks_for_more_shows_the_full_page(stack: Stack, more: dict[str, str]) -> None:
    client, browser = signed_in(stack, scopes=frozenset(f"{SCOPE} demo:notes:write".split()))
    assert not is_short(ask(stack, client, browser, **more))


@requirement("CONS-12", "CONS-01")
def test_an_app_that_was_never_allowed_anything_shows_the_full_page(stack: Stack) -> None:
    _, browser = signed_in(stack)
    other, _ = stack.client(**NATIVE)
    assert not is_short(ask(stack, other, browser))


@requirement("CONS-12", "CONS-02")
def test_an_app_that_registered_itself_always_shows_the_full_page(stack: Stack) -> None:
    client, browser = signed_in(stack, registered_by="self", token_endpoint_auth_method="none")
    assert not is_short(ask(stack, client, browser))


@requirement("CONS-12")
def test_another_account_is_chosen_on_the_full_page_and_at_the_provider(stack: Stack) -> None:
    client, browser = signed_in(stack)
    full = press(browser, ask(stack, client, browser), "switch")
    assert full.status == 200 and "read your notes" in full.body
    left = stack.decide(browser, full, provider="demo")
    assert left.location.startswith(stack.provider.url)
    assert "code" in browser.get(stack.provider.sign_in(left.location, "bob")).answered
    assert len({one.sub for one in consents(stack) if one.client_id == client.client_id}) == 2


@requirement("CONS-12")
def test_what_was_removed_after_the_page_was_shown_is_asked_again(stack: Stack) -> None:
    client, browser = signed_in(stack)
    page = ask(stack, client, browser)
    (consent,) = [one for one in consents(stack) if one.client_id == client.client_id]
    change(stack, consent_item_key(consent.sub, consent.client_id), scopes=frozenset({"openid"}))
    left = press(browser, page, "allow")
    assert left.location.startswith(stack.provider.url)
    back = browser.get(stack.provider.sign_in(left.location))
    assert back.status == 200 and "code" not in back.answered and not is_short(back)


@requirement("CONS-12")
def test_the_press_counts_only_for_the_user_whom_the_page_named(stack: Stack) -> None:
    client, browser = signed_in(stack)
    page = ask(stack, client, browser)
    bob = stack.sign_in(client, redirect_uri=LOOPBACK, browser=stack.browser(), who="bob")
    browser.cookies["tb_session"] = bob.browser.cookies["tb_session"]
    left = press(browser, page, "allow")
    assert left.location.startswith(stack.provider.url), "the browser is now another user's"
    assert_page(browser.get(stack.provider.sign_in(left.location, "bob")), 403)


@requirement("CONS-12")
@pytest.mark.parametrize("decision", ["yes", "continue", "retry", ""])
def test_no_other_button_counts(stack: Stack, decision: str) -> None:
    client, browser = signed_in(stack)
    assert_page(press(browser, ask(stack, client, browser), decision), 400)


@requirement("CONS-12", "CONS-06")
def test_cancel_ends_with_access_denied(stack: Stack) -> None:
    client, browser = signed_in(stack)
    assert press(browser, ask(stack, client, browser), "deny").answered["error"] == "access_denied"
