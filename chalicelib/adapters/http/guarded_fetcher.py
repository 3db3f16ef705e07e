"""The only HTTP client for URLs that someone else can influence (FETCH-01).

https on port 443 only. The name is resolved once, every address must be global unicast, and the connection goes to
the checked address, with the right SNI and Host. Redirects are returned, not followed. Total time and size are
limited, for slow responses too. No proxy, no credentials, no compression. Nothing is sent twice.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Thread

from msgspec import Struct

from chalicelib.adapters.http.deadline_socket import Deadline, DeadlineSocket, WireTimeout, WireTooLong
from chalicelib.adapters.http.public_addresses import is_global_unicast
from chalicelib.protocol.ascii_text import is_digits, lower
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderUnavailable

Address = IPv4Address | IPv6Address
Resolve = Callable[[str], Iterable[str]]

CONNECT_SECONDS = 2.0
MAX_HEADER_BYTES = 65_536
MAX_ADDRESSES_TRIED = 4
MAX_URL_CHARACTERS = 8192
USER_AGENT = "token-broker"

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]-]*)?)"
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_LOCAL_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "onion",
    "test",
    "invalid",
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "te", "upgrade", "cookie"}
)


class LocalTarget(Struct, frozen=True, kw_only=True):
    """One address on this machine that the local stack may reach. Created only in code: no setting can express it.

    host, port    as in the URL
    address       the connection's address; connect_port if it differs from the URL's port
    plain_http    http; else https with certificates of `ca_file`
    """

    host: str
    port: int
    address: str
    connect_port: int | None = None
    plain_http: bool = True
    ca_file: str | None = None


class _Target(Struct, frozen=True, kw_only=True):
    """A URL that passed the checks. `authority` is the Host header, `path` the request target."""

    host: str
    port: int
    authority: str
    path: str
    local: LocalTarget | None


class GuardedFetcher:
    """Sends a request to an allowed address and reads a bounded response. Safe to share between threads."""

    def __init__(self, *, allow: tuple[LocalTarget, ...] = (), resolve: Resolve | None = None) -> None:
        self._allow = allow
        self._resolve = resolve or _resolve

    def fetch(self, request: HttpRequest, *, timeout_seconds: float = 8.0, max_bytes: int = 262_144) -> HttpResponse:
        """Send one request and return its response, whatever its status.

        timeout_seconds   for everything: name, connection, request, response
        max_bytes         of the body; a longer one is refused, not cut

        Raises ProviderUnavailable; its reason contains no address and no host.
        """
        target = self._parse(request.url)
        headers = _checked_headers(request, target)
        deadline = Deadline(timeout_seconds)
        try:
            with self._connect(target, deadline) as raw, self._secure(raw, target, deadline) as secured:
                wire = DeadlineSocket(secured, deadline, limit=max_bytes + MAX_HEADER_BYTES)
                return _exchange(wire, request, target, headers, max_bytes)
        except WireTimeout as timeout:
            raise ProviderUnavailable("timed_out", sent=timeout.sent) from None

    def _parse(self, url: str) -> _Target:
        found = _URL.fullmatch(url) if len(url) <= MAX_URL_CHARACTERS else None
        if found is None:
            raise ProviderUnavailable("url_not_allowed")
        plain = found["scheme"] == "http"
        port = int(found["port"] or (80 if plain else 443))
        host = lower(found["host"])
        path = found["target"] or "/"
        path = path if path.startswith("/") else f"/{path}"
        for local in self._allow:
            if (local.host, local.port, local.plain_http) == (host, port, plain):
                return _Target(host=host, port=port, authority=_authority(host, port, plain), path=path, local=local)
        if plain or port != 443:
            raise ProviderUnavailable("url_not_allowed")
        _check_host(host)
        return _Target(host=host, port=port, authority=host, path=path, local=None)

    def _connect(self, target: _Target, deadline: Deadline) -> socket.socket:
        """Connect to a checked address; the name is not resolved again."""
        if target.local is not None:
            addresses: list[Address] = [ip_address(target.local.address)]
            port = target.local.connect_port or target.port
        else:
            addresses, port = self._checked_addresses(target.host, deadline), target.port
        for address in addresses[:MAX_ADDRESSES_TRIED]:
            try:
                return socket.create_connection((str(address), port), min(CONNECT_SECONDS, deadline.left()))
            except OSError:
                continue
        raise ProviderUnavailable("connect_failed")

    def _checked_addresses(self, host: str, deadline: Deadline) -> list[Address]:
        """All addresses of the name. One forbidden address rejects the name, because the next resolution could return
        it."""
        found: list[list[str]] = []
        # The C library's resolver has no timeout, so it runs in a thread.
        asking = Thread(target=lambda: found.append(list(_silenced(self._resolve, host))), daemon=True)
        asking.start()
        asking.join(deadline.left())
        if not found:
            raise ProviderUnavailable("timed_out")
        try:
            addresses = list(dict.fromkeys(ip_address(text) for text in found[0]))
        except ValueError:  # a scope such as %eth0 that the parser does not know
            raise ProviderUnavailable("address_not_allowed") from None
        if not addresses:
            raise ProviderUnavailable("name_not_resolved")
        if not all(is_global_unicast(address) for address in addresses):
            raise ProviderUnavailable("address_not_allowed")
        return addresses

    def _secure(self, raw: socket.socket, target: _Target, deadline: Deadline) -> socket.socket:
        if target.local is not None and target.local.plain_http:
            return raw
        context = self._context if target.local is None else tls_context(target.local.ca_file)
        raw.settimeout(deadline.left())
        try:
            return context.wrap_socket(raw, server_hostname=target.host.strip("[]"))
        except TimeoutError:
            raise ProviderUnavailable("timed_out") from None
        except (ssl.SSLError, OSError):
            raise ProviderUnavailable("tls_failed") from None

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return tls_context(None)


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Verifies certificates, requires TLS 1.2, and ignores the key log that `create_default_context` takes from the
    environment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=ca_file)
    return context


def _check_host(host: str) -> None:
    """Accept only a public DNS name in ASCII: no address in any notation, no local name, no trailing dot.

    Raises ProviderUnavailable.
    """
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ProviderUnavailable("host_not_allowed")
    # Old resolvers read 127.1, 0x7f.1, 017700000001 as addresses; no top-level domain begins with a digit.
    if is_digits(labels[-1][0]) or labels[-1] in _LOCAL_NAMES or host.endswith(".home.arpa"):
        raise ProviderUnavailable("host_not_allowed")


def _authority(host: str, port: int, plain: bool) -> str:
    return host if port == (80 if plain else 443) else f"{host}:{port}"


def _checked_headers(request: HttpRequest, target: _Target) -> dict[str, str]:
    """The caller's headers and those that only the fetcher sets.

    Raises ProviderUnavailable for a name or value that could end the header block, or a header that the fetcher sets.
    """
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name) or lower(name) in _OURS or lower(name).startswith("proxy-"):
            raise ProviderUnavailable("header_not_allowed")
        if not value.isascii() or not value.isprintable():
            raise ProviderUnavailable("header_not_allowed")
    if request.method not in _METHODS:
        raise ProviderUnavailable("method_not_allowed")
    headers = {"Host": target.authority, "Connection": "close", "Accept-Encoding": "identity"}
    if not any(lower(name) == "user-agent" for name in request.headers):
        headers["User-Agent"] = USER_AGENT
    return headers | request.headers


def _exchange(
    wire: DeadlineSocket, request: HttpRequest, target: _Target, headers: Mapping[str, str], max_bytes: int
) -> HttpResponse:
    connection = http.client.HTTPConnection(target.host, target.port)
    # The connection is already open: http.client only writes and reads the protocol on it.
    connection.sock = wire
    try:
        connection.putrequest(request.method, target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        response = connection.getresponse()
        body = _bounded_body(response, max_bytes)
    except WireTooLong:
        raise ProviderUnavailable("too_large", sent=True) from None
    except (http.client.HTTPException, OSError, ValueError):
        raise ProviderUnavailable("connection_broken", sent=wire.sent) from None
    received: dict[str, str] = {}
    for name, value in response.getheaders():
        key = lower(name)
        received[key] = f"{received[key]}, {value}" if key in received else value
    if lower(received.get("content-encoding", "identity")) != "identity":
        # Not requested; decompressing it could turn a small response into a large one.
        raise ProviderUnavailable("content_encoding", sent=True)
    return HttpResponse(status=response.status, headers=received, body=body)


def _bounded_body(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    if response.length is not None and response.length > max_bytes:
        raise WireTooLong
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise WireTooLong
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    return body


def _resolve(host: str) -> list[str]:
    """Addresses from the operating system's resolver."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]


def _silenced(resolve: Resolve, host: str) -> Iterable[str]:
    """Returns no addresses if the name does not resolve."""
    try:
        return resolve(host)
    except (OSError, UnicodeError):
        return []
