"""Pending decisions in the browser: three at most, 5 KB in all, larger requests in the table."""

import pytest

from chalicelib.records.item_keys import stored_request_item_key
from tests.kit.http.browser import Browser
from tests.kit.http.sign_in_scene import assert_page, change, grants, only_written, written
from tests.kit.http.stack import SignIn, Stack
from tests.kit.requirement import requirement

LONG = "s" * 2048


def slots(browser: Browser) -> dict[str, str]:
    return {name: value for name, value in browser.cookies.items() if name.startswith("tb_pending")}


@requirement("CB-01")
def test_two_tabs_each_come_to_their_own_end(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    first = stack.to_callback(client, browser=browser, state="first")
    second = stack.to_callback(client, browser=browser, state="second")
    for tab in (second, first):
        tab.answer = browser.get(tab.callback)
        assert tab.answer.answered["state"] == tab.state
        assert stack.redeem(tab).status == 200


@requirement("CB-01")
def test_the_oldest_of_four_makes_room_and_is_explained(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    tabs = []
    for state in "abcd":
        tabs.append(stack.to_callback(client, browser=browser, state=state, nonce="n", scope="openid"))
        stack.clock.advance(1)
    assert len(slots(browser)) == 3
    assert max(len(value) for value in slots(browser).values()) * 4 < 5000, "it is the count that makes room"
    with only_written(stack):
        assert_page(browser.get(tabs[0].callback), 403)
    for tab in tabs[1:]:
        assert "code" in browser.get(tab.callback).answered


@requirement("CB-01")
def test_no_slot_and_no_sum_is_too_large_for_a_browser(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    tabs = []
    for length in (1000, 1700, 900, 600, 1500):
        tabs.append(stack.to_callback(client, browser=browser, state="s" * length))
        sizes = [len(name) + len(value) for name, value in slots(browser).items()]
        assert max(sizes) <= 3900 and sum(sizes) <= 5200 and len(sizes) <= 3
        stack.clock.advance(1)
    assert "code" in browser.get(tabs[-1].callback).answered
    for header in browser.set_cookies:
        assert "HttpOnly" in header and "SameSite=Lax" in header and "Path=/" in header and "Domain" not in header


def large(stack: Stack, browser: Browser | None = None) -> SignIn:
    """A sign-in whose request fits no cookie."""
    scopes = frozenset(["openid", "offline_access", "demo:notes:read"])
    client, _ = stack.client(scopes=scopes, client_uri="https://home.example/")
    more = {"nonce": "n" * 256, "login_hint": "h" * 256, "state": LONG, "scope": " ".join(sorted(scopes))}
    return stack.to_callback(client, browser=browser, **more)


@requirement("CB-01", "AUTHZ-13")
def test_a_request_too_large_for_a_cookie_is_stored_sealed_and_comes_back_whole(stack: Stack) -> None:
    sign_in = large(stack)
    assert written(stack) == ["PAR"]
    (payload,) = [payload for operation, payload in stack.dynamodb.calls if operation == "PutItem"]
    assert LONG[:40] not in str(payload) and sign_in.nonce[:40] not in str(payload)
    assert max(len(value) for value in slots(sign_in.browser).values()) < 1500
    sign_in.answer = sign_in.browser.get(sign_in.callback)
    assert sign_in.answer.answered["state"] == LONG
    again = sign_in.browser.get(sign_in.callback)
    assert again.location == sign_in.answer.location
    assert stack.redeem(sign_in).status == 200


@requirement("CB-02", "CONS-05")
def test_a_stored_request_is_bound_to_its_browser_and_its_time(stack: Stack) -> None:
    sign_in = large(stack)
    with only_written(stack):
        assert_page(stack.browser().get(sign_in.callback), 403)
    place = stored_request_item_key(stored_id(stack))
    change(stack, place, expires_at=stack.clock.now())
    assert_page(sign_in.browser.get(sign_in.callback), says="This sign-in has expired")
    assert [grant.status for grant in grants(stack)] == ["revoked"]


def stored_id(stack: Stack) -> str:
    (payload,) = [payload for operation, payload in stack.dynamodb.calls if operation == "PutItem"
                  and payload["Item"]["pk"]["S"].startswith("PAR#")]  # fmt: skip
    return str(payload["Item"]["pk"]["S"].removeprefix("PAR#"))


@requirement("CONS-05")
def test_a_stored_request_that_was_exchanged_for_another_does_not_open(stack: Stack) -> None:
    first, second = large(stack), large(stack)
    ids = [
        payload["Item"]["pk"]["S"].removeprefix("PAR#")
        for operation, payload in stack.dynamodb.calls
        if operation == "PutItem" and payload["Item"]["pk"]["S"].startswith("PAR#")
    ]
    other = stack.deployment.store.read(stored_request_item_key(ids[1])).get(stored_request_item_key(ids[1]))
    assert other is not None
    change(stack, stored_request_item_key(ids[0]), sealed=other.sealed)
    assert_page(first.browser.get(first.callback), says="This sign-in has expired")
    assert "code" in second.browser.get(second.callback).answered


@requirement("CB-10", "AUTHZ-12")
def test_a_refusal_at_the_provider_finds_a_stored_request_too(stack: Stack) -> None:
    sign_in = large(stack)
    from tests.kit.http.sign_in_scene import with_query

    answer = sign_in.browser.get(with_query(sign_in.callback, code=None, error="access_denied"))
    assert (answer.answered["error"], answer.answered["state"]) == ("access_denied", LONG)


@requirement("GEN-03")
@pytest.mark.parametrize("name", ["tb_pending_%C3%A4", "tb_pending_a b", "tb_pending_", "tb_pending_" + "x" * 500])
def test_odd_cookies_of_others_break_nothing(stack: Stack, name: str) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), browser)
    browser.cookies |= {f"{name}{n}": "ffffffffff.x" for n in range(4)}
    browser.cookies["tb_session"] = "%C3%A4"
    left = stack.decide(browser, page, provider="demo")
    assert left.status == 200, left.body
    assert "code" in browser.get(stack.provider.sign_in(left.location)).answered
