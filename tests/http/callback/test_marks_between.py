"""What is switched off or changed between decision and callback: nothing that was decided before still validates."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.records.deployment import Deployment
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    client_item_key,
    consent_item_key,
    provider_item_key,
    subject_item_key,
)
from chalicelib.records.revocation import Revocation
from tests.kit.http.sign_in_scene import assert_page, change, connections, consents, grants, shows, subjects
from tests.kit.http.stack import SignIn, Stack
from tests.kit.requirement import requirement


def on_client(stack: Stack, sign_in: SignIn, marks: Revocation) -> None:
    change(stack, client_item_key(sign_in.client.client_id), marks=marks)


def on_provider(stack: Stack, sign_in: SignIn, marks: Revocation) -> None:
    change(stack, provider_item_key("demo"), marks=marks)


def on_deployment(stack: Stack, sign_in: SignIn, marks: Revocation) -> None:
    stack.deployment.put(DEPLOYMENT, Deployment(marks=marks))


def on_subject(stack: Stack, sign_in: SignIn, marks: Revocation) -> None:
    change(stack, subject_item_key(subjects(stack)[0].sub), marks=marks)


def on_consent(stack: Stack, sign_in: SignIn, marks: Revocation) -> None:
    (consent,) = consents(stack)
    change(stack, consent_item_key(consent.sub, consent.client_id), marks=marks, version=consent.version + 1)


SWITCHES = [on_client, on_provider, on_deployment, on_subject, on_consent]
Switch = Callable[[Stack, SignIn, Revocation], None]


def second_trip(stack: Stack) -> SignIn:
    """A user who has signed in before, back from the provider once more."""
    client, _ = stack.client()
    before = stack.sign_in(client)
    stack.clock.advance(20)
    parameters = stack.authorize_parameters(client, prompt="login")
    url = stack.authorize(parameters, before.browser).location
    before.callback = stack.provider.sign_in(url, "alice")
    return before


@requirement("OPS-02", "CONS-05")
@pytest.mark.parametrize("disabled", [True, False])
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_mark_between_decision_and_callback_ends_it(stack: Stack, switch: Switch, disabled: bool) -> None:
    sign_in = second_trip(stack)
    switch(stack, sign_in, Revocation(disabled=True) if disabled else Revocation(not_before=stack.clock.now() + 1))
    before = consents(stack), connections(stack), subjects(stack)
    answer = sign_in.browser.get(sign_in.callback)
    assert_page(answer, answer.status)
    assert answer.status in (400, 403)
    assert (consents(stack), connections(stack), subjects(stack)) == before
    assert sorted(grant.status for grant in grants(stack)) in (["issued"], ["issued", "revoked"])


@requirement("OPS-02")
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_mark_from_before_the_decision_ends_nothing(stack: Stack, switch: Switch) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    switch(stack, sign_in, Revocation(not_before=stack.clock.now() + 1))
    stack.clock.advance(10)
    again = stack.sign_in(client, browser=stack.browser())
    assert "code" in again.answer.answered


@requirement("OPS-02")
@pytest.mark.parametrize("switch", [on_client, on_provider, on_deployment])
def test_a_decision_with_the_mark_in_view_counts_at_once(stack: Stack, switch: Switch) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    mark = Revocation(not_before=stack.clock.now() + 10)
    switch(stack, sign_in, mark)
    stack.restart()
    again = stack.sign_in(client, browser=stack.browser())
    assert "code" in again.answer.answered, again.answer.body[-600:]
    tokens = stack.redeem(again).json
    stack.clock.advance(1)
    assert stack.userinfo(tokens["access_token"]).status == 200
    assert stack.refresh(again, tokens["refresh_token"]).status == 200


@requirement("CONS-08")
@pytest.mark.parametrize("changed", [{"revision": 2}, {"expires_at": 1}])
def test_a_client_changed_on_the_way_gets_nothing(stack: Stack, changed: dict[str, Any]) -> None:
    client, _ = stack.client()
    sign_in = stack.to_callback(client)
    change(stack, client_item_key(client.client_id), **changed)
    assert_page(sign_in.browser.get(sign_in.callback), 403)
    assert (subjects(stack), consents(stack), connections(stack)) == ([], [], [])


@requirement("CONS-05", "TOK-07")
@pytest.mark.parametrize("place", ["client", "provider"])
def test_a_client_or_provider_deleted_on_the_way_gets_nothing(stack: Stack, place: str) -> None:
    client, _ = stack.client()
    sign_in = stack.to_callback(client)
    gone: Any = client_item_key(client.client_id) if place == "client" else provider_item_key("demo")
    assert stack.deployment.delete(gone)
    answer = sign_in.browser.get(sign_in.callback)
    assert_page(answer, answer.status)
    assert (subjects(stack), consents(stack), connections(stack)) == ([], [], [])


@requirement("OPS-02", "CB-12")
def test_a_connection_that_a_mark_has_voided_is_replaced_by_a_new_sign_in(stack: Stack) -> None:
    """Its stored set may be wider: kept as it is it would be refused at every hand-out."""
    client, _ = stack.client(scopes=frozenset(["openid", "offline_access", "demo:notes:read", "demo:notes:write"]))
    scope = "openid demo:notes:read"
    stack.sign_in(client, scope=scope + " demo:notes:write")
    change(stack, provider_item_key("demo"), marks=Revocation(not_before=stack.clock.now() + 10))
    stack.clock.advance(20)
    again = stack.sign_in(client, scope=scope, browser=stack.browser())
    handed = stack.exchange(again, stack.redeem(again).json["access_token"])
    assert handed.status == 200, handed.body


@requirement("OPS-02", "CONS-02")
@pytest.mark.parametrize("switch", [on_client, on_provider, on_consent])
def test_a_mark_that_voids_the_connection_means_another_trip(stack: Stack, switch: Switch) -> None:
    """A code without a trip would carry a connection that every hand-out refuses."""
    client, _ = stack.client(registered_by="self")
    sign_in = stack.sign_in(client)
    switch(stack, sign_in, Revocation(not_before=stack.clock.now() + 10))
    stack.clock.advance(20)
    page = stack.authorize(stack.authorize_parameters(client), sign_in.browser)
    left = stack.decide(sign_in.browser, page, provider="demo")
    assert left.location.startswith(stack.provider.url)
    assert "code" in sign_in.browser.get(stack.provider.sign_in(left.location)).answered


@requirement("OPS-02", "CONS-02", "AUTHZ-14")
@pytest.mark.parametrize("switch", [on_deployment, on_provider, on_subject])
def test_a_mark_ends_the_browser_sessions_from_before_it(stack: Stack, switch: Switch) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    switch(stack, sign_in, Revocation(not_before=stack.clock.now() + 10))
    stack.clock.advance(20)
    silent = stack.authorize(stack.authorize_parameters(client, prompt="none"), sign_in.browser)
    assert silent.answered["error"] == "login_required"
    page = stack.authorize(stack.authorize_parameters(client), sign_in.browser)
    assert shows(stack, page) == "page" and "Signed in on this browser" not in page.body


@requirement("OPS-02", "CONS-01")
@pytest.mark.parametrize("switch", [on_client, on_consent])
def test_a_consent_that_a_mark_has_voided_begins_anew(stack: Stack, switch: Switch) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    switch(stack, sign_in, Revocation(not_before=stack.clock.now() + 10))
    stack.clock.advance(20)
    parameters = stack.authorize_parameters(client, scope="openid")
    page = stack.authorize(parameters, sign_in.browser)
    assert shows(stack, page) == "page"
    left = stack.decide(sign_in.browser, page, provider="demo")
    assert "code" in sign_in.browser.get(stack.provider.sign_in(left.location)).answered
    assert [consent.scopes for consent in consents(stack)] == [{"openid"}]
    assert shows(stack, stack.authorize(parameters, sign_in.browser)) == "code"
    wide = stack.authorize_parameters(client)
    assert shows(stack, stack.authorize(wide, sign_in.browser)) == "page"
