"""An operator's own app: no second consent, where the operator says so and within what it allows (CONS-02)."""

from typing import Any

import pytest

from chalicelib.records.client import Client
from tests.kit.http.sign_in_scene import assert_nothing_came_of_it, assert_page, consents, shows
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.requirement import requirement


@requirement("CONS-02")
def test_a_first_party_client_goes_straight_to_its_named_provider(stack: Stack) -> None:
    client, _ = stack.client(first_party=True)
    browser = stack.browser()
    answer = stack.authorize(stack.authorize_parameters(client, provider="demo"), browser)
    assert shows(stack, answer) == "trip"
    assert browser.get(stack.provider.sign_in(answer.location, "bob")).answered["code"]
    assert [consent.scopes for consent in consents(stack)] == [frozenset(SCOPE.split())]


@requirement("CONS-02")
@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"first_party": False}, {"provider": "demo"}),
        ({}, {}),
        ({"registered_by": "self"}, {"provider": "demo"}),
        ({}, {"provider": "demo", "prompt": "consent"}),
        ({"redirect_uris": ("com.example.app:/back",), "application_type": "native"}, {"provider": "demo"}),
        ({"redirect_uris": ("http://127.0.0.1/back",), "application_type": "native"}, {"provider": "demo"}),
    ],
    ids=str,
)
def test_a_first_party_client_with_one_condition_broken_shows_the_page(
    stack: Stack, fields: dict[str, Any], asked: dict[str, str]
) -> None:
    client: Client
    client, _ = stack.client(**{"first_party": True, **fields})
    assert shows(stack, stack.authorize(stack.authorize_parameters(client, **asked))) == "page"


@requirement("CONS-02")
def test_a_first_party_client_is_bound_to_the_browser_too(stack: Stack) -> None:
    client, _ = stack.client(first_party=True)
    url = stack.authorize(stack.authorize_parameters(client, provider="demo"), stack.browser()).location
    answer = stack.browser().get(stack.provider.sign_in(url))
    assert_page(answer, answer.status)
    assert_nothing_came_of_it(stack, answer)
