"""Calls of a page that we carry out: where they go, what goes along, and what comes back."""

import json
from collections.abc import Callable
from pathlib import Path

from chalicelib.records.client import BffApi
from chalicelib.records.item_keys import client_item_key, resource_item_key
from tests.http.bff.scene import AUDIENCE, ORIGIN, App, refusal, start_app
from tests.kit.http.proxied import HOST, Api, Asked, Told
from tests.kit.http.sign_in_scene import change
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import audits, read_claims
from tests.kit.requirement import requirement


@requirement("BFF-07")
def test_a_call_reaches_the_api_with_a_token_for_it_alone(app: App) -> None:
    app.sign_in()
    answer = app.call("/api/things/7?x=1&y=a%20b", "PUT", b'{"a": 1}', Content_Type="application/json")
    (asked,) = app.api.asked
    assert (answer.status, answer.body, answer.header("broker-answer")) == (200, '{"fine": true}', "provider")
    assert (asked.method, asked.host, asked.target) == ("PUT", HOST, "/team/things/7?x=1&y=a%20b")
    assert asked.body == b'{"a": 1}' and asked.headers["content-type"] == "application/json"
    claims = read_claims(asked.token)
    assert (claims["aud"], claims["scope"], claims["client_id"]) == (AUDIENCE, "notes", app.client.client_id)
    assert claims["sub"] == app.grant().sub and "connections" not in claims
    assert claims["exp"] - claims["iat"] == 60


@requirement("BFF-07")
def test_each_call_has_a_token_of_its_own(app: App) -> None:
    app.sign_in()
    for _ in range(2):
        app.call("/api/x")
    assert len({read_claims(asked.token)["jti"] for asked in app.api.asked}) == 2


@requirement("BFF-07", "VLT-12")
def test_the_apis_token_opens_nothing_here(app: App) -> None:
    """Who runs the API cannot turn it round."""
    app.sign_in()
    app.call("/api/x")
    token = app.api.asked[0].token
    assert app.stack.userinfo(token).status == 401
    assert app.stack.get("/proxy/demo/x", Authorization=f"Bearer {token}").status == 401


@requirement("BFF-07", "PRX-02")
def test_what_the_page_sends_along_crosses_by_a_list(app: App) -> None:
    app.sign_in()
    dropped = {
        "Authorization": "Bearer mine",
        "X-Forwarded-For": "1.2.3.4",
        "Forwarded": "for=1.2.3.4",
        "Connection": "close, X-Api",
        "Proxy-Authorization": "Basic eDp5",
        "TE": "trailers",
        "X-Api": "1",
        "Referer": "https://app.example/secret",
    }
    app.call("/api/x", "POST", b"x", **dropped, Accept="text/plain", Idempotency_Key="7")
    (asked,) = app.api.asked
    assert asked.headers.keys() == {
        *("host", "connection", "accept-encoding", "user-agent", "content-length"),
        *("authorization", "accept", "idempotency-key"),
    }
    assert asked.token != "mine" and asked.headers["connection"] == "close"


