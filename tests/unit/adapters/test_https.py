"""The guarded fetcher: where it goes, where it does not, and how much of an answer it takes (FETCH-01)."""

import socket
import time
import tomllib

import pytest

from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher, LocalTarget
from chalicelib.upstream.http import HttpRequest, ProviderUnavailable
from tests.kit import ROOT
from tests.kit.requirement import requirement
from tests.kit.servers import GOOD, Authority, Server, answers

CORPUS = tomllib.loads((ROOT / "tests" / "data" / "ssrf.txt").read_text())
PUBLIC = "93.184.215.14"
NAME = "idp.example.com"


def of(section: str) -> list:
    return [pytest.param(trick, id=name) for name, trick in CORPUS[section].items()]


def get(url: str, **headers: str) -> HttpRequest:
    return HttpRequest(method="GET", url=url, headers=headers)


@pytest.fixture
def connections(monkeypatch):
    """Every address that a connection was tried to; `.to` says where it leads instead of the public internet."""
    real = socket.create_connection

    class Recorded(list):
        to: int | None = None

    seen = Recorded()

    def record(address, *rest, **kwargs):
        seen.append(address)
        if seen.to is None:
            raise OSError("no way out of here")
        return real(("127.0.0.1", seen.to), *rest, **kwargs)

    monkeypatch.setattr(socket, "create_connection", record)
    return seen


