"""Providers written by others: the broker signs in with them, and what it hands out opens their API."""

import requests

from tests.interop.oracles.provider_sign_in import as_ada, as_carol, get_api, introduce, sign_in
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement


@requirement("CB-07", "CB-08", "META-01")
def test_oidc_provider_mock_needs_nothing_but_its_issuer(stack: Stack, openid_mock: str) -> None:
    introduce(stack, "oidc", openid_mock, "localhost")
    way, tokens = sign_in(stack, "oidc", "openid profile email offline_access oidc:profile", as_carol)
    profile = stack.userinfo(tokens["access_token"]).json
    assert profile["name"] == "Carol Mock"
    assert (profile["email"], profile["email_verified"]) == ("carol@mock.example", True)
    handed = stack.exchange(way, tokens["access_token"], audience="oidc")
    assert handed.status == 200, handed.body
    theirs = get_api(f"{openid_mock}/userinfo", handed.json["access_token"])
    assert theirs["sub"] == "carol" and theirs["name"] == "Carol Mock"
    again = stack.refresh(way, tokens["refresh_token"]).json
    assert stack.userinfo(again["access_token"]).json["sub"] == profile["sub"] != "carol"


@requirement("CB-09")
def test_the_mocks_user_has_one_sub_with_us_at_every_sign_in(stack: Stack, openid_mock: str) -> None:
    introduce(stack, "oidc", openid_mock, "localhost")
    subs = set()
    for _ in range(2):
        _, tokens = sign_in(stack, "oidc", "openid profile", as_carol)
        subs.add(stack.userinfo(tokens["access_token"]).json["sub"])
    assert len(subs) == 1


@requirement("CB-07", "CB-09", "VLT-02")
def test_django_oauth_toolkit_as_a_plain_oauth_provider(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", "openid profile email offline_access toolkit:tasks", as_ada)
    profile = stack.userinfo(tokens["access_token"]).json
    assert profile["name"] == "Ada Lovelace" and profile["preferred_username"] == "ada"
    assert (profile["email"], profile["email_verified"]) == ("ada@toolkit.example", False)
    handed = stack.exchange(way, tokens["access_token"], audience="toolkit")
    assert handed.status == 200, handed.body
    assert set(handed.json["scope"].split()) == {"account", "tasks"} and "refresh_token" not in handed.json
    assert get_api(f"{url}/api/tasks", handed.json["access_token"])["tasks"]
    assert get_api(f"{url}/api/account", handed.json["access_token"])["user"]["login"] == "ada"


@requirement("CB-11", "VLT-10")
def test_the_toolkits_token_opens_no_more_than_was_asked_for(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", "openid toolkit:account", as_ada)
    handed = stack.exchange(way, tokens["access_token"], audience="toolkit").json
    assert handed["scope"] == "account"
    bearer = {"Authorization": f"Bearer {handed['access_token']}"}
    assert requests.get(f"{url}/api/tasks", headers=bearer, timeout=10).status_code == 403
