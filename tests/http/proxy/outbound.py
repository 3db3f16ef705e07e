"""What this process connects to and looks up, seen where Python hands it to the operating system; and a name server
that changes its mind.

Every connection of a test's process is seen, whoever makes it: a place that is not one of the test's own parts is noted
and does not come about.
"""

import socket
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from chalicelib.adapters.http import guarded_fetcher
from chalicelib.adapters.http.public_addresses import is_global_unicast
from tests.kit import ROOT

NAME = "idp.example.com"
PUBLIC = "93.184.215.14"
CORPUS = tomllib.loads((ROOT / "tests" / "data" / "ssrf.txt").read_text())


class Watch:
    """While it is on: places tried and names looked up, but for those of the test's own parts."""

    def __init__(self) -> None:
        self.on = False
        self.own: frozenset[tuple[str, int]] = frozenset()
        self.tried: list[tuple[str, int]] = []
        self.looked_up: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook: it sees what is about to happen, and an exception prevents it."""
        if not self.on:
            return
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            place = (str(arguments[1][0]), int(arguments[1][1]))
            if place not in self.own:
                self.tried.append(place)
                raise OSError("no way out of a test")
        elif event == "socket.getaddrinfo":
            name = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
            if not _is_address(name):
                self.looked_up.append(name)
                raise socket.gaierror("no names in a test")

    @property
    def not_public(self) -> list[tuple[str, int]]:
        """Places tried that are no public address at port 443."""
        return [place for place in self.tried if place[1] != 443 or not is_global_unicast(ip_address(place[0]))]


def _is_address(name: str) -> bool:
    """Then nobody is asked for it."""
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


_watch: list[Watch] = []


@contextmanager
def watched(*own: tuple[str, int]) -> Iterator[Watch]:
    """Inside the block everything but `own` is noted. A hook cannot be taken out again, so there is one per process."""
    if not _watch:
        _watch.append(Watch())
        sys.addaudithook(_watch[0])
    watch = _watch[0]
    watch.on, watch.own, watch.tried, watch.looked_up = True, frozenset(own), [], []
    try:
        yield watch
    finally:
        watch.on = False


class NameServer:
    """Answers for one name what it is told, another thing at each question where it rebinds; knows no other name."""

    def __init__(self) -> None:
        self.answers: list[list[str]] = [[PUBLIC]]
        self.asked: list[str] = []

    def __call__(self, host: str) -> list[str]:
        """One question."""
        self.asked.append(host)
        if host != NAME:
            raise socket.gaierror("unknown name")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def use_name_server(monkeypatch: Any) -> NameServer:
    """For every fetcher that is made from now on."""
    server = NameServer()
    monkeypatch.setattr(guarded_fetcher, "_resolve", server)
    return server


def urls() -> list[tuple[str, str]]:
    """(what it is, a URL): for places where no URL is ever fetched, whatever its name resolves to."""
    return [*CORPUS["refused_urls"].items(), ("a good one", f"https://{NAME}/cb")]


def tricks() -> Iterator[tuple[str, str, list[list[str]]]]:
    """(what it is, a URL, what its name resolves to at each question): the corpus, and each address of it once more
    behind a name that was public when it was first asked for."""
    for what, url in CORPUS["refused_urls"].items():
        yield what, url, [[PUBLIC]]
    for what, addresses in CORPUS["refused_answers"].items():
        yield f"a name of {what}", f"https://{NAME}/", [addresses]
        yield f"rebinding to {what}", f"https://{NAME}/", [[PUBLIC], addresses]
