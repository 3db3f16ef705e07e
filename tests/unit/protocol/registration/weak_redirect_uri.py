"""Checkers of redirect URIs that leave one thing out, or do it as products did that fell for it: they prove the corpus.

Registration is a set of rules, each of which looks at its own part of the text alone; a line of the corpus names those
that are about its trick, and all others have to be content with it. Matching is a way of comparing for each weakness.
"""

import re
import unicodedata
from urllib.parse import unquote, unquote_plus, urlsplit

ANSWERS = {"code", "state", "iss", "error", "access_token", "id_token", "response"}
_PARTS = re.compile(r"(?:([^:/?#]*):)?(?:(//)([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_QUAD = re.compile(r"127(?:\.(?:0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])){3}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class Parts:
    """A text taken apart without any judgement."""

    def __init__(self, uri: str) -> None:
        match = _PARTS.fullmatch(uri)
        assert match is not None
        scheme, self.slashes, authority, self.path, query, self.fragment = match.groups()
        self.uri, self.raw_scheme, self.authority, self.query = uri, scheme or "", authority or "", query or ""
        self.scheme = self.raw_scheme.lower()
        self.userinfo, self.at, place = self.authority.rpartition("@")
        self.host, colon, port = (place.rpartition("]") if place.startswith("[") else ("", "", place))[2].partition(":")
        if place.startswith("["):
            self.host = place.rpartition("]")[0] + "]"
        self.port = port if colon else None
        self.web = self.scheme in ("http", "https")

    @property
    def is_number(self) -> bool:
        """A browser would read it as an address."""
        last = self.host.lower().rstrip(".").rpartition(".")[2]
        return self.host.startswith("[") or bool(re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last))

    @property
    def is_localhost(self) -> bool:
        """The name, or one under it, however it is spelled."""
        name = self.host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")


RULES = {
    "characters": lambda p, kind: bool(re.search(r"[^A-Za-z0-9._~:/?\[\]@!$&'()+,;=%#*-]", p.uri)),
    "broken escapes": lambda p, kind: bool(re.search(r"%(?![0-9A-Fa-f]{2})", p.uri)),
    "control escapes": lambda p, kind: bool(re.search(r"%(?:[01][0-9A-Fa-f]|7[Ff])", p.uri)),
    "separator escapes": lambda p, kind: bool(re.search(r"%(?:2[eEfF]|5[cC]|25)", p.path)),
    "dot segments": lambda p, kind: bool({".", ".."} & set(p.path.split("/"))),
    "brackets": lambda p, kind: bool(re.search(r"[\[\]]", p.path + p.query)),
    "fragment": lambda p, kind: p.fragment is not None,
    "wildcard": lambda p, kind: "*" in p.uri,
    "user-info": lambda p, kind: bool(p.at) or "%40" in p.authority,
    "capitals": lambda p, kind: p.raw_scheme != p.scheme or (p.web and p.host != p.host.lower()),
    "scheme": lambda p, kind: not p.web and "." not in p.scheme.strip("."),
    "private scheme": lambda p, kind: not p.web and not re.fullmatch(r"[^.]{2,}(?:\.[^.]+)*", p.scheme),
    "scheme begins": lambda p, kind: bool(p.scheme) and not p.scheme[0].isalpha() and p.scheme[0] != ".",
    "private path": lambda p, kind: (
        not p.web and "." in p.scheme and not (p.authority if p.slashes else p.path.startswith("/"))
    ),
    "private for web": lambda p, kind: not p.web and "." in p.scheme and kind == "web",
    "authority": lambda p, kind: p.web and not (p.slashes and p.authority),
    "empty host": lambda p, kind: p.web and bool(p.authority) and not p.host,
    "labels": lambda p, kind: (
        p.web
        and bool(p.host)
        and not p.is_number
        and (len(p.host) > 253 or not all(map(_LABEL.fullmatch, p.host.split("."))))
    ),
    "address": lambda p, kind: p.web and p.is_number and p.host != "[::1]" and not _QUAD.fullmatch(p.host),
    "localhost": lambda p, kind: (
        p.is_localhost and (kind == "web" or p.scheme != "http" or p.host.lower() != "localhost")
    ),
    "plain http": lambda p, kind: p.scheme == "http" and bool(p.host) and not p.is_number and not p.is_localhost,
    "port": lambda p, kind: (
        p.port is not None and not (re.fullmatch("[1-9][0-9]{0,4}", p.port) and int(p.port) <= 65535)
    ),
    "answers": lambda p, kind: any(
        unquote_plus(part.partition("=")[0]).strip().lower() in ANSWERS for part in re.split("[&;]", p.query[1:])
    ),
}


def weak_register(uri: str, kind: str, left_out: frozenset[str]) -> bool:
    """True where every rule but these is content."""
    parts = Parts(uri)
    return not any(broken(parts, kind) for name, broken in RULES.items() if name not in left_out)


def _without_port(uri: str) -> str:
    return re.sub(r"^(https?://(?:\[[^\]]*\]|[^/?#:@]*)):?[^/?#@]*", r"\1", uri)


def _same(of):
    return lambda sent, registered: of(sent) == of(registered)


def _resolved(uri: str) -> str:
    head, _, path = uri.partition("://")
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1] or kept
        elif segment != ".":
            kept.append(segment)
    return head + "://" + "/".join(kept)


def _private(uri: str) -> str:
    scheme = uri.partition(":")[0]
    return scheme if "." in scheme else ""


def _host(uri: str) -> str:
    return (urlsplit(uri).netloc.rpartition("@")[2]).split(":")[0].lower()


COMPARISONS = {
    "beginning": lambda sent, registered: sent.startswith(registered),
    "beginning, the other way": lambda sent, registered: registered.startswith(sent),
    "path alone": _same(lambda uri: urlsplit(uri).path),
    "host alone": _same(_host),
    "host's end": lambda sent, registered: _host(sent).endswith(_host(registered)),
    "without a slash at the end": _same(lambda uri: uri.rstrip("/")),
    "small letters": _same(str.lower),
    "without query": _same(lambda uri: uri.partition("?")[0]),
    "query as a set": _same(lambda uri: (uri.partition("?")[0], sorted(uri.partition("?")[2].split("&")))),
    "without port": _same(_without_port),
    "without scheme": _same(lambda uri: uri.partition(":")[2]),
    "unescaped": _same(unquote),
    "dots resolved": _same(_resolved),
    "without fragment": _same(lambda uri: uri.partition("#")[0]),
    "authority as written": lambda sent, registered: registered.split("/")[2] in sent.split("/")[2],
    "without dot at the end": _same(lambda uri: uri.replace("./", "/")),
    "stripped": _same(str.strip),
    "one of its words": lambda sent, registered: registered in sent.split(),
    "normalized": _same(lambda uri: unicodedata.normalize("NFC", uri)),
    "any loopback": _same(lambda uri: re.sub(r"127[0-9.]*|localhost|\[::1\]", "loopback", _without_port(uri))),
    "https too": _same(lambda uri: _without_port(uri).replace("https:", "http:")),
    "loopback by its beginning": lambda sent, registered: (
        sent.startswith(registered.removesuffix("/cb")) and sent.endswith("/cb")
    ),
    "without what follows": lambda sent, registered: _without_port(sent.splitlines()[0]) == registered,
    "reverse domain": lambda sent, registered: (
        _private(sent) and _private(sent).rpartition(".")[0] == _private(registered).rpartition(".")[0]
    ),
    "slashes": _same(lambda uri: re.sub("/+", "/", uri)),
    "any port": _same(lambda uri: re.sub(r":[0-9]+", "", uri)),
}
