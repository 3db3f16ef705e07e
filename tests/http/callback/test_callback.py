"""The way back from the provider: of this browser, for this decision, from this provider, once (CB-01 to CB-05)."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.records.item_keys import grant_item_key
from tests.kit.http.browser import Answer
from tests.kit.http.sign_in_scene import (
    add_provider,
    assert_nothing_came_of_it,
    assert_page,
    change,
    grants,
    only_written,
    with_query,
)
from tests.kit.http.stack import SignIn, Stack
from tests.kit.requirement import requirement


@pytest.fixture
def arriving(stack: Stack) -> SignIn:
    """A browser about to come back with a good answer."""
    client, _ = stack.client(client_uri="https://home.example/")
    return stack.to_callback(client)


def assert_refused(stack: Stack, answer: Answer, status: int, *, asked: int) -> None:
    """Nothing was written and the provider's token endpoint was not asked."""
    assert_page(answer, status)
    assert_nothing_came_of_it(stack, answer)
    assert stack.provider.count("token") == asked


@requirement("CB-01", "CB-02", "CONS-05")
@pytest.mark.parametrize("who", ["fresh browser", "another sign-in's browser", "cleared cookies"])
def test_without_the_cookie_of_this_decision_nothing_goes_on(stack: Stack, arriving: SignIn, who: str) -> None:
    browser = stack.browser()
    if who == "another sign-in's browser":
        stack.to_callback(arriving.client, browser=browser)
    if who == "cleared cookies":
        browser.cookies["tb_browser"] = arriving.browser.cookies["tb_browser"]
    asked = stack.provider.count("token")
    with only_written(stack):
        answer = browser.get(arriving.callback)
    assert_refused(stack, answer, 403, asked=asked)
    assert "https://home.example/" in answer.body
    assert "code" in arriving.browser.get(arriving.callback).answered


@requirement("CB-01", "CONS-05")
def test_a_state_that_is_not_this_decisions_goes_nowhere(stack: Stack, arriving: SignIn) -> None:
    state = arriving.callback.partition("state=")[2].partition("&")[0]
    other = stack.to_callback(arriving.client)
    others = other.callback.partition("state=")[2].partition("&")[0]
    asked = stack.provider.count("token")
    for wrong in (None, "", "x", state[:-1], state + "A", others, "\u00e4", "x" * 1025, state.partition(".")[0]):
        with only_written(stack):
            answer = arriving.browser.get(with_query(arriving.callback, state=wrong))
        assert_refused(stack, answer, answer.status, asked=asked)
        assert answer.status in (400, 403)
    with only_written(stack):
        twice = arriving.browser.get(arriving.callback + "&state=" + state)
    assert_refused(stack, twice, 400, asked=asked)


@requirement("CB-01", "CONS-05")
def test_a_decision_moved_under_another_states_name_is_none(stack: Stack, arriving: SignIn) -> None:
    other = stack.to_callback(arriving.client, browser=arriving.browser)
    (first, second) = [name for name in other.browser.cookies if name.startswith("tb_pending")]
    cookies = other.browser.cookies
    cookies[first], cookies[second] = cookies[second], cookies[first]
    asked = stack.provider.count("token")
    for callback in (arriving.callback, other.callback):
        with only_written(stack):
            assert_refused(stack, other.browser.get(callback), 403, asked=asked)


@requirement("CB-01")
def test_a_decision_is_over_after_ten_minutes(stack: Stack, arriving: SignIn) -> None:
    stack.clock.advance(600)
    asked = stack.provider.count("token")
    with only_written(stack):
        assert_refused(stack, arriving.browser.get(arriving.callback), 403, asked=asked)


@requirement("CB-01", "GEN-11")
def test_states_nonces_and_verifiers_are_long_and_never_the_same(stack: Stack) -> None:
    client, _ = stack.client()
    asked = [stack.provider.requests[-1].form for _ in range(3) if stack.to_callback(client)]
    for name in ("state", "nonce", "code_challenge"):
        values = {form[name].partition(".")[0] for form in asked}
        assert len(values) == 3 and all(len(value) == 43 for value in values)


@requirement("CB-04")
def test_another_providers_path_is_not_this_ones(stack: Stack, arriving: SignIn) -> None:
    add_provider(stack)
    asked = stack.provider.count("token")
    for wrong in ("oidc", "github", "unknown", "DEMO"):
        with only_written(stack):
            answer = arriving.browser.get(arriving.callback.replace("/callback/demo", f"/callback/{wrong}"))
        assert_refused(stack, answer, 400, asked=asked)
    assert "code" in arriving.browser.get(arriving.callback).answered


