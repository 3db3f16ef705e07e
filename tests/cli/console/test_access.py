"""Who may use the console: attacks from other programs, other pages and other names of this machine."""

import socket
from urllib.parse import quote

import pytest

from cli.console.access import new_session
from cli.console.server import ConsoleServer
from cli.console.views import FORMS, PAGES
from tests.kit.cli.console_visitor import Visitor
from tests.kit.requirement import requirement


@requirement("CONSOLE-01")
def test_it_listens_on_loopback_alone(server: ConsoleServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.console.session.link.startswith(f"http://127.0.0.1:{server.server_port}/")


@requirement("CONSOLE-01")
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example", None]
)
def test_a_name_that_now_points_to_loopback_gets_nothing(visitor: Visitor, host: str | None) -> None:
    told = host and host.replace("localhost", f"localhost:{visitor.server.server_port}")
    for answer in (visitor.get("/clients", Host=told), visitor.get("/open?token=x", Host=told)):
        assert answer.status in (400, 421) and "Clients" not in answer.text
    assert visitor.post("/users", {"csrf": visitor.server.console.session.csrf, "sub": "x"}, Host=told).status != 303


@requirement("CONSOLE-02")
def test_the_link_opens_one_session_once(stranger: Visitor) -> None:
    session = stranger.server.console.session
    path = session.link.removeprefix(session.origin)
    opened = stranger.send("GET", path, headers={"Sec-Fetch-Site": "cross-site"})
    cookie = opened.headers["Set-Cookie"]
    assert opened.status == 200 and f'content="0; url={session.base}/"' in opened.text
    assert {"HttpOnly", "SameSite=Strict", f"Path={session.base}/"} <= set(cookie.split("; "))
    again = stranger.send("GET", path)
    assert (again.status, again.headers.get("Set-Cookie")) == (403, None)
    stranger.cookie = cookie.partition(";")[0]
    assert stranger.get("/").status == 200


@requirement("CONSOLE-02")
@pytest.mark.parametrize("token", ["", "x", "é"])
def test_a_wrong_token_opens_nothing_and_ends_nothing(stranger: Visitor, token: str) -> None:
    answer = stranger.get(f"/open?token={quote(token)}")
    assert (answer.status, answer.headers.get("Set-Cookie")) == (403, None)
    assert stranger.server.console.session.entry


@requirement("CONSOLE-02")
def test_an_empty_token_does_not_open_the_console_after_the_link_was_used(visitor: Visitor) -> None:
    assert visitor.get("/open?token=").status == visitor.get("/open").status == 403


@requirement("CONSOLE-02")
@pytest.mark.parametrize("cookie", ["", "token_broker_console=", "token_broker_console=x", "x=y", 'a="'])
@pytest.mark.parametrize("pattern", [*PAGES, "/no-such-page"])
def test_no_page_is_shown_without_the_session(visitor: Visitor, pattern: str, cookie: str) -> None:
    answer = visitor.get(pattern.replace("{", "").replace("}", ""), Cookie=cookie)
    assert answer.status == 401 and "Sections" not in answer.text


@requirement("CONSOLE-02")
@pytest.mark.parametrize("path", ["/", "/clients", "/x/clients", "//", "/%2e%2e/"])
def test_the_path_of_the_session_is_part_of_it(visitor: Visitor, path: str) -> None:
    assert visitor.send("GET", path).status == 404


@requirement("CONSOLE-02")
def test_two_consoles_share_nothing(visitor: Visitor, server: ConsoleServer) -> None:
    other = new_session(server.host)
    mine = server.console.session
    assert not {mine.base, mine.cookie, mine.csrf} & {other.base, other.cookie, other.csrf, other.entry}
    assert min(map(len, (other.cookie, other.csrf, other.entry))) >= 43


@requirement("CONSOLE-03")
@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_a_request_from_another_page_is_refused_even_with_the_cookie(visitor: Visitor, site: str) -> None:
    assert visitor.get("/clients", Sec_Fetch_Site=site).status == 403
    assert visitor.get("/clients", Sec_Fetch_Site="none").status == 200


@requirement("CONSOLE-03")
@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1", "https://{host}"])
@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_another_origin_is_refused(visitor: Visitor, path: str, origin: str | None) -> None:
    told = origin and origin.replace("{host}", visitor.server.host)
    form = {"csrf": visitor.server.console.session.csrf, "sub": "x", "sought": "code_replayed"}
    assert visitor.post(path, form, Origin=told, Sec_Fetch_Site=None).status == 403


@requirement("CONSOLE-03")
@pytest.mark.parametrize("csrf", [None, "", "x"])
@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_the_token_of_the_session_is_refused(visitor: Visitor, path: str, csrf: str | None) -> None:
    form = {"sub": "x", "sought": "code_replayed"} | ({} if csrf is None else {"csrf": csrf})
    assert visitor.post(path, form).status == 403


@requirement("CONSOLE-03")
def test_only_a_form_is_a_form(visitor: Visitor) -> None:
    form = {"csrf": visitor.server.console.session.csrf, "sub": "x"}
    assert visitor.post("/users", form, Content_Type="text/plain").status == 415
    assert visitor.post("/users", form).status == 303
    assert visitor.send("PUT", visitor.base + "/users").status in (405, 501)
    assert visitor.get("/users?csrf=x&sub=x").status == 200


@requirement("CONSOLE-04")
@pytest.mark.parametrize("path", ["/", "/no-such-page", "/open?token=x", "/clients/none"])
def test_every_response_loads_nothing_and_is_stored_nowhere(visitor: Visitor, path: str) -> None:
    for answer in (visitor.get(path), visitor.get(path, Cookie="", Host="evil.example")):
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy and "script" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script" not in answer.text and " style=" not in answer.text and "http://evil" not in answer.text


@requirement("CONSOLE-04")
@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n\xff",
        b"GET /?" + b"a=1&" * 60 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_malformed_request_is_refused_with_the_same_headers(server: ConsoleServer, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.split(b"\r\n", 1)[0].split(b" ")[1].startswith((b"4", b"5"))
    assert b"default-src 'none'" in answer and b"no-store" in answer