@requirement("BFF-07", "BFF-03")
def test_what_the_api_answers_crosses_by_a_list_and_without_the_token(app: App) -> None:
    app.sign_in()
    told = (
        ("Content-Type", "application/json"),
        ("Set-Cookie", "api=1; Path=/"),
        ("Set-Cookie", "__Host-tb_session=x; Path=/; Secure"),
        ("WWW-Authenticate", "Bearer"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Clear-Site-Data", '"cookies"'),
        ("Location", "/elsewhere"),
        ("Server", "x"),
        ("ETag", '"7"'),
    )

    def answer(asked: Asked) -> Told:
        return Told(body=json.dumps({"echo": asked.token}).encode(), headers=(*told, ("X-Total", asked.token)))

    app.api.answer = answer
    got = app.call("/api/x")
    assert got.headers_named("set-cookie") == [] and got.header("etag") == '"7"'
    for name in ("www-authenticate", "x-amzn-remapped-www-authenticate", "clear-site-data", "location", "x-total"):
        assert got.header(name) is None, name
    assert got.headers_named("access-control-allow-origin") == [ORIGIN]
    assert got.json["echo"] == "x" * len(app.api.asked[0].token)
    assert got.header("content-security-policy") == "default-src 'none'; frame-ancestors 'none'; sandbox"


@requirement("BFF-07", "PRX-01")
def test_no_path_leads_out_of_the_api(app: App) -> None:
    app.sign_in()
    for path in ("../x", "%2e%2e/x", "a/%2Fx", "a%5Cx", "//evil.example", "https://evil.example/"):
        assert app.call("/api/" + path).status == 400, path
    assert app.call("/api/x", **{"Broker-Host": "files.demo.example"}).status == 400
    assert app.api.asked == []


@requirement("BFF-07", "PRX-03")
def test_a_redirect_of_the_api_is_not_followed(app: App) -> None:
    app.sign_in()
    app.api.answer = lambda asked: Told(302, b"", (("Location", "https://elsewhere.example/"),))
    assert refusal(app.call("/api/x")) == (502, "server_error", "redirect")
    assert len(app.api.asked) == 1


@requirement("BFF-07", "FETCH-01")
def test_no_registration_makes_us_call_a_private_address(app: App) -> None:
    """The command refuses these; whatever stands in the table, the fetcher does too."""
    app.sign_in()
    for url in ("https://127.0.0.1/x", "http://127.0.0.1:9/x", "https://[::1]", "https://localhost"):
        change(app.stack, client_item_key(app.client.client_id), bff_api=BffApi(resource=AUDIENCE, url=url))
        assert app.call("/api/x").status in (500, 502), url


@requirement("BFF-07")
def test_an_answer_that_does_not_come_is_told(app: App) -> None:
    app.sign_in()
    app.api.answer = lambda asked: Told(raw=lambda handler: handler.connection.close())
    assert refusal(app.call("/api/x")) == (502, "server_error", "answer_broken")


@requirement("BFF-07")
def test_an_app_without_an_api_has_none_to_call(app: App) -> None:
    app.sign_in()
    for changed in ({"bff_api": None}, {"resources": frozenset()}):
        place = client_item_key(app.client.client_id)
        kept = change(app.stack, place, **changed)
        assert refusal(app.call("/api/x")) == (404, "invalid_target", "no_api"), kept
        app.stack.deployment.put(place, app.client)
    assert app.call("/api/x").status == 200


@requirement("BFF-07")
def test_an_api_that_its_user_has_not_allowed_is_not_called(app: App) -> None:
    app.sign_in()
    other = "https://other.team.example"
    record = app.stack.deployment.store.read(resource_item_key(AUDIENCE)).get(resource_item_key(AUDIENCE))
    assert record is not None
    api = BffApi(resource=other, url=f"https://{HOST}/team")
    change(app.stack, client_item_key(app.client.client_id), bff_api=api, resources=frozenset({AUDIENCE, other}))
    answer = app.call("/api/x")
    assert refusal(answer) == (403, "insufficient_scope", "not_allowed_yet")
    assert answer.json["login_uri"].endswith("/login") and app.api.asked == []


@requirement("BFF-07", "VLT-05")
def test_a_call_to_a_provider_is_that_of_the_proxy_with_its_record(app: App) -> None:
    app.sign_in()
    answer = app.call("/proxy/demo/notes?page=2")
    (asked,) = app.api.asked
    assert answer.status == 200 and asked.target == "/v1/notes?page=2"
    assert asked.token and not asked.token.startswith("eyJ")
    (event,) = audits(app.stack)
    assert (event["event"]["S"], event["client_id"]["S"]) == ("proxy", app.client.client_id)
    assert event["grant_id"]["S"] == app.grant().grant_id


@requirement("BFF-07", "XCH-01")
def test_the_rules_of_the_proxy_hold(app: App) -> None:
    app.sign_in()
    for changed in ({"handout": "none"}, {"providers": frozenset({"oidc"})}, {"scopes": frozenset({"openid"})}):
        change(app.stack, client_item_key(app.client.client_id), **changed)
        answer = app.call("/proxy/demo/notes")
        assert answer.status in (403, 404) and app.api.asked == [], answer.body
        app.stack.deployment.put(client_item_key(app.client.client_id), app.client)
    assert app.call("/proxy/demo/notes").status == 200


@requirement("BFF-07")
def test_a_connection_of_another_kind_leads_to_where_it_can_be_made(app: App) -> None:
    app.sign_in(scope="openid")
    answer = app.call("/proxy/demo/notes")
    assert answer.status in (403, 404) and answer.header("broker-answer") == "broker"
    assert app.api.asked == []


@requirement("BFF-07", "PRX-04")
def test_a_call_has_a_size(make_stack: Callable[..., Stack], api: Api, tmp_path: Path) -> None:
    app = start_app(make_stack, api, tmp_path)
    app.sign_in()
    app.api.answer = lambda asked: Told(body=b"x" * (4 * 1024 * 1024 + 1))
    assert refusal(app.call("/api/x")) == (502, "server_error", "answer_too_large")
    assert app.call("/api/x", "POST", b"x" * (4 * 1024 * 1024 + 1)).status == 413
