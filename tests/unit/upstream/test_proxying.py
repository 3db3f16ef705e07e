"""Where a proxied call goes and what is built of it: the pure part, with what only a wrong file could bring."""

import pytest
from msgspec.structs import replace

from chalicelib.protocol.errors import InvalidRequest, ServerError
from chalicelib.providers.definition import ApiRules
from chalicelib.upstream.http import HttpResponse
from chalicelib.upstream.proxy_request import (
    BlockedResponse,
    Call,
    ForwardedResponse,
    Outgoing,
    build_proxied_request,
    encode_query,
    find_target,
    read_proxied_response,
)
from tests.kit.requirement import requirement

API = ApiRules(
    base_url="https://api.example/v1/", hosts=("api.example", "files.example"), headers={"X-App": "{client_id}"}
)
CALL = Call(method="GET", segments=("a", "b"), query="", headers={}, body=b"")
TOKEN = "a token of the provider"


def build(call: Call = CALL, api: ApiRules = API, *, token: str = TOKEN) -> Outgoing:
    """The request to the API's own host."""
    target = find_target(api, issuer=None, host=call.host)
    return build_proxied_request(call, target, api, client_id="our-app", token=token)


@requirement("PRX-01")
@pytest.mark.parametrize(
    ("base_url", "issuer", "expected"),
    [
        ("https://api.example", None, "https://api.example"),
        ("https://api.example/", None, "https://api.example"),
        ("https://api.example/v1/x", None, "https://api.example/v1/x"),
        ("/api/v4", "https://git.example/", "https://git.example/api/v4"),
        ("/api", "https://git.example/sub", "https://git.example/sub/api"),
        ("/api", "http://127.0.0.2:8000", "http://127.0.0.2:8000/api"),
    ],
)
def test_the_base_is_the_files_own_or_under_its_issuer(base_url: str, issuer: str | None, expected: str) -> None:
    assert find_target(replace(API, base_url=base_url), issuer=issuer, host=None).base == expected


@requirement("PRX-01")
@pytest.mark.parametrize(
    "base_url",
    [
        "https://{instance}.example/v1", "https://a@b.example/", "https://api.example?x=1", "https://api.example/#x",
        "https://api.example/a//b", "ftp://api.example/", "/api", "https://api.example/v1 x", "//api.example",
    ],
)  # fmt: skip
def test_a_base_that_is_no_address_calls_nobody(base_url: str) -> None:
    with pytest.raises(ServerError):
        find_target(replace(API, base_url=base_url), issuer=None, host=None)


@requirement("PRX-02")
def test_the_token_stands_where_the_file_says_and_nowhere_else() -> None:
    api = replace(API, token_header="X-Access-Token", token_prefix="token ")
    call = replace(CALL, headers={"accept": "a/b", "authorization": "mine", "x-access-token": "mine"})
    request = build(call, api).request
    assert request.headers == {
        "accept": "a/b", "authorization": "mine", "X-App": "our-app", "X-Access-Token": f"token {TOKEN}",
    }  # fmt: skip
    assert build().request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.url == "https://api.example/v1/a/b"


def test_a_url_has_an_end() -> None:
    with pytest.raises(InvalidRequest):
        build(replace(CALL, query="x=" + "y" * 8192))


@requirement("PRX-01")
def test_a_query_keeps_order_and_repetition_and_carries_no_control_characters() -> None:
    assert encode_query([("a", "1"), ("b", "x y&z=#"), ("a", "")]) == "a=1&b=x%20y%26z%3D%23&a="
    for name, value in (("a", "\x00"), ("\x1b", "a"), ("a", "\ufffd"), ("a", "\ud800"), ("a", "\x7f")):
        with pytest.raises(InvalidRequest):
            encode_query([(name, value)])


@requirement("PRX-02", "VLT-02")
def test_a_short_token_is_dropped_from_headers_and_masked_with_its_length_kept() -> None:
    body = f'{{"a": "{TOKEN}", "b": 1}}'.encode()
    passed = read_proxied_response(HttpResponse(status=200, headers={"etag": f'"{TOKEN}"'}, body=body), build())
    assert isinstance(passed, ForwardedResponse) and passed.headers == () and len(passed.body) == len(body)
    assert TOKEN.encode() not in passed.body and passed.body.endswith(b'", "b": 1}')
    tiny = read_proxied_response(HttpResponse(status=200, body=b"banana"), build(token="an"))
    assert (
        isinstance(tiny, ForwardedResponse) and tiny.body == b"banana"
    )  # no real token is that short: nothing is torn apart


@requirement("PRX-03")
def test_a_redirect_is_withheld_with_the_kind_of_its_host() -> None:
    for location, kind in (("https://files.example/x", "listed_host"), ("http://[::1", "other_host")):
        response = HttpResponse(status=302, headers={"location": location})
        assert read_proxied_response(response, build()) == BlockedResponse(reason="redirect", target=kind)
    assert isinstance(read_proxied_response(HttpResponse(status=304), build()), ForwardedResponse)
