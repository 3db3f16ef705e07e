"""Authentication contexts: told by the third party, passed on as it said them, and reached where they have to be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.kit.http.browser import Answer
from tests.kit.http.device import start_device
from tests.kit.http.sign_in_scene import assert_told, grants
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import id_token
from tests.kit.requirement import requirement

ONE, TWO = "urn:demo:one", "urn:demo:two"


def demand(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": list(values)}}})


@pytest.fixture
def silent(make_stack: Callable[..., Stack], tmp_path: Path) -> Stack:
    """The demo provider says the same, but no file vouches for it."""
    text = Path("local/providers/demo.toml").read_text()
    (tmp_path / "demo.toml").write_text(text.replace("acr = true\n", ""))
    return make_stack(provider_dirs=("local/providers", str(tmp_path)))


def sent(stack: Stack, **asked: str) -> dict[str, list[str]]:
    """What the provider is asked for."""
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(stack.client()[0], **asked), browser)
    return parse_qs(urlsplit(stack.decide(browser, page, provider="demo").location).query)


@requirement("OIDC-03", "META-02")
def test_a_wish_goes_to_the_provider_and_what_it_says_stands_in_the_id_token(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client, acr_values=f"{TWO} {ONE}", scope="openid offline_access")
    tokens = stack.redeem(sign_in)
    assert id_token(tokens)["acr"] == TWO
    assert id_token(stack.refresh(sign_in, tokens.json["refresh_token"]))["acr"] == TWO
    assert "acr" in stack.get("/.well-known/openid-configuration").json["claims_supported"]
    stack.provider.faults.acr = ONE
    assert id_token(stack.redeem(stack.sign_in(client, acr_values=TWO)))["acr"] == ONE
    stack.provider.faults.acr = ""
    assert "acr" not in id_token(stack.redeem(stack.sign_in(client)))


@requirement("OIDC-03")
def test_what_has_to_be_is_asked_for_in_the_place_of_what_is_wished(stack: Stack) -> None:
    assert sent(stack, acr_values=ONE, claims=demand(TWO, ONE))["acr_values"] == [f"{TWO} {ONE}"]
    wished = json.dumps({"id_token": {"acr": {"values": [TWO]}}})
    assert sent(stack, claims=wished)["acr_values"] == [TWO]
    assert sent(stack, acr_values=ONE, claims=wished)["acr_values"] == [ONE]
    client, _ = stack.client()
    assert id_token(stack.redeem(stack.sign_in(client, claims=demand(TWO, ONE))))["acr"] == TWO


@requirement("OIDC-03")
@pytest.mark.parametrize("says", ["another", "none"])
def test_a_context_that_has_to_be_and_is_not_reached_leaves_nothing(stack: Stack, says: str) -> None:
    client, _ = stack.client()
    stack.provider.faults.acr = ONE if says == "another" else "no word"
    way = stack.to_callback(client, claims=demand(TWO), state="s")
    back = way.browser.get(way.callback)
    assert_told(back, "unmet_authentication_requirements", state="s", iss=stack.settings.issuer)
    assert [grant.status for grant in grants(stack)] == ["revoked"]


@requirement("OIDC-03")
def test_a_session_of_another_context_is_not_used(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    stack.redeem(stack.sign_in(client, browser=browser, acr_values=ONE))

    def again(**asked: Any) -> Answer:
        return stack.authorize(stack.authorize_parameters(client, state="s", **asked), browser)

    assert "code=" in again(claims=demand(ONE, TWO)).location
    assert "code=" in again(acr_values=f"{TWO} {ONE}").location
    assert "code=" in again(acr_values=TWO, prompt="none").location, "a wish is no reason to fail"
    assert_told(again(claims=demand(TWO), prompt="none"), "login_required", state="s", iss=stack.settings.issuer)
    assert again(acr_values=TWO).location.startswith(stack.provider.url)
    trip = again(claims=demand(TWO)).location
    assert "code=" in browser.get(stack.provider.sign_in(trip, "alice")).location
    assert "code=" in again(claims=demand(TWO)).location


@requirement("OIDC-03")
def test_a_context_that_nobody_tells_is_refused_before_anybody_signs_in(silent: Stack) -> None:
    client, _ = silent.client()
    for named in ({}, {"provider": "demo"}):
        answer = silent.authorize(silent.authorize_parameters(client, state="s", claims=demand(TWO), **named))
        assert_told(answer, "unmet_authentication_requirements", state="s", iss=silent.settings.issuer)


@requirement("OIDC-03")
def test_a_context_is_told_only_where_the_file_says_that_it_is(silent: Stack) -> None:
    client, _ = silent.client()
    silent.provider.faults.acr = TWO
    assert "acr" not in id_token(silent.redeem(silent.sign_in(client, acr_values=TWO)))


@requirement("OIDC-03", "DEV-01")
def test_a_device_learns_the_context_too(stack: Stack) -> None:
    stack.provider.faults.acr = ONE
    device = start_device(stack)
    device.approve()
    assert id_token(device.poll())["acr"] == ONE
