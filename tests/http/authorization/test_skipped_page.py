"""When the page is skipped: only when every condition holds, so each is broken once."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.protocol.redirect_uri import redirect_hash
from chalicelib.records.deployment import Deployment
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    client_item_key,
    connection_item_key,
    consent_item_key,
    resource_item_key,
    subject_item_key,
)
from chalicelib.records.resource import Resource
from chalicelib.records.revocation import Revocation
from tests.kit.http.browser import Browser
from tests.kit.http.sign_in_scene import (
    add_provider,
    assert_page,
    change,
    connections,
    consents,
    only_written,
    shows,
    subjects,
)
from tests.kit.http.stack import APP, SignIn, Stack
from tests.kit.requirement import requirement

API = "https://api.example/"
OTHER = "https://app.example/other"


def prepared(stack: Stack, **fields: Any) -> SignIn:
    """A sign-in with which everything but what the test breaks holds."""
    stack.deployment.put(resource_item_key(API), Resource(audience=API))
    client, secret = stack.client(redirect_uris=(APP, OTHER), resources=frozenset({API}), **fields)
    sign_in = stack.sign_in(client, secret, provider="demo", scope="openid demo:notes:read")
    assert sign_in.answer.status == 303
    stack.clock.advance(11)
    return sign_in


def again(stack: Stack, sign_in: SignIn, browser: Browser | None = None, **more: str | None) -> str:
    asked = {"scope": "openid demo:notes:read", **more}
    return shows(
        stack, stack.authorize(stack.authorize_parameters(sign_in.client, **asked), browser or sign_in.browser)
    )


@requirement("CONS-02")
def test_with_everything_allowed_before_and_a_session_the_code_comes_at_once(stack: Stack) -> None:
    sign_in = prepared(stack)
    heard = len(stack.provider.requests)
    with only_written(stack, "GRANT"):
        assert again(stack, sign_in) == "code"
    assert len(stack.provider.requests) == heard


def forget(browser: Browser) -> None:
    browser.cookies.pop("tb_session")


def _mark_consent(stack: Stack, sign_in: SignIn) -> None:
    (consent,) = consents(stack)
    mark = Revocation(not_before=stack.clock.now() + 1)
    change(stack, consent_item_key(consent.sub, consent.client_id), marks=mark, version=consent.version + 1)


def _change_consent(**fields: Any) -> Callable[[Stack, SignIn], None]:
    def apply(stack: Stack, sign_in: SignIn) -> None:
        (consent,) = consents(stack)
        change(stack, consent_item_key(consent.sub, consent.client_id), **fields)

    return apply


def _change_subject(**fields: Any) -> Callable[[Stack, SignIn], None]:
    def apply(stack: Stack, sign_in: SignIn) -> None:
        change(stack, subject_item_key(subjects(stack)[0].sub), **fields)

    return apply


def _change_client(**fields: Any) -> Callable[[Stack, SignIn], None]:
    def apply(stack: Stack, sign_in: SignIn) -> None:
        change(stack, client_item_key(sign_in.client.client_id), **fields)

    return apply


BROKEN: dict[str, Callable[[Stack, SignIn], None]] = {
    "no session": lambda stack, sign_in: forget(sign_in.browser),
    "session over": lambda stack, sign_in: stack.clock.advance(12 * 3600),
    "salt replaced": _change_subject(session_salt=b"x" * 16),
    "subject disabled": _change_subject(marks=Revocation(disabled=True)),
    "subject marked": lambda stack, sign_in: _change_subject(marks=Revocation(not_before=stack.clock.now()))(
        stack, sign_in
    ),
    "epoch raised": lambda stack, sign_in: stack.restart(epoch=1),
    "consent marked": _mark_consent,
    "consent disabled": _change_consent(marks=Revocation(disabled=True)),
    "consent lacks a scope": _change_consent(scopes=frozenset({"openid"})),
    "consent lacks the redirect": _change_consent(redirect_hashes=frozenset({redirect_hash(OTHER)})),
    "consent of an older epoch": _change_consent(epoch=7),
    "client changed": _change_client(revision=2),
    "registered by itself": _change_client(registered_by="self"),
}


@requirement("CONS-01", "CONS-02", "CONS-08")
@pytest.mark.parametrize("name", BROKEN)
def test_one_condition_broken_shows_the_page_and_stores_nothing(stack: Stack, name: str) -> None:
    sign_in = prepared(stack)
    BROKEN[name](stack, sign_in)
    with only_written(stack):
        assert again(stack, sign_in) == "page"


@requirement("CONS-01")
@pytest.mark.parametrize(
    "new", [{"redirect_uri": OTHER}, {"scope": "openid profile demo:notes:read"}, {"resource": API},
            {"prompt": "consent"}, {"prompt": "select_account"}],
    ids=str,
)  # fmt: skip
def test_anything_new_shows_the_page(stack: Stack, new: dict[str, str]) -> None:
    sign_in = prepared(stack)
    with only_written(stack):
        assert again(stack, sign_in, **new) == "page"


@requirement("CONS-01")
def test_another_provider_shows_the_page(stack: Stack) -> None:
    add_provider(stack)
    client, _ = stack.client()
    sign_in = stack.sign_in(client, provider="demo", scope="openid")
    assert again(stack, sign_in, scope="openid", provider="demo") == "code"
    assert again(stack, sign_in, scope="openid", provider="oidc") == "page"


@requirement("CONS-01", "CONS-02")
def test_another_client_or_another_browser_shows_the_page(stack: Stack) -> None:
    sign_in = prepared(stack)
    other, _ = stack.client()
    assert again(stack, sign_in, stack.browser()) == "page"
    parameters = stack.authorize_parameters(other, scope="openid")
    assert shows(stack, stack.authorize(parameters, sign_in.browser)) == "page"


@requirement("CONS-02")
@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1/back", "com.example.app:/back"])
def test_a_public_client_without_an_https_redirect_always_shows_it(stack: Stack, redirect_uri: str) -> None:
    fields: dict[str, Any] = {"application_type": "native", "redirect_uris": (redirect_uri,)}
    public, _ = stack.client(**fields)
    confidential, secret = stack.client(**fields, token_endpoint_auth_method="client_secret_basic")
    for client, given, expected in ((public, None, 200), (confidential, secret, 303)):
        sign_in = stack.sign_in(client, given)
        answer = stack.authorize(stack.authorize_parameters(client), sign_in.browser)
        assert answer.status == expected


@requirement("CONS-02")
@pytest.mark.parametrize("fresh", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "60"}])
def test_a_fresh_login_is_a_trip_and_says_so_to_the_provider(stack: Stack, fresh: dict[str, str]) -> None:
    sign_in = prepared(stack)
    stack.clock.advance(120)
    answer = stack.authorize(stack.authorize_parameters(sign_in.client, scope="openid", **fresh), sign_in.browser)
    assert shows(stack, answer) == "trip"
    assert answer.answered.items() >= fresh.items()


@requirement("CONS-02")
@pytest.mark.parametrize(
    "change_of", [{"status": "reauth_required"}, {"status": "in_doubt"}, {"epoch": 9},
                  {"granted": frozenset({"openid"})}, {"sealed_refresh_token": b"", "access_expires_at": 1}],
    ids=str,
)  # fmt: skip
def test_a_connection_that_does_not_suffice_means_a_trip(stack: Stack, change_of: dict[str, Any]) -> None:
    sign_in = prepared(stack)
    (connection,) = connections(stack)
    change(stack, connection_item_key(connection.connection_id), **change_of)
    assert again(stack, sign_in) == "trip"


@requirement("CONS-02", "ACC-14")
def test_a_connection_that_was_ended_means_the_page(stack: Stack) -> None:
    sign_in = prepared(stack)
    (connection,) = connections(stack)
    change(stack, connection_item_key(connection.connection_id), status="revoked")
    assert again(stack, sign_in) == "page"


@requirement("CONS-02", "CB-02")
def test_another_account_that_comes_back_from_a_skipped_page_gets_nothing(stack: Stack) -> None:
    sign_in = prepared(stack)
    before = consents(stack), connections(stack), subjects(stack)
    parameters = stack.authorize_parameters(sign_in.client, scope="openid", prompt="login")
    url = stack.authorize(parameters, sign_in.browser).location
    session = sign_in.browser.cookies["tb_session"]
    with only_written(stack, "GRANT", "GRANT"):  # claimed, and ended
        answer = sign_in.browser.get(stack.provider.sign_in(url, "bob"))
    assert_page(answer, 403, says="That’s a different account")
    assert (consents(stack), connections(stack), subjects(stack)) == before
    assert sign_in.browser.cookies["tb_session"] == session
    url = stack.authorize({**parameters, "state": "2"}, sign_in.browser).location
    assert "code" in sign_in.browser.get(stack.provider.sign_in(url, "alice")).answered


@requirement("CONS-02")
def test_a_switch_thrown_between_cache_and_code_ends_the_shortcut(stack: Stack) -> None:
    sign_in = prepared(stack)
    assert again(stack, sign_in) == "code"
    stack.deployment.put(DEPLOYMENT, Deployment(marks=Revocation(disabled=True)))
    with only_written(stack):
        answer = stack.authorize(
            stack.authorize_parameters(sign_in.client, scope="openid demo:notes:read"), sign_in.browser
        )
    assert answer.header("location") is None and answer.location == ""


@requirement("CONS-01")
def test_each_new_port_of_a_loopback_redirect_adds_nothing_to_the_consent(stack: Stack) -> None:
    """A native app takes another port each time: the item must not grow with every sign-in."""
    client, secret = stack.client(
        application_type="native",
        redirect_uris=("http://127.0.0.1/back",),
        token_endpoint_auth_method="client_secret_basic",
    )
    browser = stack.browser()
    sign_in = stack.sign_in(client, secret, browser=browser, redirect_uri="http://127.0.0.1:50001/back")
    assert sign_in.answer.location.startswith("http://127.0.0.1:50001/back?")
    (before,) = consents(stack)
    for port in (50002, 50003):
        parameters = stack.authorize_parameters(client, redirect_uri=f"http://127.0.0.1:{port}/back")
        answer = stack.authorize(parameters, browser)
        assert answer.location.startswith(f"http://127.0.0.1:{port}/back?") and "code" in answer.answered
    assert consents(stack) == [before]