@pytest.fixture
def serve():
    servers = []

    def start(behave, tls=None):
        servers.append(Server(behave, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def plain(server) -> tuple[GuardedFetcher, str]:
    target = LocalTarget(host="localhost", port=server.port, address="127.0.0.1")
    return GuardedFetcher(allow=(target,)), f"http://localhost:{server.port}/"


@requirement("FETCH-01")
@pytest.mark.parametrize("url", of("refused_urls"))
def test_a_trick_in_the_url_is_refused_before_any_name_is_resolved(url, connections):
    asked = []
    with pytest.raises(ProviderUnavailable) as refusal:
        GuardedFetcher(resolve=lambda host: asked.append(host) or [PUBLIC]).fetch(get(url))
    assert refusal.value.reason in ("url_not_allowed", "host_not_allowed")
    assert (asked, connections, refusal.value.sent) == ([], [], False)


@requirement("FETCH-01")
@pytest.mark.parametrize("addresses", of("refused_answers"))
def test_a_name_with_an_address_that_is_not_global_unicast_is_not_connected_to(addresses, connections):
    with pytest.raises(ProviderUnavailable) as refusal:
        GuardedFetcher(resolve=lambda _host: addresses).fetch(get(f"https://{NAME}/"))
    assert refusal.value.reason == "address_not_allowed"
    assert connections == []


@requirement("FETCH-01")
@pytest.mark.parametrize("addresses", of("good_answers"))
def test_a_name_with_public_addresses_is_connected_to(addresses, connections):
    with pytest.raises(ProviderUnavailable, match="connect_failed"):
        GuardedFetcher(resolve=lambda _host: addresses).fetch(get(f"https://{NAME}/"))
    assert connections == [(addresses[0], 443)]


@requirement("FETCH-01")
def test_a_name_is_resolved_once_so_that_a_second_answer_cannot_lead_elsewhere(connections, serve, authority, trust):
    server = serve(answers(GOOD), authority.server_context(NAME))
    connections.to = server.port
    trust(authority.ca_file)
    turns = iter(([PUBLIC], ["127.0.0.1"]))
    response = GuardedFetcher(resolve=lambda _host: next(turns)).fetch(get(f"https://{NAME}/keys?a=1"))
    assert response.status == 200
    assert connections == [(PUBLIC, 443)]
    assert next(turns) == ["127.0.0.1"]
    assert server.names == [NAME]
    assert server.heads[0].startswith(b"GET /keys?a=1 HTTP/1.1\r\n")
    assert f"\r\nHost: {NAME}\r\n".encode() in server.heads[0]


@requirement("FETCH-01")
def test_a_certificate_for_another_name_is_refused_before_anything_is_sent(connections, serve, authority, trust):
    server = serve(answers(GOOD), authority.server_context("other.example.com"))
    connections.to = server.port
    trust(authority.ca_file)
    with pytest.raises(ProviderUnavailable, match="tls_failed") as refusal:
        GuardedFetcher(resolve=lambda _host: [PUBLIC]).fetch(get(f"https://{NAME}/"))
    assert (server.heads, refusal.value.sent) == ([], False)


@requirement("FETCH-01")
def test_a_certificate_that_nobody_vouches_for_is_refused(connections, serve, authority):
    connections.to = serve(answers(GOOD), authority.server_context(NAME)).port
    with pytest.raises(ProviderUnavailable, match="tls_failed"):
        GuardedFetcher(resolve=lambda _host: [PUBLIC]).fetch(get(f"https://{NAME}/"))


@requirement("FETCH-01")
def test_a_local_target_may_have_tls_of_its_own_authority(serve, authority):
    server = serve(answers(GOOD), authority.server_context(NAME))
    target = LocalTarget(host=NAME, port=server.port, address="127.0.0.1", plain_http=False, ca_file=authority.ca_file)
    assert GuardedFetcher(allow=(target,)).fetch(get(f"https://{NAME}:{server.port}/")).status == 200
    assert server.names == [NAME]


@requirement("FETCH-01")
def test_a_local_target_may_be_a_providers_own_host_and_leads_to_another_port(serve, authority):
    server = serve(answers(GOOD), authority.server_context(NAME))
    target = LocalTarget(
        host=NAME, port=443, address="127.0.0.1", connect_port=server.port, plain_http=False, ca_file=authority.ca_file
    )
    assert GuardedFetcher(allow=(target,)).fetch(get(f"https://{NAME}/token")).status == 200
    assert server.names == [NAME]
    assert f"Host: {NAME}\r\n".encode() in server.heads[0]


@requirement("FETCH-01")
def test_a_local_target_allows_nothing_but_itself(serve):
    server = serve(answers(GOOD))
    fetcher, url = plain(server)
    assert fetcher.fetch(get(url)).status == 200
    for other in (
        f"http://127.0.0.1:{server.port}/",
        f"https://localhost:{server.port}/",
        "http://localhost/",
        f"http://localhost:{server.port + 1}/",
        f"http://user@localhost:{server.port}/",
    ):
        with pytest.raises(ProviderUnavailable, match="not_allowed"):
            fetcher.fetch(get(other))
    assert len(server.heads) == 1


@requirement("FETCH-01")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(serve, status):
    elsewhere = serve(answers(GOOD))
    location = f"http://localhost:{elsewhere.port}/"
    server = serve(answers(f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()))
    targets = tuple(LocalTarget(host="localhost", port=s.port, address="127.0.0.1") for s in (server, elsewhere))
    response = GuardedFetcher(allow=targets).fetch(get(f"http://localhost:{server.port}/"))
    assert (response.status, elsewhere.heads) == (status, [])


def drip(connection: socket.socket, _head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def drip_head(connection: socket.socket, _head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def silent(_connection: socket.socket, _head: bytes) -> None:
    time.sleep(3)


@requirement("FETCH-01")
@pytest.mark.parametrize("behave", [drip, drip_head, silent])
def test_the_time_limit_holds_for_the_whole_however_slowly_bytes_drip(serve, behave):
    fetcher, url = plain(serve(behave))
    began = time.monotonic()
    with pytest.raises(ProviderUnavailable, match="timed_out") as refusal:
        fetcher.fetch(get(url), timeout_seconds=0.3)
    assert time.monotonic() - began < 1
    assert refusal.value.sent


@requirement("FETCH-01")
def test_the_time_limit_holds_for_the_name_and_for_the_handshake_too(serve, connections):
    began = time.monotonic()
    with pytest.raises(ProviderUnavailable, match="timed_out") as refusal:
        GuardedFetcher(resolve=lambda _host: time.sleep(3) or [PUBLIC]).fetch(
            get(f"https://{NAME}/"), timeout_seconds=0.2
        )
    assert not refusal.value.sent
    connections.to = serve(silent).port  # takes the connection and never says a word
    with pytest.raises(ProviderUnavailable, match="timed_out") as refusal:
        GuardedFetcher(resolve=lambda _host: [PUBLIC]).fetch(get(f"https://{NAME}/"), timeout_seconds=0.2)
    assert not refusal.value.sent
    assert time.monotonic() - began < 1.5


LONG = b"x" * 2000


@requirement("FETCH-01")
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + LONG, id="announced"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + LONG, id="until the end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"7d0\r\n" + LONG + b"\r\n0\r\n\r\n",
            id="chunked",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 60_000 + b"\r\nZ: " + b"y" * 60_000 + b"\r\n\r\n", id="head"
        ),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000 + GOOD, id="endless interim answers"),
    ],
)
def test_an_answer_that_is_too_long_is_refused_and_not_cut(serve, answer):
    fetcher, url = plain(serve(answers(answer)))
    with pytest.raises(ProviderUnavailable, match="too_large") as refusal:
        fetcher.fetch(get(url), max_bytes=1000)
    assert refusal.value.sent


