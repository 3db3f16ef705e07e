"""The whole sign-in, from the registration to the provider's data."""

from local.fake.provider import RunningProvider
from tests.kit.http.browser import request
from tests.kit.http.stack import Stack


def test_an_app_without_a_secret_ends_with_our_tokens_and_the_providers_data(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    assert sign_in.answer.status == 303
    assert sign_in.answer.answered["state"] == sign_in.state
    assert sign_in.answer.answered["iss"] == stack.settings.issuer
    tokens = stack.redeem(sign_in).json
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] == 600
    assert stack.userinfo(tokens["access_token"]).json["name"]
    handed = stack.exchange(sign_in, tokens["access_token"])
    assert handed.status == 200, handed.body
    notes = call_api(stack.provider, handed.json["access_token"])
    assert notes.status == 200 and notes.json
    again = stack.refresh(sign_in, tokens["refresh_token"]).json
    assert again["refresh_token"] != tokens["refresh_token"]
    assert stack.post("/revoke", client, token=again["refresh_token"]).json == {}
    assert stack.userinfo(again["access_token"]).status == 401


def call_api(provider: RunningProvider, token: str):  # type: ignore[no-untyped-def]
    return request(
        provider.url.removeprefix("http://"),
        "GET",
        "/api/notes",
        headers={"Authorization": f"Bearer {token}", "User-Agent": "test"},
    )