@requirement("CB-05")
@pytest.mark.parametrize("error", [False, True])
def test_a_wrong_or_missing_issuer_ends_it_and_shows_nothing(stack: Stack, arriving: SignIn, error: bool) -> None:
    callback = with_query(arriving.callback, code=None, error="<b>secret</b>") if error else arriving.callback
    asked = stack.provider.count("token")
    for wrong in (None, "https://attacker.example", stack.provider.url + "/", stack.provider.url.upper()):
        with only_written(stack):
            answer = arriving.browser.get(with_query(callback, iss=wrong))
        assert_refused(stack, answer, 400, asked=asked)
        assert "secret" not in answer.body


@requirement("CB-10")
@pytest.mark.parametrize(
    ("said", "told"),
    [("access_denied", "access_denied"), ("server_error", "server_error"), ("<script>", "server_error")],
)
def test_a_providers_error_becomes_one_of_ours(stack: Stack, arriving: SignIn, said: str, told: str) -> None:
    asked = stack.provider.count("token")
    callback = with_query(arriving.callback, error=said, error_description="CANARY", code=None)
    with only_written(stack):
        answer = arriving.browser.get(callback)
    assert answer.status == 303 and "CANARY" not in answer.location + stack.log.getvalue()
    assert (answer.answered["error"], answer.answered["state"]) == (told, arriving.state)
    assert answer.answered["iss"] == stack.settings.issuer
    assert_nothing_came_of_it(stack, answer)
    assert stack.provider.count("token") == asked


@requirement("CB-10", "CONS-06")
def test_refusing_at_the_provider_ends_with_access_denied(stack: Stack) -> None:
    client, _ = stack.client()
    answer = stack.sign_in(client, who="refuse").answer
    assert answer.answered["error"] == "access_denied"
    assert_nothing_came_of_it(stack, answer)


@requirement("CB-01")
def test_a_second_callback_gets_the_same_redirect_while_the_code_lives(stack: Stack, arriving: SignIn) -> None:
    first = arriving.browser.get(arriving.callback)
    asked = stack.provider.count("token")
    with only_written(stack, "GRANT"):
        second = arriving.browser.get(arriving.callback)
    assert second.location == first.location and stack.provider.count("token") == asked
    stranger = stack.browser().get(arriving.callback)
    assert_page(stranger, 403)
    stack.clock.advance(60)
    assert_page(arriving.browser.get(arriving.callback), says="This sign-in has expired")
    assert stack.provider.count("token") == asked
    assert '"state_already_used"' in stack.log.getvalue()


@requirement("CB-01")
def test_after_the_code_is_redeemed_a_second_callback_explains_and_harms_nothing(
    stack: Stack, arriving: SignIn
) -> None:
    arriving.answer = arriving.browser.get(arriving.callback)
    tokens = stack.redeem(arriving).json
    assert_page(arriving.browser.get(arriving.callback), says="This sign-in has expired")
    assert stack.refresh(arriving, tokens["refresh_token"]).status == 200


@requirement("CB-01")
def test_while_the_first_callback_is_at_work_the_second_waits(stack: Stack, arriving: SignIn) -> None:
    stack.provider.faults.lose_answer = True
    assert arriving.browser.get(arriving.callback).status == 502
    asked = stack.provider.count("token")
    change_status(stack, "exchanging")
    waiting = arriving.browser.get(arriving.callback)
    assert waiting.status == 200 and "Finishing your sign-in" in waiting.body
    assert waiting.location == arriving.callback and "code" in waiting.answered
    assert waiting.header("referrer-policy") == "no-referrer"
    stack.clock.advance(60)
    assert_page(arriving.browser.get(arriving.callback), says="This sign-in has expired")
    assert stack.provider.count("token") == asked


def change_status(stack: Stack, status: str) -> None:
    (grant,) = grants(stack)
    change(stack, grant_item_key(grant.grant_id), status=status)


@requirement("CB-01", "GEN-18")
def test_no_state_code_or_cookie_is_in_the_log(stack: Stack, arriving: SignIn) -> None:
    callback, browser = arriving.callback, arriving.browser
    secrets = {value.partition(".")[2] or value for name, value in browser.cookies.items() if name != "tb_session"}
    query = dict(parse_qsl(urlsplit(callback).query))
    secrets |= {query["code"], query["state"], arriving.state, arriving.nonce, arriving.verifier}
    stack.browser().get(callback)
    browser.get(with_query(callback, iss="https://attacker.example"))
    arriving.answer = browser.get(callback)
    browser.get(callback)
    tokens = stack.redeem(arriving).json
    secrets |= {arriving.code, browser.cookies["tb_session"], *(str(value) for value in tokens.values())}
    log = stack.log.getvalue()
    assert log and all(json.loads(line) for line in log.splitlines())
    found = [secret for secret in secrets if len(secret) > 12 and secret in log and secret != tokens["scope"]]
    assert found == []
