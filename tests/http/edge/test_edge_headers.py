"""Headers: nothing that a caller sends changes who we are, and nothing is read that reads in two ways."""

import base64
from urllib.parse import urlsplit

import pytest

from local.stack.gateway import Gateway
from tests.kit.http.browser import DEVELOPER, FORM, read_page
from tests.kit.http.stack import Stack
from tests.kit.http.surface import ENDPOINTS, NAMES, Endpoint, call, raw, read_tables
from tests.kit.requirement import requirement

FORWARDED = [
    ("Forwarded", "host=evil.example;proto=https;for=10.0.0.1"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "444"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Forwarded-Server", "evil.example"),
    ("X-Original-URL", "/evil"),
    ("X-Original-Host", "evil.example"),
    ("X-Rewrite-URL", "/evil"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Host", "evil.example"),
    ("Front-End-Https", "on"),
    ("Referer", "https://evil.example/"),
]
BASIC = "Basic " + base64.b64encode(b"a" * 32 + b":secret").decode()


def test_the_table_of_endpoints_is_complete(stack: Stack) -> None:
    gateway: Gateway = stack.parts.gateway
    routes = {
        f"{method} {path}" for path, methods in gateway._app.routes.items() for method in methods if method != "OPTIONS"
    }
    assert routes == set(NAMES)


@requirement("GEN-08", "META-01")
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]", "evil.example:80", "", "@"])
def test_a_foreign_host_is_misdirected(stack: Stack, host: str) -> None:
    with stack.dynamodb.counted() as calls:
        answers = {endpoint.name: call(stack, endpoint, headers=[("Host", host)]) for endpoint in ENDPOINTS}
    assert {answers.pop(f"{method} /health").status for method in ("GET", "HEAD")} == {200}
    assert {answer.status for answer in answers.values()} == {421}
    shown = [answer.body.partition(DEVELOPER)[0] for answer in answers.values()]
    assert not any("evil" in body for body in shown)
    assert not any(answer.header("location") for answer in answers.values())
    assert not calls


@requirement("GEN-08", "META-01")
def test_no_header_changes_metadata_redirects_or_links(stack: Stack) -> None:
    client, _ = stack.client()
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-protected-resource", "/jwks"):
        assert raw(stack.netloc, "GET", path, FORWARDED).body == stack.get(path).body
    parameters = stack.authorize_parameters(client)
    page = call(stack, ENDPOINTS[NAMES.index("GET /authorize")], parameters, FORWARDED)
    assert page.status == 200 and "evil.example" not in page.body
    refused = call(stack, ENDPOINTS[NAMES.index("GET /authorize")], parameters | {"response_type": "token"}, FORWARDED)
    assert refused.location.startswith(client.redirect_uris[0] + "?")
    assert refused.answered["iss"] == stack.settings.issuer
    posted = call(stack, ENDPOINTS[NAMES.index("POST /authorize")], parameters, FORWARDED)
    assert posted.status == 303 and urlsplit(posted.location)[:3] == ("", "", "/authorize")


@requirement("GEN-08", "GEN-20")
def test_a_host_header_does_not_make_an_origin_ours(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), browser)
    form = dict(read_page(page.body).fields) | {"provider": "demo", "decision": "allow"}
    before = read_tables(stack)
    for headers in (FORWARDED, [("Sec_Fetch_Site", "same-origin")], [("Sec-Fetch-Site", "cross-site")]):
        for origin in ("https://evil.example", "null"):
            answer = browser.post("/signin", form, **{**dict(headers), "Origin": origin})
            assert answer.status == 403, (headers, origin)
    assert read_tables(stack) == before
    assert browser.post("/signin", form, **{"Origin": "null", "Sec-Fetch-Site": "same-origin"}).status == 200


TWICE = {
    "authorization": [("Authorization", BASIC), ("Authorization", BASIC)],
    "authorization in two cases": [("Authorization", BASIC), ("authorization", BASIC)],
    "authorization shouted": [("Authorization", BASIC), ("AUTHORIZATION", BASIC)],
    "content type": [("Content-Type", FORM), ("Content-Type", FORM)],
    "content type in two spellings": [("Content-Type", FORM), ("Content_Type", "application/json")],
    "dpop": [("DPoP", "a"), ("DPoP", "b")],
    "dpop in two cases": [("DPoP", "a"), ("dpop", "a")],
    "origin": [("Origin", "https://a.example"), ("Origin", "https://b.example")],
    "any header in two spellings": [("X-Any-Thing", "1"), ("X_Any_Thing", "1")],
    "mixed spelling": [("X-Any_Thing", "1"), ("X_Any-Thing", "1")],
    "our cookie in one header": [("Cookie", "tb_browser=a; tb_browser=b")],
    "our cookie in two headers": [("Cookie", "tb_session=a"), ("Cookie", "tb_session=b")],
    "our pending cookie": [("Cookie", "tb_pending_1=a; x=1; tb_pending_1=a")],
}