@requirement("FETCH-01")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "connection_broken"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}", "connection_broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "content_encoding"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "connection_broken"),
        (b"", "connection_broken"),
    ],
)
def test_an_answer_that_is_cut_short_packed_or_not_http_is_refused(serve, answer, reason):
    fetcher, url = plain(serve(answers(answer)))
    with pytest.raises(ProviderUnavailable, match=reason) as refusal:
        fetcher.fetch(get(url))
    assert refusal.value.sent


@requirement("FETCH-01")
def test_a_proxy_in_the_environment_is_not_used(serve, monkeypatch):
    proxy, server = serve(answers(GOOD)), serve(answers(GOOD))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    fetcher, url = plain(server)
    fetcher.fetch(get(url))
    assert (len(proxy.heads), len(server.heads)) == (0, 1)


@requirement("FETCH-01")
@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nHost: 127.0.0.1"},
        {"X\r\nY": "a"},
        {"X": "a\0"},
        {"Host": "internal"},
        {"host": "internal"},
        {"Transfer-Encoding": "chunked"},
        {"Content-Length": "0"},
        {"Cookie": "a=b"},
        {"Proxy-Authorization": "Basic eA=="},
    ],
)
def test_a_header_that_is_ours_or_could_end_the_head_is_refused(serve, headers):
    server = serve(answers(GOOD))
    fetcher, url = plain(server)
    with pytest.raises(ProviderUnavailable, match="header_not_allowed"):
        fetcher.fetch(get(url, **headers))
    assert server.heads == []


@requirement("FETCH-01")
@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "OPTIONS", "get", "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET"])
def test_a_method_that_no_provider_needs_is_refused(serve, method):
    server = serve(answers(GOOD))
    fetcher, url = plain(server)
    with pytest.raises(ProviderUnavailable, match="method_not_allowed"):
        fetcher.fetch(HttpRequest(method=method, url=url))
    assert server.heads == []


@requirement("FETCH-01")
def test_the_time_limit_holds_for_a_peer_that_does_not_read(serve):
    fetcher, url = plain(serve(silent))
    request = HttpRequest(method="POST", url=url, body=b"x" * 32_000_000)
    with pytest.raises(ProviderUnavailable, match="timed_out") as refusal:
        fetcher.fetch(request, timeout_seconds=0.3)
    assert refusal.value.sent


@requirement("FETCH-01")
def test_the_refusal_names_neither_host_nor_address():
    with pytest.raises(ProviderUnavailable) as refusal:
        GuardedFetcher(resolve=lambda _host: ["10.1.2.3"]).fetch(get("https://secret.example.com/path"))
    assert "secret" not in str(refusal.value)
    assert "10.1" not in str(refusal.value)


@requirement("FETCH-01")
def test_without_an_allow_list_made_in_code_loopback_is_out_of_reach(serve):
    server = serve(answers(GOOD))
    for host in ("127.0.0.1", "localhost", "[::1]"):
        for scheme in ("http", "https"):
            with pytest.raises(ProviderUnavailable, match="not_allowed"):
                GuardedFetcher().fetch(get(f"{scheme}://{host}:{server.port}/"))
    assert server.heads == []


def test_what_is_sent_and_what_comes_back(serve):
    answer = b"HTTP/1.1 400 Bad\r\nContent-Type: text/plain\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nno"
    server = serve(answers(answer))
    fetcher, url = plain(server)
    request = HttpRequest(method="POST", url=f"{url}token", headers={"Accept": "application/json"}, body=b"a=b")
    response = fetcher.fetch(request)
    assert (response.status, response.body, response.headers["x-a"]) == (400, b"no", "1, 2")
    head = server.heads[0].decode()
    assert head.startswith("POST /token HTTP/1.1\r\n")
    for line in ("User-Agent: token-broker", "Accept: application/json", "Content-Length: 3", "Connection: close"):
        assert f"\r\n{line}\r\n" in head
    fetcher.fetch(HttpRequest(method="GET", url=f"{url}?q", headers={"user-agent": "ours"}))
    assert "token-broker" not in server.heads[1].decode()
    assert server.heads[1].startswith(b"GET /?q HTTP/1.1")


def test_a_second_address_is_tried_when_the_first_does_not_take_the_connection(connections):
    with pytest.raises(ProviderUnavailable, match="connect_failed"):
        GuardedFetcher(resolve=lambda _host: ["2606:4700::1111", PUBLIC, PUBLIC]).fetch(get(f"https://{NAME}/"))
    assert connections == [("2606:4700::1111", 443), (PUBLIC, 443)]


def test_a_name_that_does_not_resolve_is_said_so():
    def unknown(_host):
        raise socket.gaierror("unknown")

    with pytest.raises(ProviderUnavailable, match="name_not_resolved"):
        GuardedFetcher(resolve=unknown).fetch(get(f"https://{NAME}/"))
