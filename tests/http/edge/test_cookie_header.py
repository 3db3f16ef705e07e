"""The Cookie header: a name that a sibling host can plant is never read as ours, and only ours may not repeat."""

import http.client
import sys
from collections.abc import Callable

import pytest

from chalicelib.protocol.errors import InvalidRequest
from chalicelib.routes.cookie_header import parse_cookies
from tests.kit.http.browser import Answer
from tests.kit.http.secure_browser import HOST, secure
from tests.kit.http.sign_in_scene import only_written
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

SPACES = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
UNICODE_SPACES = [space for space in SPACES if not space.isascii()]
CONTROLS = [space for space in SPACES if space.isascii() and space not in " \t"]


def send(stack: Stack, path: str, cookie: bytes) -> Answer:
    """One request under the issuer's name, whose Cookie header is sent byte for byte."""
    connection = http.client.HTTPConnection(stack.netloc, timeout=30)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", HOST)
    connection.putheader("Cookie", cookie)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return Answer(response.status, tuple((name.lower(), value) for name, value in response.getheaders()), body)


@requirement("CB-02", "GEN-25")
@pytest.mark.parametrize("planted", [b"\xe2\x80\x80", b"\xc2\xa0", b"\xe3\x80\x80", b"\xa0", b"\x85"])
def test_a_cookie_that_a_sibling_host_planted_is_never_ours(make_stack: Callable[..., Stack], planted: bytes) -> None:
    """The attacker's own decision, planted with white space before each name, finishes nobody else's sign-in."""
    stack, sign_in = secure(make_stack)
    pairs = [f"{name}={value}".encode() for name, value in sign_in.browser.cookies.items()]
    assert all(pair.startswith(b"__Host-tb_") for pair in pairs)
    with only_written(stack):
        answer = send(stack, sign_in.callback, b"; ".join(planted + pair for pair in pairs))
    assert (answer.status, answer.header("location")) == (400, None)
    assert "code=" in send(stack, sign_in.callback, b" ;\t".join(pairs) + b" \t").location, "space and tab are trimmed"


@requirement("CB-02", "GEN-25")
@pytest.mark.parametrize("decoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("space", UNICODE_SPACES, ids=ascii)
def test_a_cookie_header_outside_ascii_is_refused_however_the_gateway_decodes_it(space: str, decoding: str) -> None:
    header = f"a=1; {space}__Host-tb_session=x".encode().decode(decoding)
    with pytest.raises(InvalidRequest, match="cookie_not_ascii"):
        parse_cookies([header], prefix="__Host-tb_")


@requirement("CB-02", "GEN-25")
@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_of_ascii_only_space_and_tab_are_trimmed(control: str) -> None:
    read = parse_cookies([f"{control}__Host-tb_session=x;\t b=2 "], prefix="__Host-tb_")
    assert read == {f"{control}__Host-tb_session": "x", "b": "2"}


TWICE = "tb_session=1; tb_session=2"
HOST_TWICE = "__Host-tb_session=1; __Host-tb_session=2"


@requirement("GEN-09")
@pytest.mark.parametrize(("cookie", "status"), [(TWICE, 200), (HOST_TWICE, 400)])
def test_under_https_only_names_with_the_prefix_may_not_repeat(
    make_stack: Callable[..., Stack], cookie: str, status: int
) -> None:
    """A sibling host can set `tb_session` twice, by two paths, and must not lock anybody out by it."""
    assert send(make_stack(issuer=f"https://{HOST}"), "/account", cookie.encode()).status == status
