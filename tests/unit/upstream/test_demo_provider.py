"""The demo provider: what a person sees, what the demo app calls, and what it refuses."""

import json
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from tests.unit.upstream.relying_party import CALLBACK

ASKED = {
    "response_type": "code",
    "client_id": "broker",
    "redirect_uri": CALLBACK,
    "scope": "openid profile email notes:read",
    "state": "s",
    "code_challenge": "x" * 43,
    "code_challenge_method": "S256",
    "access_type": "offline",
}


def call(provider, method, path, body=None, **headers):
    """Status, headers and body; no header that was not named, so without User-Agent too."""
    connection = HTTPConnection("127.0.0.1", provider.port, timeout=5)
    connection.request(
        method, path, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def test_the_page_says_who_asks_for_what_and_runs_no_script(provider):
    status, headers, page = call(provider, "GET", f"/authorize?{urlencode(ASKED)}")
    assert status == 200
    for words in ("Sign in as Alice", "Sign in as Bob", "Refuse", "Read your notes", "prefers-color-scheme:dark"):
        assert words in page
    assert "<script" not in page
    assert "default-src 'none'" in headers["content-security-policy"]


def test_the_page_escapes_what_it_is_given(provider):
    provider.add_client("<b>app</b>", "x", [CALLBACK])
    asked = {**ASKED, "client_id": "<b>app</b>", "state": '"><script>'}
    _, _, page = call(provider, "GET", f"/authorize?{urlencode(asked)}")
    assert "<b>app" not in page
    assert "<script" not in page


@pytest.mark.parametrize("changed", [{"client_id": "nobody"}, {"redirect_uri": f"{CALLBACK}/"}])
def test_an_unknown_app_or_redirect_uri_gets_a_page_and_no_redirect(provider, changed):
    status, headers, _ = call(provider, "GET", f"/authorize?{urlencode({**ASKED, **changed})}")
    assert (status, headers.get("location")) == (400, None)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_bad_request_goes_back_with_an_error_and_iss(provider, changed, error):
    status, headers, _ = call(provider, "GET", f"/authorize?{urlencode({**ASKED, **changed})}")
    assert status == 303
    assert f"error={error}" in headers["location"]
    assert "iss=http" in headers["location"]


def test_the_notes_are_those_of_the_user_and_any_page_may_call(demo):
    for name, number in (("alice", 2), ("bob", 2)):
        tokens = demo.exchange(demo.authorize(frozenset({"notes:read"}), decision=name))
        bearer = {"Authorization": f"Bearer {tokens.access_token}", "User_Agent": "test"}
        status, headers, body = call(demo.provider, "GET", "/api/notes", **bearer)
        assert (status, headers["access-control-allow-origin"]) == (200, "*")
        assert json.loads(body)["owner"] == name
        assert len(json.loads(body)["notes"]) == number
        assert call(demo.provider, "POST", "/api/notes", '{"text": "new"}', **bearer)[0] == 403
        assert call(demo.provider, "GET", "/api/notes", Authorization=bearer["Authorization"])[0] == 403


def test_a_note_can_be_added_with_the_right_scope(demo):
    tokens = demo.exchange(demo.authorize(frozenset({"notes:write"})))
    bearer = {"Authorization": f"Bearer {tokens.access_token}", "User_Agent": "test"}
    status, _, body = call(demo.provider, "POST", "/api/notes", '{"text": "Feed the cat"}', **bearer)
    assert (status, json.loads(body)["notes"][-1]["text"]) == (200, "Feed the cat")
    demo.provider.grants.kept.clear()


def test_only_the_api_may_be_called_across_origins(provider):
    status, headers, _ = call(provider, "OPTIONS", "/api/notes", User_Agent="test")
    assert (status, headers["access-control-allow-headers"]) == (204, "Authorization, Content-Type")
    for path in ("/token", "/userinfo", "/jwks", "/.well-known/openid-configuration"):
        assert "access-control-allow-origin" not in call(provider, "GET", path, User_Agent="test")[1]


def test_an_access_token_ends_after_two_minutes(demo):
    tokens = demo.exchange(demo.authorize(frozenset({"notes:read"})))
    bearer = {"Authorization": f"Bearer {tokens.access_token}", "User_Agent": "test"}
    real = demo.provider.grants.clock
    try:
        demo.provider.grants.clock = lambda: real() + 119
        assert call(demo.provider, "GET", "/api/notes", **bearer)[0] == 200
        demo.provider.grants.clock = lambda: real() + 121
        assert call(demo.provider, "GET", "/api/notes", **bearer)[0] == 401
    finally:
        demo.provider.grants.clock = real


def test_token_answers_are_form_encoded_unless_json_is_asked_for(provider):
    form = urlencode({"grant_type": "authorization_code", "client_id": "broker", "client_secret": "wrong"})
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    assert "form-urlencoded" in call(provider, "POST", "/token", form, **kind)[1]["content-type"]
    json_asked = call(provider, "POST", "/token", form, **kind, Accept="application/json")
    assert json_asked[1]["content-type"] == "application/json"


def test_it_remembers_what_it_received(provider):
    call(provider, "POST", "/token", "a=b", Content_Type="application/x-www-form-urlencoded", X_Y="z")
    received = provider.requests[-1]
    assert (received.endpoint, received.form, received.headers["x-y"]) == ("token", {"a": "b"}, "z")
    assert provider.count("token") == 1
