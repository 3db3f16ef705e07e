"""Keeping what a provider written by others gave: it rotates refresh tokens, and reuse of one ends all of them."""

import json
from concurrent.futures import ThreadPoolExecutor

import requests

from chalicelib.records.item_keys import provider_item_key
from tests.interop.oracles.provider_sign_in import as_ada, as_carol, get_api, introduce, sign_in
from tests.interop.oracles.stored_tokens import SCOPE, connection_of, later, tokens_at
from tests.interop.oracles.toolkit import SECRET
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

CALLERS = 8


@requirement("VLT-07", "F15")
def test_many_callers_are_one_refresh_there_and_the_line_lives_on(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", SCOPE, as_ada)
    assert tokens_at(url) == {"refresh_tokens": 1, "living_refresh_tokens": 1, "access_token_check": 1}
    for round_number in (2, 3):
        tokens = later(stack, way, tokens)
        ours = [tokens["access_token"]] * CALLERS
        with ThreadPoolExecutor(CALLERS) as pool:
            answers = list(pool.map(lambda token: stack.exchange(way, token, audience="toolkit"), ours))
        assert [answer.status for answer in answers] == [200] * CALLERS, [answer.body for answer in answers]
        assert tokens_at(url)["refresh_tokens"] == round_number
        assert tokens_at(url)["living_refresh_tokens"] == 1
        handed = stack.exchange(way, ours[0], audience="toolkit").json["access_token"]
        assert get_api(f"{url}/api/tasks", handed)["tasks"]


@requirement("VLT-08")
def test_reuse_there_ends_everything_and_the_app_is_told_to_ask_the_user(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", SCOPE, as_ada)
    connection_id = stack.exchange(way, tokens["access_token"], audience="toolkit").json["connection_id"]
    _, spent = connection_of(stack, connection_id)
    tokens = later(stack, way, tokens)
    assert stack.exchange(way, tokens["access_token"], audience="toolkit").status == 200
    us = stack.broker.store.read(provider_item_key("toolkit")).get(provider_item_key("toolkit"))
    assert us is not None
    form = {"grant_type": "refresh_token", "refresh_token": spent, "client_id": us.client_id, "client_secret": SECRET}
    thief = requests.post(f"{url}/o/token/", data=form, timeout=10)
    assert (thief.status_code, thief.json()["error"]) == (400, "invalid_grant")
    assert tokens_at(url)["living_refresh_tokens"] == 0
    tokens = later(stack, way, tokens)
    refused = stack.exchange(way, tokens["access_token"], audience="toolkit")
    assert (refused.status, refused.json["error"], refused.json["reason"]) == (400, "invalid_grant", "reauth_required")
    assert spent not in json.dumps(refused.json)


@requirement("CB-12", "VLT-07")
def test_oidc_provider_mock_is_refreshed_too(stack: Stack, openid_mock: str) -> None:
    introduce(stack, "oidc", openid_mock, "localhost")
    way, tokens = sign_in(stack, "oidc", "openid offline_access oidc:profile", as_carol)
    first = stack.exchange(way, tokens["access_token"], audience="oidc").json
    tokens = later(stack, way, tokens, first["expires_in"] - 30)
    second = stack.exchange(way, tokens["access_token"], audience="oidc").json
    assert second["access_token"] != first["access_token"] and second["expires_in"] > 30
    assert get_api(f"{openid_mock}/userinfo", second["access_token"])["sub"] == "carol"
