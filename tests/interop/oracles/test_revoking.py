"""Taking back what a provider written by others gave: what we say became of it is held against what they say."""

from typing import Any

import requests

from chalicelib.records.item_keys import provider_item_key
from chalicelib.upstream.client_authentication import basic
from tests.interop.oracles.provider_sign_in import as_ada, as_carol, get_api, introduce, sign_in
from tests.interop.oracles.stored_tokens import SCOPE, connection_of, later, tokens_at
from tests.interop.oracles.toolkit import SECRET
from tests.kit.http.browser import Answer, request
from tests.kit.http.stack import SignIn, Stack
from tests.kit.requirement import requirement


def end(stack: Stack, access_token: str, connection_id: str) -> Answer:
    """DELETE /connections/{connection_id}, as the app."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return request(stack.netloc, "DELETE", f"/connections/{connection_id}", headers=headers)


def introspect(stack: Stack, url: str, token: str) -> bool:
    """What the toolkit itself says of a token (RFC 7662)."""
    headers = {"Authorization": basic(us_at(stack), SECRET)}
    answer = requests.post(f"{url}/o/introspect/", data={"token": token}, headers=headers, timeout=10)
    assert answer.status_code == 200, (answer.status_code, answer.text)
    return bool(answer.json()["active"])


def us_at(stack: Stack) -> str:
    """Our client_id there."""
    record = stack.broker.store.read(provider_item_key("toolkit")).get(provider_item_key("toolkit"))
    assert record is not None
    return record.client_id


def use_there(stack: Stack, url: str, refresh_token: str) -> requests.Response:
    """A refresh at the toolkit with a token that somebody has got hold of."""
    credentials = {"client_id": us_at(stack), "client_secret": SECRET}
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **credentials}
    return requests.post(f"{url}/o/token/", data=form, timeout=10)


def status_of(url: str, token: str) -> int:
    """An API's answer to a token."""
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


def exchange(stack: Stack, way: SignIn, tokens: dict[str, Any], audience: str) -> dict[str, Any]:
    """What we hand out."""
    answer = stack.exchange(way, tokens["access_token"], audience=audience)
    assert answer.status == 200, answer.body
    return answer.json


