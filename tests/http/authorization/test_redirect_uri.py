"""Every trick of the redirect URI corpus over HTTP: at registration, and at /authorize against what is registered."""

import json

import pytest

from tests.data import Line, read_corpus
from tests.kit.http.browser import Answer
from tests.kit.http.stack import APP, Parts, Stack
from tests.kit.http.surface import JSON, raw
from tests.kit.requirement import requirement

CORPUS = read_corpus("redirect_uri.txt")
LOOPBACK = "http://127.0.0.1/cb"


def of(section: str) -> pytest.MarkDecorator:
    """A test for each of its lines."""
    lines = [line for line in CORPUS if line.section == section]
    return pytest.mark.parametrize("line", lines, ids=lambda line: line.says)


@pytest.fixture(scope="module")
def shared(parts: Parts) -> Stack:
    """One open broker for the whole corpus."""
    free = {"registration_per_address": 10**6, "registration_per_day": 10**6}
    return Stack(parts, registration="open", **free)


@pytest.fixture(autouse=True)
def current(shared: Stack, parts: Parts) -> None:
    """It answers."""
    parts.current = shared


def register(stack: Stack, uri: str, kind: str) -> Answer:
    document = {"redirect_uris": [uri], "application_type": kind, "token_endpoint_auth_method": "none"}
    return raw(stack.netloc, "POST", "/register", [("Content-Type", JSON)], json.dumps(document).encode())


def authorize(stack: Stack, registered: tuple[str, ...], sent: str, kind: str) -> Answer:
    client, _ = stack.client(redirect_uris=registered, application_type=kind)
    return stack.authorize(stack.authorize_parameters(client, redirect_uri=sent))


@requirement("AUTHZ-05", "REG-02")
@of("refused_at_registration")
def test_a_trick_is_refused_at_registration_and_at_authorize(shared: Stack, line: Line) -> None:
    uri = line.trick["uri"]
    for kind in [line.trick["kind"]] if "kind" in line.trick else ("web", "native"):
        if "deployed_only" not in line.trick:
            answer = register(shared, uri, kind)
            assert (answer.status, answer.json["error"]) == (400, "invalid_redirect_uri")
        page = authorize(shared, (APP, LOOPBACK), uri, kind)
        assert page.status == 400 and page.header("location") is None
        assert not uri or "<script>" not in page.body


@requirement("AUTHZ-02")
@of("refused_at_authorize")
def test_what_differs_from_the_registered_string_is_a_page_of_ours(shared: Stack, line: Line) -> None:
    trick = line.trick
    kind = "native" if trick.get("native", True) else "web"
    page = authorize(shared, (trick["registered"],), trick["sent"], kind)
    assert page.status == 400 and page.header("location") is None


@requirement("AUTHZ-02", "AUTHZ-05")
@of("registrable")
def test_an_honest_uri_is_registered_and_then_taken(shared: Stack, line: Line) -> None:
    kind = line.trick.get("kind", "native")
    made = register(shared, line.trick["uri"], kind)
    if "by" in line.trick:
        assert made.json["error"] == "invalid_redirect_uri"
    else:
        assert made.status == 201 and made.json["redirect_uris"] == [line.trick["uri"]]
    assert authorize(shared, (line.trick["uri"],), line.trick["uri"], kind).status == 200


@requirement("AUTHZ-02")
@of("matches")
def test_the_registered_string_is_taken(shared: Stack, line: Line) -> None:
    kind = "native" if line.trick.get("native", True) else "web"
    assert authorize(shared, (line.trick["registered"],), line.trick["sent"], kind).status == 200
