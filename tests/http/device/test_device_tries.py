"""Wrong user codes: counted for each browser and address before anything is known of them (DEV-02)."""

from collections.abc import Callable

import pytest

from chalicelib.protocol.user_code import draw_user_code, show_user_code
from tests.kit.http.browser import Answer, read_page
from tests.kit.http.device import ask, cancel, start_device
from tests.kit.http.sign_in_scene import assert_page
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import events
from tests.kit.requirement import requirement

WRONG = [show_user_code(draw_user_code(number.to_bytes(16))) for number in range(1, 40)]


def words(page: Answer) -> str:
    """What a person reads."""
    return " ".join(" ".join(read_page(page.body).text).split())


@requirement("DEV-02")
def test_unknown_used_denied_over_and_misspelt_codes_read_alike(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(device_tries_per_address=99)
    unknown = start_device(stack).type(user_code=WRONG[0])[1]
    used, denied, claimed, over = (ask(stack, start_device(stack).client) for _ in range(4))
    used.approve()
    assert used.poll().status == 200
    cancel(stack, *denied.type())
    assert claimed.approve().status == 200
    misspelt, letters = over.type(user_code="BCDF")[1], over.type(user_code="AEIO-UAEI")[1]
    spent = [device.type()[1] for device in (used, denied, claimed)]
    stack.clock.advance(600)
    pages = [unknown, misspelt, letters, *spent, over.type()[1]]
    assert {(page.status, words(page)) for page in pages} == {(400, words(unknown))}
    assert "That code doesn’t work" in words(unknown)


@requirement("DEV-02")
def test_a_browser_has_five_wrong_codes_in_a_quarter_of_an_hour(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(device_tries_per_address=99)
    device, browser = start_device(stack), stack.browser()
    for wrong in WRONG[:5]:
        assert_page(device.type(browser, wrong)[1], says="That code doesn’t work")
    with stack.dynamodb.counted() as calls:
        refused = device.type(browser)[1]
    assert_page(refused, 429, says="Too many codes")
    assert (refused.header("retry-after"), sum(calls.values())) == ("900", 0)
    assert device.type()[1].status == 200
    stack.clock.advance(599)
    later = ask(stack, device.client)
    assert later.type(browser)[1].status == 429
    stack.clock.advance(301)
    assert later.type(browser)[1].status == 200


@requirement("DEV-02")
def test_the_quarter_of_an_hour_begins_with_the_first_wrong_code(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(device_tries_per_address=99)
    device, browser = start_device(stack), stack.browser()
    for wrong in WRONG[:4]:
        assert device.type(browser, wrong)[1].status == 400
        stack.clock.advance(226)
    assert [device.type(browser, wrong)[1].status for wrong in WRONG[4:7]] == [400, 400, 400]


@requirement("DEV-02")
def test_right_codes_are_no_wrong_tries_of_a_browser(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(device_tries_per_address=99)
    device, browser = start_device(stack), stack.browser()
    for wrong in WRONG[:4]:
        device.type(browser, wrong)
        assert device.type(browser)[1].status == 200


@requirement("DEV-02")
def test_the_count_of_one_browser_is_nothing_in_another(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(device_tries_per_address=99)
    device, browser, other = start_device(stack), stack.browser(), stack.browser()
    device.type(browser, WRONG[0])
    device.type(other)
    fewer = browser.cookies["tb_tries"]
    for wrong in WRONG[1:5]:
        device.type(browser, wrong)
    assert device.type(browser)[1].status == 429
    other.cookies["tb_tries"] = browser.cookies["tb_tries"]
    assert device.type(other)[1].status == 200
    browser.cookies["tb_tries"] = fewer[:-1] + ("A" if fewer[-1] != "A" else "B")
    assert device.type(browser)[1].status == 200


@requirement("DEV-02", "GEN-21")
def test_an_address_has_ten_codes_whatever_its_browsers_and_a_right_one_is_not_told(stack: Stack) -> None:
    device = start_device(stack)
    for wrong in WRONG[:10]:
        assert_page(device.type(user_code=wrong)[1], says="That code doesn’t work")
    right, unknown = device.type()[1], device.type(user_code=WRONG[11])[1]
    assert_page(right, 429, says="Too many codes")
    assert words(right).split("For the developer")[0] == words(unknown).split("For the developer")[0]
    assert 0 < int(right.header("retry-after") or 0) <= 900
    stack.clock.advance(900)
    assert ask(stack, device.client).type()[1].status == 200


@requirement("DEV-02", "GEN-21")
def test_what_cannot_be_a_code_spends_no_try(stack: Stack) -> None:
    device = start_device(stack)
    for _ in range(12):
        with stack.dynamodb.counted() as calls:
            assert device.type(user_code="BCDF-GHJ")[1].status == 400
        assert sum(calls.values()) == 0
    assert device.type()[1].status == 200


@requirement("DEV-02")
def test_guessing_from_many_addresses_raises_one_alarm(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(device_tries_per_address=99, device_wrong_codes=3)
    device = start_device(stack)
    for number, wrong in enumerate(WRONG[:6], 1):
        device.type(user_code=wrong)
        raised = [event for event in events(stack, "alarm") if event["kind"] == "user_codes_guessed"]
        assert len(raised) == (number >= 3)
    assert device.type()[1].status == 200


@requirement("DEV-02", "GEN-20")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_no_other_site_types_a_code_in_somebodys_browser(stack: Stack, origin: str) -> None:
    device, browser = start_device(stack), stack.browser()
    browser.get("/device")
    with stack.dynamodb.counted() as calls:
        refused = browser.post("/device", {"user_code": device.told["user_code"]}, Origin=origin)
    assert_page(refused, 403)
    assert sum(calls.values()) == 0


@requirement("DEV-02")
def test_a_browser_without_our_cookie_is_told_so(stack: Stack) -> None:
    device = start_device(stack)
    assert_page(stack.browser().post("/device", {"user_code": device.told["user_code"]}), 403, says="cookies")
