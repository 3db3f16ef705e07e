"""The page at the issuer's own address, and the page of an unknown path."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib.pages.language import load_messages
from tests.browser.pages.examples import Reader
from tests.kit import ROOT
from tests.kit.http.browser import DEVELOPER, request
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

API = json.loads((ROOT / "infra/resources.json").read_text())["Resources"]["RestAPI"]["Properties"]
GATEWAY = API["GatewayResponses"]
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@requirement("RUN-09")
def test_a_browser_gets_a_page_at_the_issuer_and_a_program_json(stack: Stack) -> None:
    page = request(stack.netloc, "GET", "/", headers=HTML)
    assert page.status == 200 and page.header("content-type") == "text/html; charset=utf-8"
    assert "default-src 'none'" in str(page.header("content-security-policy")) and page.header("vary") == "Accept"
    targets = {link["href"] for link in Reader(page.body).all("a")}
    assert {"/account", "/device", "/jwks", "/.well-known/openid-configuration"} <= targets
    for target in targets:
        assert request(stack.netloc, "GET", str(target), headers=HTML).status == 200, target
    plain = request(stack.netloc, "GET", "/")
    assert (plain.status, plain.json["issuer"]) == (200, stack.settings.issuer)
    assert plain.header("content-type") == "application/json" and plain.header("vary") == "Accept"
    german = request(stack.netloc, "GET", "/", headers={**HTML, "Accept-Language": "de"})
    assert str(load_messages("de")["root.what"]) in Reader(german.body).words


@requirement("RUN-09")
@pytest.mark.parametrize("issuer", [None, "https://login.example.com", "https://login.example.com/api"])
def test_a_path_that_is_not_there_is_a_404_in_the_readers_language(
    make_stack: Callable[..., Any], issuer: str | None
) -> None:
    stack = make_stack(issuer=issuer) if issuer else make_stack()
    host, base = urlsplit(stack.settings.issuer).netloc, urlsplit(stack.settings.issuer).path
    page = request(stack.netloc, "GET", "/nowhere/at-all?x=1", headers={**HTML, "Host": host})
    assert page.status == 404 and page.header("content-type") == "text/html; charset=utf-8"
    assert page.header("vary") == "Accept" and page.header("cache-control") == "no-store"
    read = Reader(page.body)
    assert "Page not found" in read.words and "nowhere" not in page.body and DEVELOPER not in page.body
    assert [link["href"] for link in read.all("a")] == [f"{base}/account", f"{base}/"]
    assert "default-src 'none'" in str(page.header("content-security-policy"))
    german = request(stack.netloc, "GET", "/nowhere", headers={**HTML, "Accept-Language": "de", "Host": host})
    assert "Seite nicht gefunden" in Reader(german.body).words


@requirement("RUN-09")
@pytest.mark.parametrize("path", ["/nowhere", "/.well-known/nothing", "/token/x", "/connect/a/b", "/%2e%2e/x", "//x"])
def test_a_program_gets_json_as_from_the_gateway_for_a_path_that_is_not_there(stack: Stack, path: str) -> None:
    answer = request(stack.netloc, "GET", path)
    assert answer.status == 404 and answer.header("content-type") == "application/json"
    template = GATEWAY["MISSING_AUTHENTICATION_TOKEN"]["ResponseTemplates"]["application/json"]
    told = json.loads(template)
    assert answer.json == {**told, "error_id": answer.json["error_id"]} and answer.json["error_id"] in answer.body
    assert answer.header("access-control-allow-origin") == "*"


@requirement("RUN-09")
def test_an_unknown_path_costs_no_call_and_its_line_does_not_repeat_it(stack: Stack) -> None:
    with stack.dynamodb.counted() as calls:
        request(stack.netloc, "GET", "/nowhere-canary", headers=HTML)
        request(stack.netloc, "GET", "/nowhere-canary")
    assert not calls and "nowhere-canary" not in stack.log.getvalue()


@requirement("RUN-09")
def test_another_method_than_a_path_has_never_reaches_the_broker(stack: Stack) -> None:
    for method, path in (("POST", "/nowhere"), ("DELETE", "/jwks"), ("GET", "/token")):
        answer = request(stack.netloc, method, path, headers=HTML)
        assert (answer.status, answer.json) == (403, {"message": "Missing Authentication Token"})


@requirement("RUN-09", "META-07")
def test_the_teams_documentation_is_linked_and_in_the_metadata_where_it_is_set(make_stack: Callable[..., Any]) -> None:
    docs = "https://docs.example/sign-in"
    for settings, links in (({"documentation": docs}, 1), ({}, 0)):
        stack = make_stack(**settings)
        page = Reader(request(stack.netloc, "GET", "/", headers=HTML).body)
        assert len(page.all("a", href=docs)) == links
        metadata = stack.get("/.well-known/oauth-authorization-server").json
        assert metadata.get("service_documentation") == (docs if links else None)
