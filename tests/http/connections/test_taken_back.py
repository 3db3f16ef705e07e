"""After access was taken back the provider asks too, and the list says what whoever asks would find."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.records.item_keys import connection_item_key
from tests.kit.http.browser import Answer, request
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, change, read, start_session
from tests.kit.requirement import requirement


def call(session: Session, method: str, path: str = "/connections") -> Answer:
    return request(session.stack.netloc, method, path, headers={"Authorization": f"Bearer {session.access}"})


def end(session: Session) -> Answer:
    return call(session, "DELETE", f"/connections/{session.claims['connections']['demo']}")


def prompt_of(stack: Stack, session: Session, *, other_browser: bool = False, **asked: str) -> list[str]:
    """What the provider is told to ask when this user signs in again."""
    browser = stack.browser() if other_browser else session.sign_in.browser
    parameters = stack.authorize_parameters(session.client, **{"provider": "demo", **asked})
    answer = stack.authorize(parameters, browser)
    if answer.status == 200:
        answer = stack.decide(browser, answer)
    return parse_qs(urlsplit(answer.location).query).get("prompt", [])


@requirement("CONS-07")
@pytest.mark.parametrize("taken", ["one", "all"])
def test_the_next_sign_in_has_the_provider_ask_too(stack: Stack, taken: str) -> None:
    session = start_session(stack, **CONFIDENTIAL)
    assert prompt_of(stack, session, prompt="login") == ["login"]
    assert (end(session) if taken == "one" else call(session, "DELETE")).status == 200
    stack.clock.advance(2)
    assert prompt_of(stack, session) == ["consent"]
    assert prompt_of(stack, session, prompt="login") == ["login"], "what an app wants for safety goes before"
    assert prompt_of(stack, session, other_browser=True) == [], "nobody knows who that is"


@requirement("CONS-07")
def test_an_app_whose_page_is_skipped_has_the_provider_ask_all_the_more(stack: Stack) -> None:
    session = start_session(stack, first_party=True, **CONFIDENTIAL)
    end(session)
    stack.clock.advance(2)
    assert prompt_of(stack, session) == ["consent"]


@requirement("CONS-07")
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "active"),
        ({"access_expires_at": 1}, "active"),
        ({"access_expires_at": 1, "sealed_refresh_token": b""}, "reauth_required"),
        ({"epoch": 7}, "in_doubt"),
        ({"epoch": 7, "sealed_refresh_token": b""}, "reauth_required"),
        ({"status": "in_doubt"}, "in_doubt"),
        ({"status": "partial"}, "partial"),
        ({"status": "reauth_required"}, "reauth_required"),
    ],
    ids=str,
)
def test_the_list_says_what_who_asks_would_find(stack: Stack, changed: dict[str, Any], told: str) -> None:
    session = start_session(stack)
    change(stack, session.connection_place(), **changed)
    (one,) = call(session, "GET").json["connections"]
    assert one["status"] == told
    if told == "reauth_required":
        assert session.exchange().json["reason"] == told


@requirement("CONS-07")
def test_when_the_user_has_to_sign_in_again_is_named(stack: Stack) -> None:
    session = start_session(stack)
    stack.provider.faults.drop_refresh_token = True
    again = start_session(stack, client=(session.client, None), who="bob")
    kept = read(stack, connection_item_key(again.claims["connections"]["demo"]))
    (one,) = call(again, "GET").json["connections"]
    assert one["reauth_by"] == one["access_expires_at"] == kept.access_expires_at
    assert "reauth_by" not in call(session, "GET").json["connections"][0], "the demo provider's tokens renew for ever"
