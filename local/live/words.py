"""The explanation of each step, parameter and header: data, in demo/live/words.toml."""

import fnmatch
import re
import tomllib
from functools import cache
from pathlib import Path

from msgspec import Struct, convert

from local.live.exchange import Exchange, Lane

FILE = Path(__file__).resolve().parents[2] / "demo" / "live" / "words.toml"
_RFC = re.compile(r"RFC (\d+)(?: section ([\d.]+))?")
_PLACES = {
    "OpenID Connect Core": "https://openid.net/specs/openid-connect-core-1_0.html",
    "OpenID Connect Discovery": "https://openid.net/specs/openid-connect-discovery-1_0.html",
    "OpenID Connect Back-Channel Logout": "https://openid.net/specs/openid-connect-backchannel-1_0.html",
    "OpenID Connect RP-Initiated Logout": "https://openid.net/specs/openid-connect-rpinitiated-1_0.html",
    "OpenID Connect Registration": "https://openid.net/specs/openid-connect-registration-1_0.html",
    "Fetch": "https://fetch.spec.whatwg.org/",
    "Content Security Policy": "https://www.w3.org/TR/CSP3/",
    "Referrer Policy": "https://www.w3.org/TR/referrer-policy/",
}


class Word(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """says: what it is. protects: from what, or what it is for. source: the rule's place."""

    says: str
    protects: str
    source: str

    @property
    def link(self) -> str:
        """The URL of its source; empty if the source is a page of the broker."""
        if found := _RFC.match(self.source):
            section = f"#section-{found[2].rstrip('.')}" if found[2] else ""
            return f"https://www.rfc-editor.org/rfc/rfc{found[1]}{section}"
        return next((url for name, url in _PLACES.items() if self.source.startswith(name)), "")


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The title of the matching exchanges: by host, method, path, and grant_type or response."""

    to: Lane
    path: str
    title: str
    method: str = "*"
    grant: str = "*"
    status: str = "*"


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """steps: the first that fits counts. A name may have wildcards; `name@provider` is the same where a provider is
    spoken to."""

    steps: tuple[Step, ...]
    parameters: dict[str, Word]
    headers: dict[str, Word]


@cache
def read_words() -> Words:
    """The whole file."""
    return convert(tomllib.loads(FILE.read_text("utf-8")), Words)


def find_parameter(name: str, exchange: Exchange) -> Word | None:
    """By the very name where the broker is a provider's client, by the name, else by the longest pattern."""
    words = read_words().parameters
    fitting = [key for key in words if "*" in key and fnmatch.fnmatchcase(name, key)]
    as_client = exchange.callee == "provider" or exchange.path.startswith("/callback/")
    special = words.get(f"{name}@provider") if as_client else None
    return special or words.get(name) or words.get(max(fitting, key=len, default=""))


def find_header(name: str) -> Word | None:
    """In lower case."""
    return read_words().headers.get(name)


def find_title(exchange: Exchange) -> str:
    """Empty for what no step describes."""
    told = {
        "to": exchange.callee,
        "path": exchange.path,
        "method": exchange.method,
        "grant": exchange.sent.get("grant_type", ""),
        "status": str(exchange.status or ""),
    }
    for step in read_words().steps:
        if all(fnmatch.fnmatchcase(value, getattr(step, name)) for name, value in told.items()):
            return step.title
    return ""