@requirement("GEN-09")
@pytest.mark.parametrize("headers", TWICE.values(), ids=TWICE)
def test_a_header_sent_twice_is_refused_everywhere(stack: Stack, headers: list[tuple[str, str]]) -> None:
    before = read_tables(stack)
    with stack.dynamodb.counted() as calls:
        for endpoint in ENDPOINTS:
            answer = call(stack, endpoint, headers=headers)
            assert answer.status == 400, endpoint.name
    assert not calls
    assert read_tables(stack) == before


@requirement("GEN-09")
def test_other_cookies_may_repeat_and_an_underscore_makes_another_header(stack: Stack) -> None:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    pair = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    right = [("Authorization", f"Basic {pair}"), ("Cookie", "a=1; a=2"), ("Content-Type", FORM)]
    assert raw(stack.netloc, "POST", "/revoke", right, b"token=x").status == 200
    spelt = [right[0], ("Content_Type", FORM)]
    assert raw(stack.netloc, "POST", "/revoke", spelt, b"token=x").status == 415


@requirement("GEN-09")
def test_two_hosts_do_not_pass_the_gateway(stack: Stack) -> None:
    hosts = [("Host", stack.netloc), ("Host", "evil.example")]
    assert raw(stack.netloc, "GET", "/jwks", hosts).status == 400


@requirement("GEN-19")
def test_who_may_read_an_answer_across_origins(stack: Stack) -> None:
    evil = ("Origin", "https://evil.example")
    for endpoint in ENDPOINTS:
        for answer in (call(stack, endpoint, headers=[evil]), call(stack, endpoint, headers=[evil, ("DPoP", "a")] * 2)):
            open_to_all = ["*"] if endpoint.cors else []
            assert answer.headers_named("access-control-allow-origin") == open_to_all, endpoint.name
            assert answer.header("access-control-allow-credentials") is None, endpoint.name
            exposed = (
                "WWW-Authenticate, x-amzn-Remapped-WWW-Authenticate, Retry-After, DPoP-Nonce" if endpoint.cors else None
            )
            told = answer.header("access-control-expose-headers")
            assert told == exposed or (endpoint.body == "bytes" and told.startswith(f"{exposed}, ")), endpoint.name


@requirement("GEN-19")
def test_preflights(stack: Stack) -> None:
    for endpoint in ENDPOINTS:
        asked = [
            ("Origin", "https://evil.example"),
            ("Access-Control-Request-Method", endpoint.method),
            ("Access-Control-Request-Headers", "authorization, content-type"),
        ]
        path = endpoint.fill("demo")
        answer = raw(stack.netloc, "OPTIONS", path, asked)
        told = {name: value for name, value in answer.headers if name.startswith("access-control-")}
        if told and endpoint.body == "bytes":  # a call takes more headers along: tests/http/proxy/test_proxy.py
            told["access-control-allow-headers"] = ", ".join(told["access-control-allow-headers"].split(", ")[:3])
        assert answer.status == (204 if endpoint.cors else 403), endpoint.name
        assert told == (_preflight(endpoint) if endpoint.cors else {}), endpoint.name


def _preflight(endpoint: Endpoint) -> dict[str, str]:
    return {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": ", ".join(endpoint.cors),
        "access-control-allow-headers": "Authorization, Content-Type, DPoP",
        "access-control-max-age": "600",
    }


@requirement("GEN-06")
def test_no_answer_is_kept_but_discovery(stack: Stack) -> None:
    for endpoint in ENDPOINTS:
        kept, refused = call(stack, endpoint), call(stack, endpoint, headers=TWICE["dpop"])
        expected = "public, max-age=300" if endpoint.cached else "no-store"
        assert kept.headers_named("cache-control") == [expected], endpoint.name
        assert refused.headers_named("cache-control") == ["no-store"], endpoint.name


@requirement("GEN-06")
def test_no_step_of_a_sign_in_is_kept(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.to_callback(client)
    answers = [sign_in.answer, sign_in.browser.get(sign_in.callback)]
    sign_in.answer = answers[-1]
    answers += [stack.redeem(sign_in), stack.redeem(sign_in, code="x")]
    tokens = answers[2].json
    answers += [
        stack.exchange(sign_in, tokens["access_token"]),
        stack.refresh(sign_in, tokens["refresh_token"]),
        stack.userinfo(tokens["access_token"]),
        stack.userinfo("x"),
        stack.post("/revoke", client, token=tokens["refresh_token"]),
    ]
    assert [answer.headers_named("cache-control") for answer in answers] == [["no-store"]] * len(answers)
