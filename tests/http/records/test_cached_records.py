"""What a warm process may still believe for 10 s, and what it never may (GEN-16)."""

import base64

import pytest

from chalicelib.records.client import Client
from chalicelib.records.item_keys import DEPLOYMENT, client_item_key, provider_item_key
from chalicelib.records.revocation import Revocation
from cli.deployment.operations import delete_client, rotate_client_secret
from tests.kit.http.browser import FORM, request
from tests.kit.http.stack import APP, Stack
from tests.kit.http.tokens import CONFIDENTIAL, change, disable_client, refusal, start_session
from tests.kit.requirement import requirement

ITSELF = {**CONFIDENTIAL, "grant_types": frozenset({"client_credentials"})}


@requirement("GEN-16")
def test_a_provider_that_is_switched_on_is_used_at_once_by_whoever_is_sent_to_it(stack: Stack) -> None:
    client, _ = stack.client()
    stack.deployment.delete(provider_item_key("demo"))
    assert stack.authorize(stack.authorize_parameters(client)).status == 303
    stack.register_provider()
    page = stack.authorize(stack.authorize_parameters(client, provider="demo"))
    assert page.status == 200


@requirement("GEN-16")
def test_a_page_of_one_process_is_decided_in_another_that_knows_an_older_state(stack: Stack) -> None:
    client, _ = stack.client()
    stack.deployment.delete(provider_item_key("demo"))
    stale = stack.broker
    stack.get("/.well-known/openid-configuration")
    stack.authorize(stack.authorize_parameters(client))
    stack.register_provider()
    change(stack, client_item_key(client.client_id), revision=2)
    stack.restart()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), browser)
    assert page.status == 200
    stack.broker = stale
    assert stack.decide(browser, page, provider="demo").location.startswith(stack.provider.url)


@requirement("GEN-16")
def test_a_registration_that_was_widened_counts_at_once(stack: Stack) -> None:
    client, _ = stack.client()
    assert stack.authorize(stack.authorize_parameters(client)).status == 200
    other = APP + "/second"
    change(stack, client_item_key(client.client_id), redirect_uris=(APP, other))
    assert stack.authorize(stack.authorize_parameters(client, redirect_uri=other)).status == 200


@requirement("TOK-07")
def test_a_disabled_client_gets_nothing_from_ten_seconds_on(stack: Stack) -> None:
    client, secret = stack.client(**ITSELF)
    assert stack.token(client, secret, grant_type="client_credentials").status == 200
    disable_client(stack, client)
    stack.clock.advance(9)
    assert stack.token(client, secret, grant_type="client_credentials").status == 200
    stack.clock.advance(1)
    assert refusal(stack.token(client, secret, grant_type="client_credentials")) == (401, "invalid_client")


@requirement("TOK-07")
@pytest.mark.parametrize("how", ["disabled", "deleted", "expired"])
def test_a_client_that_is_over_redeems_no_code_after_ten_seconds_and_refreshes_nothing_at_once(
    stack: Stack, how: str
) -> None:
    session = start_session(stack)
    second = stack.sign_in(session.client)
    if how == "disabled":
        disable_client(stack, session.client)
    elif how == "deleted":
        delete_client(stack.deployment, session.client.client_id)
    else:
        change(stack, client_item_key(session.client.client_id), expires_at=stack.clock.now())
    assert refusal(session.refresh()) == (401, "invalid_client")
    assert session.grant().status == "revoked"
    assert session.userinfo().status == 401
    stack.clock.advance(10)
    assert refusal(stack.redeem(second)) == (401, "invalid_client")


@requirement("TOK-07", "OPS-02")
def test_the_switch_for_everything_stops_issuing_within_ten_seconds(stack: Stack) -> None:
    client, secret = stack.client(**ITSELF)
    assert stack.token(client, secret, grant_type="client_credentials").status == 200
    change(stack, DEPLOYMENT, marks=Revocation(disabled=True))
    stack.clock.advance(10)
    assert refusal(stack.token(client, secret, grant_type="client_credentials")) == (401, "invalid_client")


@requirement("TOK-04")
def test_two_secrets_live_during_a_rotation_and_then_one(stack: Stack) -> None:
    client, old = stack.client(**ITSELF)
    assert stack.token(client, old, grant_type="client_credentials").status == 200
    changed, new = rotate_client_secret(stack.deployment, client.client_id, overlap_seconds=100)
    for secret in (old, new, old):
        assert stack.token(client, secret, grant_type="client_credentials").status == 200
    stack.clock.advance(101)
    assert stack.token(client, new, grant_type="client_credentials").status == 200
    assert refusal(stack.token(client, old, grant_type="client_credentials")) == (401, "invalid_client")
    assert len(changed.secrets) == 2


@requirement("TOK-04")
def test_a_stolen_secret_can_be_ended_at_once(stack: Stack) -> None:
    client, old = stack.client(**ITSELF)
    stack.token(client, old, grant_type="client_credentials")
    rotate_client_secret(stack.deployment, client.client_id, overlap_seconds=0)
    stack.clock.advance(10)
    assert refusal(stack.token(client, old, grant_type="client_credentials")) == (401, "invalid_client")


@requirement("TOK-04")
def test_from_the_limit_on_only_what_is_wrong_is_told_to_wait(stack: Stack) -> None:
    client, secret = stack.client(**ITSELF)
    for _ in range(stack.settings.failed_authentications_per_address):
        assert attempt(stack, client, "0" * 64) == 401
    assert attempt(stack, client, "0" * 64) == 429
    assert attempt(stack, client, secret or "") == 200


def attempt(stack: Stack, client: Client, secret: str) -> int:
    pair = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    headers = {"Content-Type": FORM, "Authorization": f"Basic {pair}"}
    return request(stack.netloc, "POST", "/token", body="grant_type=client_credentials", headers=headers).status
