"""response_mode=form_post: the app's answer is a form that the browser posts (OAuth 2.0 Form Post Response Mode)."""

from collections.abc import Callable

import pytest

from tests.kit.http.browser import Answer
from tests.kit.http.pushing import follow, reference
from tests.kit.http.sign_in_scene import assert_page, assert_told
from tests.kit.http.stack import APP, Stack
from tests.kit.requirement import requirement

POSTED = {"response_mode": "form_post"}


def assert_posted(
    stack: Stack, answer: Answer, *names: str, at: str = APP, origin: str = "https://app.example"
) -> None:
    """A page whose form takes exactly this to the app, and can go nowhere else."""
    assert (answer.status, answer.location, answer.posts_to) == (200, "", at), answer.body[-600:]
    assert set(answer.answered) == {*names, "state", "iss"}
    assert answer.answered["iss"] == stack.settings.issuer and answer.answered["state"] == 'a "b"&<c>'
    assert f"form-action {origin};" in (answer.header("content-security-policy") or "")
    assert answer.header("cache-control") == "no-store" and "<script" not in answer.body
    assert answer.header("location") is None


def from_a_page(stack: Stack) -> Answer:
    client, _ = stack.client()
    return stack.sign_in(client, state='a "b"&<c>', **POSTED).answer


def from_a_pushed_request(stack: Stack) -> Answer:
    client, _ = stack.client()
    browser = stack.browser()
    page = follow(browser, client, reference(stack, client, state='a "b"&<c>', **POSTED))
    return browser.get(stack.provider.sign_in(stack.decide(browser, page, provider="demo").location, "alice"))


def from_the_session(stack: Stack) -> Answer:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    browser = stack.sign_in(client, secret).browser
    return stack.authorize(stack.authorize_parameters(client, state='a "b"&<c>', **POSTED), browser)


def from_the_session_behind_a_page(stack: Stack) -> Answer:
    client, _ = stack.client()
    browser = stack.sign_in(client).browser
    page = stack.authorize(stack.authorize_parameters(client, state='a "b"&<c>', prompt="consent", **POSTED), browser)
    return stack.decide(browser, page, provider="demo")


def sent_again(stack: Stack) -> Answer:
    client, _ = stack.client()
    sign_in = stack.sign_in(client, state='a "b"&<c>', **POSTED)
    again = sign_in.browser.get(sign_in.callback)
    assert again.answered == sign_in.answer.answered
    return again


def denied(stack: Stack) -> Answer:
    client, _ = stack.client()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, state='a "b"&<c>', **POSTED), browser)
    return stack.decide(browser, page, "deny")


def denied_at_the_provider(stack: Stack) -> Answer:
    client, _ = stack.client()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, state='a "b"&<c>', **POSTED), browser)
    location = stack.decide(browser, page, provider="demo").location
    return browser.get(stack.provider.sign_in(location, "refuse"))


def refused(stack: Stack) -> Answer:
    client, _ = stack.client()
    return stack.authorize(stack.authorize_parameters(client, state='a "b"&<c>', scope="unknown", **POSTED))


def refused_silently(stack: Stack) -> Answer:
    client, _ = stack.client()
    return stack.authorize(stack.authorize_parameters(client, state='a "b"&<c>', prompt="none", **POSTED))


def refused_after_it_was_pushed(stack: Stack) -> Answer:
    client, _ = stack.client()
    return follow(stack.browser(), client, reference(stack, client, state='a "b"&<c>', prompt="none", **POSTED))


CODES = (from_a_page, from_a_pushed_request, from_the_session, from_the_session_behind_a_page, sent_again)
ERRORS = (denied, denied_at_the_provider, refused, refused_silently, refused_after_it_was_pushed)


@requirement("AUTHZ-07", "AUTHZ-12", "AUTHZ-13", "GEN-23")
@pytest.mark.parametrize("come", [*CODES, *ERRORS])
def test_every_answer_is_posted_where_the_app_asked_for_it(stack: Stack, come: Callable[[Stack], Answer]) -> None:
    names = ("code",) if come in CODES else ("error", "error_description", "error_id")
    assert_posted(stack, come(stack), *names)


@requirement("AUTHZ-07")
def test_a_posted_code_is_good(stack: Stack) -> None:
    client, _ = stack.client(redirect_uris=("http://127.0.0.1/back?x=1",), application_type="native")
    at = "http://127.0.0.1:50123/back?x=1"
    sign_in = stack.sign_in(client, state='a "b"&<c>', redirect_uri=at, **POSTED)
    assert_posted(stack, sign_in.answer, "code", at=at, origin="http://127.0.0.1:50123")
    assert stack.redeem(sign_in).status == 200


@requirement("AUTHZ-07")
def test_what_a_client_may_not_have_or_its_redirect_cannot_take_is_told_in_the_url(stack: Stack) -> None:
    native = {"application_type": "native", "token_endpoint_auth_method": "none"}
    for uri, fields in (
        (APP, {"response_modes": frozenset({"query"})}),
        ("com.example.app:/back", native),
        ("http://[::1]/back", native),
    ):
        client, _ = stack.client(redirect_uris=(uri,), **fields)
        answer = stack.authorize(stack.authorize_parameters(client, state="s", **POSTED))
        assert_told(answer, "invalid_request", state="s", iss=stack.settings.issuer, at=uri)


@requirement("AUTHZ-07", "CB-10")
def test_where_the_provider_fails_a_link_leads_to_where_the_app_begins(stack: Stack) -> None:
    client, _ = stack.client(initiate_login_uri="https://app.example/login")
    sign_in = stack.to_callback(client, **POSTED)
    stack.provider.faults.at, stack.provider.faults.lose_answer = frozenset({"token"}), True
    answer = sign_in.browser.get(sign_in.callback)
    assert_page(answer, 502)
    assert 'href="https://app.example/login"' in answer.body and "error=" not in answer.body


@requirement("AUTHZ-07", "AUTHZ-15")
def test_a_self_registered_client_gets_no_form_before_the_user_has_acted(stack: Stack) -> None:
    client, _ = stack.client(registered_by="self")
    answer = stack.authorize(stack.authorize_parameters(client, scope="unknown", **POSTED))
    assert_page(answer, says="can’t ask for that")
    assert answer.posts_to == ""
