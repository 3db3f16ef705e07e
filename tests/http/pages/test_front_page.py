"""The issuer's own address, an unknown path, and what a developer sees beside a broker on this machine."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.pages.language import load_messages
from tests.browser.pages.examples import Reader
from tests.kit.http.browser import request
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
ELSEWHERE = "https://login.example.com"


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


@requirement("RUN-10")
def test_on_this_machine_an_error_page_has_the_reason_and_the_command_that_explains_it(
    stack: Stack, make_stack: Callable[..., Any]
) -> None:
    wrong = "/authorize?client_id=" + "0" * 32
    page = Reader(request(stack.netloc, "GET", wrong, headers=HTML).body)
    (error_id,) = re.findall(r"broker explain ([0-9A-Za-z-]+)", page.words)
    assert error_id in page.words.partition("For the developer")[0]
    assert re.search(r"Reason ?client[a-z_]+", page.words)
    deployed = make_stack(issuer=ELSEWHERE)
    for path in (wrong, "/"):
        answer = request(deployed.netloc, "GET", path, headers={**HTML, "Host": "login.example.com"})
        assert "text/html" in str(answer.header("content-type"))
        seen = Reader(answer.body).words
        assert "For the developer" not in seen and "dev.py" not in answer.body and "client_unknown" not in seen


@requirement("RUN-10")
@pytest.mark.parametrize("issuer", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_the_issuer_and_no_header_says_whether_this_is_a_developers_machine(
    issuer: str, make_stack: Callable[..., Any]
) -> None:
    deployed = make_stack(issuer=ELSEWHERE)
    answer = request(deployed.netloc, "GET", "/", headers={**HTML, "Host": issuer.removeprefix("http://")})
    assert "dev.py" not in answer.body
