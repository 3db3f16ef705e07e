"""Requests to a foreign server, limited to those that cannot change anything there.

These are GET, and a POST of an unknown client with an unknown code. Every URL is untrusted, so all requests use the
guarded fetcher. Loopback is allowed only if it is named.
"""

import base64
import re
import secrets
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode

from chalicelib.adapters.http.deadline_socket import Deadline, WireTimeout
from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher, LocalTarget
from chalicelib.adapters.http.public_addresses import is_global_unicast
from chalicelib.upstream.http import HttpRequest, ProviderUnavailable
from cli.doctor.checks import Skipped
from cli.doctor.server.answer import Answer, split

TIMEOUT_SECONDS, TOTAL_SECONDS = 6.0, 90.0
NOWHERE = "https://doctor.invalid"  # RFC 2606: nobody can own it
NOBODY = f"doctor-{secrets.token_hex(8)}"  # no server knows such a client, so none can be locked out by it
FORM = "application/x-www-form-urlencoded"
REFUSED_BY_GUARD = {"url_not_allowed", "host_not_allowed", "address_not_allowed"}
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")


class Unanswered(Skipped):
    """An address gave no response."""


class Asker:
    """Sends requests and stores every response.

    allow           loopback addresses that may be called; set in code, or by `loopback_target` of the issuer only
    total_seconds   for all requests together, so that an unresponsive server does not cause thirty timeouts
    """

    def __init__(self, *, allow: tuple[LocalTarget, ...] = (), total_seconds: float = TOTAL_SECONDS) -> None:
        self._deadline = Deadline(total_seconds)
        self._allow, self._fetcher = allow, GuardedFetcher(allow=allow)
        self._known: dict[tuple[Any, ...], Answer | str] = {}

    @property
    def answers(self) -> list[Answer]:
        """All responses so far."""
        return [one for one in self._known.values() if isinstance(one, Answer)]

    def get(self, url: str, query: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """Raises Unanswered."""
        joined = "&" if split(url).query else "?"
        return self._ask("GET", url + (joined + urlencode(query) if query else ""), headers, b"")

    def get_plain(self, host: str, path: str) -> Answer:
        """The same without TLS, on port 80 of a public host. Raises Unanswered."""
        if not any((one.host, one.port) == (host, 80) for one in self._allow):
            address = _public_address(host)
            self._fetcher = GuardedFetcher(allow=(*self._allow, LocalTarget(host=host, port=80, address=address)))
        return self.get(f"http://{host}{path}")

    def post_as_nobody(
        self, url: str, query: Mapping[str, str] | None = None, *, basic: bool = False, named: bool = True
    ) -> Answer:
        """A code that was never issued, presented by a client that does not exist.

        basic   the client in the Authorization header, else in the body
        named   False: an empty body instead

        Raises Unanswered.
        """
        form = code_of_nobody() if named else {}
        if basic:
            form.pop("client_id", None)
        headers = {"content-type": FORM, "origin": NOWHERE}
        if basic:
            pair = base64.b64encode(f"{NOBODY}:nothing".encode()).decode()
            headers["authorization"] = f"Basic {pair}"
        return self._ask("POST", url + (f"?{urlencode(query)}" if query else ""), headers, urlencode(form).encode())

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        key = (method, url, tuple(sorted(headers.items())), body)
        if key not in self._known:
            request = HttpRequest(method=method, url=url, headers=dict(headers), body=body)
            try:
                seconds = min(TIMEOUT_SECONDS, self._deadline.left())
                self._known[key] = Answer(url, self._fetcher.fetch(request, timeout_seconds=seconds))
            except ProviderUnavailable as error:
                self._known[key] = error.reason
            except WireTimeout:
                self._known[key] = "no time is left"
        found = self._known[key]
        if isinstance(found, str):
            raise Unanswered(f"{url.partition('?')[0]} gave no answer ({_why(found)})")
        return found


def code_of_nobody() -> dict[str, str]:
    """Parameters of a token request that cannot succeed at any server."""
    return {
        "grant_type": "authorization_code",
        "code": NOBODY,
        "redirect_uri": f"{NOWHERE}/callback",
        "code_verifier": "v" * 43,
        "client_id": NOBODY,
    }


def loopback_target(url: str) -> LocalTarget | None:
    """The loopback address that the URL names; None if it names another machine."""
    parts = split(url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if not _LOOPBACK.fullmatch(host):
        return None
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    return LocalTarget(host=host, port=port, address=address, plain_http=parts.scheme == "http")


def is_on_loopback(url: str) -> bool:
    """Whether the URL is http on loopback, the only place where http is allowed."""
    return url.startswith("http://") and loopback_target(url) is not None


def _public_address(host: str) -> str:
    """One address of the name, all of which are public, as the fetcher itself demands. Raises Unanswered."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)}
        public = all(is_global_unicast(ip_address(one)) for one in found)
    except (OSError, ValueError):
        found, public = set(), False
    if not (found and public):
        raise Unanswered(f"{host} has no public address")
    return min(found)


def _why(reason: str) -> str:
    return f"{reason}: only https on port 443 of a public host is asked" if reason in REFUSED_BY_GUARD else reason
