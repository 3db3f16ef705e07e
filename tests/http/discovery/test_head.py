"""HEAD where documents are: what GET answers, without its body; uptime probes and link checkers send it."""

import http.client

import pytest

from tests.kit.http.stack import Stack
from tests.kit.http.surface import ENDPOINTS, Endpoint
from tests.kit.requirement import requirement

DOCUMENTS = [one for one in ENDPOINTS if one.method == "HEAD" and one.body == ""]
PER_REQUEST = ("date", "x-amzn-requestid")


def read(connection: http.client.HTTPConnection, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers that do not differ from request to request, and body."""
    connection.request(method, path)
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in PER_REQUEST}
    return answer.status, headers, answer.read()


@requirement("META-06")
@pytest.mark.parametrize("endpoint", DOCUMENTS, ids=lambda one: one.name)
def test_head_has_the_status_and_headers_of_get_and_no_body(stack: Stack, endpoint: Endpoint) -> None:
    """Over one connection: a body that was sent all the same would be read as the next response."""
    connection = http.client.HTTPConnection(stack.netloc, timeout=20)
    path = endpoint.fill("x")
    first, got = read(connection, "HEAD", path), read(connection, "GET", path)
    connection.close()
    if first[0] >= 400:  # each refusal has an id of its own, which is no longer than another
        assert (first[0], got[0]) == (404, 404) and endpoint.path.endswith(("{issuer_path}", "{elsewhere+}"))
    assert first[:2] == got[:2] and got[2] and not first[2]
    assert int(first[1]["content-length"]) == len(got[2])


@requirement("META-06")
def test_every_document_that_get_answers_from_memory_has_a_head(stack: Stack) -> None:
    paths = {one.path for one in DOCUMENTS}
    assert {"/", "/health", "/jwks", "/openapi.json", "/.well-known/openid-configuration"} <= paths
    documents = {one.path for one in ENDPOINTS if one.method == "GET" and (one.cached or one.path in ("/", "/health"))}
    assert documents <= paths
