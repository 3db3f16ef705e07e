"""The page at the issuer's own address, and the page of an unknown path."""

import json
from collections.abc import Callable
from typing import Any

from chalicelib.pages.language import load_messages
from tests.browser.pages.examples import Reader
from tests.kit.http.browser import request
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

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
def test_a_path_that_is_not_there_gives_a_browser_a_page_and_a_program_what_the_gateway_says(stack: Stack) -> None:
    page = request(stack.netloc, "GET", "/nowhere/at-all", headers=HTML)
    assert page.status == 404 and page.header("content-type") == "text/html; charset=utf-8"
    assert "Page not found" in Reader(page.body).words and "nowhere" not in page.body
    assert "default-src 'none'" in str(page.header("content-security-policy"))
    german = request(stack.netloc, "GET", "/nowhere", headers={**HTML, "Accept-Language": "de"})
    assert "Seite nicht gefunden" in Reader(german.body).words
    plain = request(stack.netloc, "GET", "/nowhere")
    assert "message" in json.loads(plain.body)


@requirement("RUN-09", "META-07")
def test_the_teams_documentation_is_linked_and_in_the_metadata_where_it_is_set(make_stack: Callable[..., Any]) -> None:
    docs = "https://docs.example/sign-in"
    for settings, links in (({"documentation": docs}, 1), ({}, 0)):
        stack = make_stack(**settings)
        page = Reader(request(stack.netloc, "GET", "/", headers=HTML).body)
        assert len(page.all("a", href=docs)) == links
        metadata = stack.get("/.well-known/oauth-authorization-server").json
        assert metadata.get("service_documentation") == (docs if links else None)
