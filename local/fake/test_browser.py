"""A person with a browser that finds a provider's hosts on this machine; everything else it finds where it is."""

import http.client
import socket
import ssl
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.browser import Browser, Exchange, read_page

Addresses = Mapping[str, tuple[str, int]]


class Person(Browser):
    """Walks through pages of a provider here and of a broker, cookies and all.

    addresses   host -> where it answers
    ca_file     the authority of those hosts
    """

    def __init__(self, addresses: Addresses, ca_file: Path) -> None:
        super().__init__(_MappedHttps(addresses, ssl.create_default_context(cafile=str(ca_file))))

    def decide(self, url: str, decision: str = "alice") -> Exchange:
        """Open a provider's page and press a button: the answer that leads back."""
        page = self.get(url)
        if page.status in (302, 303):
            return page
        return self.submit(page, "decision", decision)

    def go_on(self, answer: Exchange, decision: str = "alice") -> Exchange:
        """Go where an answer leads: a redirect, a button to sign in, or a form that takes an answer to the app."""
        if answer.location:
            return self.get(answer.location)
        forms = read_page(answer.text).forms
        if not forms or not forms[0].buttons:
            raise LookupError(f"{answer.url.partition('?')[0]} leads nowhere")
        wanted = ("decision", decision)
        return self.submit(answer, *(wanted if wanted in forms[0].buttons else forms[0].buttons[0]))

    def call(self, url: str, headers: Mapping[str, str], method: str = "GET") -> Exchange:
        """One call of an API with these headers."""
        return self._send(method, url, None, dict(headers))


class _MappedConnection(http.client.HTTPSConnection):
    """Connects where the map says, with the name that was asked for."""

    def __init__(self, host: str, addresses: Addresses, trust: ssl.SSLContext, **options: Any) -> None:
        super().__init__(host, context=trust, **options)
        self._addresses, self._trust = addresses, trust

    def connect(self) -> None:
        """One connection."""
        if self.host not in self._addresses:
            raise OSError(f"{self.host} is not a host of this provider, and nothing else is called")
        raw = socket.create_connection(self._addresses[self.host], self.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._trust.wrap_socket(raw, server_hostname=self.host)


class _MappedHttps(urllib.request.HTTPSHandler):
    """https for the hosts of one map alone."""

    def __init__(self, addresses: Addresses, trust: ssl.SSLContext) -> None:
        super().__init__(context=trust)
        self._addresses, self._trust = addresses, trust

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """One request."""

        def connect(host: str, **options: Any) -> http.client.HTTPSConnection:
            return _MappedConnection(host, self._addresses, self._trust, **options)

        return self.do_open(connect, req)