@requirement("VLT-07", "CONS-07")
def test_what_we_call_revoked_is_dead_by_the_toolkits_own_word(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", SCOPE, as_ada)
    handed = exchange(stack, way, tokens, "toolkit")
    _, refresh_token = connection_of(stack, handed["connection_id"])
    assert introspect(stack, url, handed["access_token"])
    answer = end(stack, tokens["access_token"], handed["connection_id"]).json
    assert (answer["status"], answer["at_provider"]) == ("revoked", "revoked")
    assert {row["token"]: row["result"] for row in answer["tokens"]} == {
        "refresh_token": "revoked",
        "access_token": "revoked",
    }
    assert not introspect(stack, url, handed["access_token"])
    assert status_of(f"{url}/api/tasks", handed["access_token"]) == 403
    assert tokens_at(url) == {"refresh_tokens": 1, "living_refresh_tokens": 0, "access_token_check": 0}
    thief = use_there(stack, url, refresh_token)
    assert (thief.status_code, thief.json()["error"]) == (400, "invalid_grant")
    assert tokens_at(url)["living_refresh_tokens"] == 0
    refused = stack.exchange(way, tokens["access_token"], audience="toolkit")
    assert (refused.json["error"], refused.json["reason"]) == ("invalid_target", "not_connected")


@requirement("VLT-07", "CONS-07")
def test_after_a_refresh_neither_the_new_line_nor_the_old_token_lives_on(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", SCOPE, as_ada)
    first = exchange(stack, way, tokens, "toolkit")
    _, spent = connection_of(stack, first["connection_id"])
    tokens = later(stack, way, tokens)
    second = exchange(stack, way, tokens, "toolkit")
    _, newest = connection_of(stack, first["connection_id"])
    assert newest != spent and tokens_at(url)["living_refresh_tokens"] == 1
    answer = end(stack, tokens["access_token"], first["connection_id"]).json
    assert answer["at_provider"] == "revoked", answer
    for token in (first["access_token"], second["access_token"]):
        assert not introspect(stack, url, token)
    for token in (spent, newest):
        assert use_there(stack, url, token).json()["error"] == "invalid_grant"
    assert (tokens_at(url)["living_refresh_tokens"], tokens_at(url)["access_token_check"]) == (0, 0)


@requirement("VLT-01", "CONS-07")
def test_the_same_users_other_app_keeps_its_access_there(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", SCOPE, as_ada)
    other_way, other_tokens = sign_in(stack, "toolkit", SCOPE, as_ada)
    handed = exchange(stack, way, tokens, "toolkit")
    others = exchange(stack, other_way, other_tokens, "toolkit")
    assert end(stack, tokens["access_token"], handed["connection_id"]).json["at_provider"] == "revoked"
    assert not introspect(stack, url, handed["access_token"])
    assert get_api(f"{url}/api/tasks", others["access_token"])["tasks"]
    other_tokens = later(stack, other_way, other_tokens)
    renewed = exchange(stack, other_way, other_tokens, "toolkit")["access_token"]
    assert renewed != others["access_token"] and get_api(f"{url}/api/tasks", renewed)["tasks"]


@requirement("CONS-07", "CONS-01")
def test_signing_in_again_at_the_toolkit_begins_a_new_line(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", SCOPE, as_ada)
    first = exchange(stack, way, tokens, "toolkit")
    end(stack, tokens["access_token"], first["connection_id"])
    stack.clock.advance(2)
    again, new_tokens = sign_in(stack, "toolkit", SCOPE, as_ada)
    second = exchange(stack, again, new_tokens, "toolkit")
    assert introspect(stack, url, second["access_token"]) and not introspect(stack, url, first["access_token"])
    assert tokens_at(url)["living_refresh_tokens"] == 1


@requirement("CONS-07", "VLT-07")
def test_the_mock_revokes_nothing_and_we_do_not_say_that_it_did(stack: Stack, openid_mock: str) -> None:
    """oidc-provider-mock has no revocation endpoint (RFC 7009) in its metadata, and none at all."""
    metadata = requests.get(f"{openid_mock}/.well-known/openid-configuration", timeout=10).json()
    assert "revocation_endpoint" not in metadata and "introspection_endpoint" not in metadata
    introduce(stack, "oidc", openid_mock, "localhost")
    way, tokens = sign_in(stack, "oidc", "openid offline_access oidc:profile", as_carol)
    handed = exchange(stack, way, tokens, "oidc")
    answer = end(stack, tokens["access_token"], handed["connection_id"]).json
    assert (answer["status"], answer["at_provider"]) == ("revoked", "not_supported")
    assert {row["result"] for row in answer["tokens"]} == {"not_supported"}
    assert status_of(f"{openid_mock}/userinfo", handed["access_token"]) == 200, "it lives on there, as we said"
    refused = stack.exchange(way, tokens["access_token"], audience="oidc")
    assert (refused.json["error"], refused.json["reason"]) == ("invalid_target", "not_connected")


@requirement("VLT-08")
def test_access_taken_back_at_the_mock_itself_is_told_as_what_only_the_user_can_mend(
    stack: Stack, openid_mock: str
) -> None:
    introduce(stack, "oidc", openid_mock, "localhost")
    way, tokens = sign_in(stack, "oidc", "openid offline_access oidc:profile", as_carol)
    handed = exchange(stack, way, tokens, "oidc")
    assert requests.post(f"{openid_mock}/users/carol/revoke-tokens", timeout=10).status_code == 204
    assert status_of(f"{openid_mock}/userinfo", handed["access_token"]) == 400, "how the mock refuses"
    tokens = later(stack, way, tokens, handed["expires_in"] - 30)
    refused = stack.exchange(way, tokens["access_token"], audience="oidc")
    assert (refused.json["error"], refused.json["reason"]) == ("invalid_grant", "reauth_required")
    assert refused.json["retry"] == "after_connect" and refused.json["connect_uri"]
