"""What of an answer counts as a client's document, and for how long."""

import pytest

from chalicelib.upstream.client_document import (
    MAX_BYTES,
    build_document_request,
    read_document_response,
    read_fresh_seconds,
)
from chalicelib.upstream.http import HttpResponse, ProviderMisbehaved, ProviderUnavailable
from tests.data import read_corpus
from tests.kit.requirement import requirement

LINES = [line for line in read_corpus("client_documents.toml") if line.section == "bodies_refused"]
BODIES = [pytest.param(line.trick, id=line.says) for line in LINES]


def answer(body=b"{}", *, status=200, kind="application/json", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status=status, headers={"content-type": kind, **named}, body=body)


def test_the_request_carries_nothing_of_ours():
    request = build_document_request("https://client.example/app.json?v=1")
    assert (request.method, request.url, request.body) == ("GET", "https://client.example/app.json?v=1", b"")
    assert request.headers == {"Accept": "application/json"}


@requirement("CIMD-02")
@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 303, 307, 308, 304, 400, 401, 403, 404, 410, 418])
def test_only_a_200_brings_a_document(status):
    with pytest.raises(ProviderMisbehaved):
        read_document_response(answer(status=status, location="https://other.example/"))


@requirement("CIMD-02")
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_place_that_is_down_says_nothing_about_the_document(status):
    with pytest.raises(ProviderUnavailable):
        read_document_response(answer(status=status))


@requirement("CIMD-02")
@pytest.mark.parametrize("kind", ["", "text/html", "text/plain", "text/json", "application/jsonp", "image/svg+json"])
def test_another_type_than_json_is_no_document(kind):
    with pytest.raises(ProviderMisbehaved):
        read_document_response(answer(kind=kind))


@requirement("CIMD-02")
@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/client+json"])
def test_json_and_what_is_written_in_it(kind):
    assert read_document_response(answer(b'{"a": 1}', kind=kind)) == {"a": 1}


@requirement("CIMD-02")
def test_five_kibibytes_and_not_one_more():
    fits = b'"' + b"a" * (MAX_BYTES - 2) + b'"'
    assert read_document_response(answer(fits)) == "a" * (MAX_BYTES - 2)
    with pytest.raises(ProviderMisbehaved):
        read_document_response(answer(b" " + fits))


@requirement("CIMD-02")
@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_two_parsers_could_read_in_two_ways_or_that_is_no_object(body):
    try:
        document = read_document_response(answer(body.encode()))
    except ProviderMisbehaved:
        return
    assert not isinstance(document, dict)


@requirement("CIMD-02")
@pytest.mark.parametrize("body", [b"\xff\xfe{\x00}\x00", b'{"a": "\xe9"}', b"[" * 5000])
def test_bytes_that_are_no_json(body):
    with pytest.raises(ProviderMisbehaved):
        read_document_response(answer(body))


@requirement("CIMD-04")
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"cache_control": "max-age=300"}, 300),
        ({"cache_control": "public, max-age=3600, must-revalidate"}, 3600),
        ({"cache_control": 'MAX-AGE="600"'}, 600),
        ({"cache_control": "max-age=3600, s-maxage=120"}, 120),
        ({"cache_control": "max-age=3600, no-cache"}, 60),
        ({"cache_control": "no-store, max-age=3600"}, 60),
        ({"cache_control": "private, max-age=3600"}, 60),
        ({"cache_control": 'no-cache="set-cookie", max-age=3600'}, 60),
        ({"cache_control": "max-age=1"}, 60),
        ({"cache_control": "max-age=31536000"}, 86_400),
        ({"cache_control": "max-age=99999999999999999999"}, 60),
        ({"cache_control": "max-age=-5"}, 60),
        ({"cache_control": "max-age=many"}, 60),
        ({"cache_control": "max-age=120, max-age=86400"}, 120),
        ({"cache_control": "max-age=3600", "age": "600"}, 3000),
        ({"cache_control": "max-age=3600", "age": "9999"}, 60),
        ({"cache_control": "max-age=3600", "age": "old"}, 3600),
        ({"expires": "Thu, 01 Jan 2099 00:00:00 GMT"}, 60),
    ],
)
def test_how_long_a_document_is_fresh(headers, seconds):
    assert read_fresh_seconds(answer(**headers)) == seconds
