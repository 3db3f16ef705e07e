"""Which URL of a provider file has which role, and on which hosts the provider answers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from chalicelib.providers.definition import ProviderDefinition

DISCOVERY = "/.well-known/openid-configuration"
_PLACEHOLDER = re.compile(r"\\\{([a-z_]+)\\\}")


@dataclass(frozen=True)
class Place:
    """One URL template; `client_id` and `token` of its path are groups of the pattern."""

    role: str
    url: str
    host: str
    path: re.Pattern[str]


class Places:
    """All URLs of a definition whose placeholders are filled, but for {client_id} and {token}.

    issuer   of the file, or the operator's
    """

    def __init__(self, definition: ProviderDefinition, issuer: str) -> None:
        self.issuer = issuer
        base = issuer.rstrip("/")
        invented = base if definition.discovery else None
        self.authorization = definition.authorization_endpoint or f"{invented}/oauth/authorize"
        self.token = definition.token_endpoint or f"{invented}/oauth/token"
        self.refresh = definition.refresh.endpoint or self.token
        self.exchange = definition.exchange.endpoint if definition.exchange else None
        self.userinfo = definition.userinfo_endpoint or (invented and f"{invented}/oauth/userinfo")
        self.jwks = definition.jwks_uri or (invented and f"{invented}/oauth/jwks")
        self.revocation = definition.revocation_endpoint or (invented and f"{invented}/oauth/revoke")
        self.revocation_call = definition.revocation.url
        self._revokes_by = definition.revocation.method if self.revocation_call else "POST"
        self.discovery = base + DISCOVERY if definition.discovery else None
        self.api = definition.api.base_under(issuer) if definition.api else None
        self._places = [_place(role, url) for role, url in self._roles(definition) if url]
        api_hosts = definition.api.hosts if definition.api else ()
        self._api_hosts = {*api_hosts, *([urlsplit(self.api).hostname or ""] if self.api else [])}

    def _roles(self, definition: ProviderDefinition) -> Iterator[tuple[str, str | None]]:
        """The first that fits counts."""
        yield "authorize", self.authorization
        yield "token", self.token
        yield "token", self.refresh
        yield "token", self.exchange
        yield "discovery", self.discovery
        yield "jwks", self.jwks
        yield "revoke", self.revocation_call
        yield "revoke", self.revocation if definition.revocation.kind == "rfc7009" else None
        yield "userinfo", self.userinfo
        yield "emails", definition.identity.email_list.endpoint if definition.identity.email_list else None
        yield from (("metadata", rule.url) for rule in definition.metadata.values())

    def named(self) -> Iterator[tuple[str, str]]:
        """Addresses that an app is configured with, by their names in RFC 8414, and what the file has beside them."""
        named = {
            "issuer": self.issuer,
            "authorization_endpoint": self.authorization,
            "token_endpoint": self.token,
            "exchange_endpoint": self.exchange,
            "refresh_endpoint": self.refresh if self.refresh != self.token else None,
            "userinfo_endpoint": self.userinfo,
            "jwks_uri": self.jwks,
            "revocation_endpoint": self.revocation,
            "revocation_call": self.revocation_call,
            "api": self.api,
        }
        yield from ((name, url) for name, url in named.items() if url)

    @property
    def hosts(self) -> list[str]:
        """Every host on which it answers."""
        return sorted({place.host for place in self._places} | self._api_hosts)

    def role(self, host: str, path: str, method: str) -> str:
        """The requested path; "" if the file has no such endpoint."""
        for place in self._places:
            fits = place.host == host and place.path.fullmatch(path)
            if fits and (place.role != "revoke" or method == self._revokes_by):
                return place.role
        return "api" if host in self._api_hosts else ""


def is_at(url: str | None, host: str, path: str) -> bool:
    """Whether that is where a request went; the query of neither counts."""
    if url is None:
        return False
    place = _place("", url)
    return place.host == host and place.path.fullmatch(path) is not None


def read_placeholders(url: str, path: str, query: dict[str, str]) -> dict[str, str]:
    """The values of {client_id} and {token} in a template, from its path and its query."""
    parts = urlsplit(url)
    found = _place("", url).path.fullmatch(path)
    values = found.groupdict() if found else {}
    for name, value in parse_qsl(parts.query):
        if value.startswith("{") and name in query:
            values[value.strip("{}")] = query[name]
    return values


def _place(role: str, url: str) -> Place:
    parts = urlsplit(url)
    pattern = _PLACEHOLDER.sub(r"(?P<\1>[^/]+)", re.escape(parts.path or "/"))
    return Place(role, url, parts.hostname or "", re.compile(pattern))
