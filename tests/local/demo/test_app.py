"""The demo app in Chromium, with a broker played by the test: what it accepts, and what it throws away."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Page, expect

from chalicelib.protocol.pkce import s256
from tests.local.demo.played import ISSUER, TOKENS, PlayedBroker, sign_in


def test_a_sign_in_is_proven_with_pkce_and_leaves_nothing_behind(page: Page, broker: PlayedBroker, server: Any) -> None:
    sign_in(page)
    expect(page.locator("#account-name")).to_have_text("<b>Alice</b>")
    form = broker.forms[0]
    assert s256(form["code_verifier"]) == broker.asked["code_challenge"]
    assert form["code"] == "C" * 40 and form["redirect_uri"] == f"{server.url}/callback"
    assert page.url == f"{server.url}/"
    assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]


def test_the_provider_is_called_with_the_handed_out_token(page: Page, broker: PlayedBroker) -> None:
    sign_in(page)
    with page.expect_request(f"{ISSUER}/api/notes") as call:
        page.locator("[data-action=hand-out]:enabled").click()
    assert call.value.headers["authorization"] == "Bearer " + "P" * 40
    expect(page.locator(".answer li")).to_have_text("<img src=x> milk")
    assert broker.forms[1]["audience"] == "demo" and broker.forms[1]["subject_token"] == TOKENS["access_token"]
    for token in ("A" * 40, "R" * 40, "P" * 40):
        assert token not in page.content()


@pytest.mark.parametrize(
    ("twist", "title"),
    [
        ({"state": "other"}, "This answer was not asked for"),
        ({"iss": "https://evil.example"}, "The wrong broker answered"),
        ({"error": "access_denied"}, "You said no"),
        ({"error": "access_denied", "state": "other"}, "This answer was not asked for"),
    ],
)
def test_an_answer_that_does_not_fit_is_thrown_away(
    page: Page, broker: PlayedBroker, twist: dict[str, str], title: str
) -> None:
    broker.twist = twist
    sign_in(page)
    expect(page.locator("#problem h2")).to_have_text(title)
    failed = "step-3" if title == "You said no" else "step-6"
    expect(page.locator("#timeline .failed")).to_have_id(failed)
    assert broker.forms == []
    expect(page.locator("#sign-in")).to_be_enabled()


@pytest.mark.parametrize(
    "claims", [{"nonce": "other"}, {"aud": "another-app"}, {"iss": "https://evil.example"}, {"exp": 1}]
)
def test_an_id_token_for_somebody_else_is_thrown_away(
    page: Page, broker: PlayedBroker, claims: dict[str, object]
) -> None:
    broker.claims = claims
    sign_in(page)
    expect(page.locator("#problem h2")).to_have_text("The ID token cannot be trusted")
    expect(page.locator("#account")).to_be_hidden()


def test_an_id_token_under_another_key_is_thrown_away(page: Page, broker: PlayedBroker) -> None:
    broker.key = ec.generate_private_key(ec.SECP256R1())
    sign_in(page)
    expect(page.locator("#problem h2")).to_have_text("The ID token cannot be trusted")


def test_a_refused_hand_out_says_what_is_missing_and_what_to_do(page: Page, broker: PlayedBroker) -> None:
    broker.exchange = (
        400,
        {"error": "invalid_scope", "reason": "connected_with_less", "missing_scopes": ["notes:read"]},
    )
    sign_in(page)
    page.locator("[data-action=hand-out]:enabled").click()
    expect(page.locator(".card .todo")).to_have_text("Sign in again and allow the access that this needs.")
    expect(page.locator(".card .detail")).to_contain_text("notes:read")
