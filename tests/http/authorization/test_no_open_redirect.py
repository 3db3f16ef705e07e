"""For a client that registered itself nothing redirects before the user has acted (AUTHZ-15); silence shows nothing."""

from typing import Any

import pytest

from chalicelib.records.item_keys import connection_item_key
from tests.kit.http.browser import Browser
from tests.kit.http.sign_in_scene import assert_page, assert_told, change, connections, only_written
from tests.kit.http.stack import APP, Stack
from tests.kit.requirement import requirement

WRONG: list[dict[str, str | None]] = [
    {"response_type": "token"},
    {"scope": "unknown"},
    {"code_challenge": None},
    {"resource": "https://unknown.example/"},
    {"prompt": "none"},
    {"prompt": "none", "max_age": "0"},
    {"request_uri": "https://attacker.example/"},
    {"provider": "unknown"},
]


@requirement("AUTHZ-15", "AUTHZ-14")
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_self_registered_clients_errors_stay_on_our_page(stack: Stack, wrong: dict[str, str | None]) -> None:
    client, _ = stack.client(registered_by="self", client_uri="https://home.example/")
    with only_written(stack):
        answer = stack.authorize(stack.authorize_parameters(client, **wrong))
    assert_page(answer, says="https://home.example/")
    assert APP not in answer.body


@requirement("AUTHZ-15", "CONS-02")
@pytest.mark.parametrize("more", [{}, {"prompt": "none"}, {"scope": "unknown"}])
def test_not_even_with_a_session_and_everything_allowed(stack: Stack, more: dict[str, str]) -> None:
    client, _ = stack.client(registered_by="self")
    browser = stack.browser()
    assert stack.sign_in(client, browser=browser).answer.status == 303
    answer = stack.authorize(stack.authorize_parameters(client, **more), browser)
    assert answer.header("location") is None and answer.location == ""
    assert ("Not verified" in answer.body) is (not more)


@requirement("AUTHZ-15")
def test_an_error_page_leads_only_to_a_home_that_was_registered(stack: Stack) -> None:
    client, _ = stack.client(registered_by="self")
    answer = stack.authorize(stack.authorize_parameters(client, prompt="none"))
    assert_page(answer)
    assert "<a " not in answer.body


def silently(stack: Stack, browser: Browser, client: Any, **more: str) -> Any:
    parameters = stack.authorize_parameters(client, prompt="none", state="quiet", **more)
    return stack.authorize(parameters, browser)


@requirement("AUTHZ-14", "AUTHZ-12")
def test_without_a_session_silence_ends_with_login_required(stack: Stack) -> None:
    client, _ = stack.client()
    with only_written(stack):
        answer = silently(stack, stack.browser(), client)
    assert_told(answer, "login_required", state="quiet", iss=stack.settings.issuer)


@requirement("AUTHZ-14")
def test_silence_approves_nothing_new(stack: Stack) -> None:
    client, _ = stack.client()
    other, _ = stack.client()
    browser = stack.browser()
    assert stack.sign_in(client, browser=browser, scope="openid").answer.status == 303
    with only_written(stack):
        for asked, more in ((client, {"scope": "openid profile"}), (other, {"scope": "openid"})):
            answer = silently(stack, browser, asked, **more)
            assert_told(answer, "consent_required", state="quiet", iss=stack.settings.issuer)


@requirement("AUTHZ-14")
def test_silence_makes_no_trip_to_a_provider(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    assert stack.sign_in(client, browser=browser).answer.status == 303
    change(stack, connection_item_key(connections(stack)[0].connection_id), status="reauth_required")
    with only_written(stack):
        answer = silently(stack, browser, client)
    assert_told(answer, "interaction_required", state="quiet", iss=stack.settings.issuer)


@requirement("AUTHZ-14", "AUTHZ-12")
def test_silence_succeeds_where_all_was_allowed_before(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    answer = silently(stack, sign_in.browser, client)
    assert answer.status == 303 and answer.answered["code"]
    assert (answer.answered["state"], answer.answered["iss"]) == ("quiet", stack.settings.issuer)


@requirement("AUTHZ-14")
def test_a_first_party_client_is_not_silently_approved(stack: Stack) -> None:
    client, _ = stack.client(first_party=True)
    browser = stack.browser()
    assert_told(
        silently(stack, browser, client, provider="demo"), "login_required", state="quiet", iss=stack.settings.issuer
    )
    other, _ = stack.client()
    stack.sign_in(other, browser=browser)
    with only_written(stack):
        answer = silently(stack, browser, client, provider="demo")
    assert_told(answer, "consent_required", state="quiet", iss=stack.settings.issuer)
