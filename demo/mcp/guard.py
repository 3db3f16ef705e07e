"""What an MCP server, or any other API, needs to take a token broker's access tokens: one file to copy, beside PyJWT.

It says who the authorization server is (RFC 9728), asks for a token and for more scopes in the way that MCP clients
follow by themselves (RFC 6750, MCP authorization 2026-07-28), and checks what comes: offline by the broker's published
keys (RFC 9068; a token that was taken back is good until it ends, ten minutes at most), or by asking the broker each
time (RFC 7662), with the credentials of a client that `serves` this audience.
"""

import base64
import json
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt

TIMEOUT_SECONDS = 5
RETRY_SECONDS = 60  # so long no unknown key id causes another fetch: strangers choose them
MAX_BYTES = 262_144
CLAIMS = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id")


@dataclass(frozen=True)
class Token:
    """A token that is good for this server. client_id: the agent, a URL where it is named by its document."""

    sub: str
    client_id: str
    scopes: frozenset[str]
    claims: Mapping[str, Any]


class Refused(Exception):
    """Nothing may be done for this request. status, headers: the answer to it."""

    def __init__(self, reason: str, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.headers = dict(headers)


class Guard:
    """Safe to share between threads.

    resource        this server's own URI, as clients know it and as it is registered at the broker
    issuer          the broker's, byte for byte
    scopes          for the metadata: what a client needs to begin with
    introspect_as   (client_id, client_secret) to ask the broker about each token; None: checked offline
    """

    def __init__(
        self, *, resource: str, issuer: str, scopes: tuple[str, ...], introspect_as: tuple[str, str] | None = None
    ) -> None:
        parts = urlsplit(resource)
        self.resource, self.issuer, self.scopes = resource, issuer, scopes
        self.metadata_path = f"/.well-known/oauth-protected-resource{parts.path.rstrip('/')}"
        self.metadata_url = f"{parts.scheme}://{parts.netloc}{self.metadata_path}"
        self._introspect_as = introspect_as
        self._server: dict[str, Any] = {}
        self._keys: dict[str, jwt.PyJWK] = {}
        self._looked_at: float | None = None
        self._lock = threading.Lock()

    def metadata(self) -> dict[str, Any]:
        """The document to serve at `metadata_path`, to any origin (RFC 9728 section 2)."""
        return {
            "resource": self.resource,
            "authorization_servers": [self.issuer],
            "scopes_supported": list(self.scopes),
            "bearer_methods_supported": ["header"],
        }

    def check(self, authorization: str | None, *needed: str) -> Token:
        """Who calls, if the token is for this server and holds every scope that the call needs.

        authorization   the header as it came; None where there is none
        needed          all of them at once, so that the user is asked once; none: `scopes`

        Raises Refused: 401 without a good token, 403 without the scopes, 503 where the broker does not answer.
        """
        scopes = needed or self.scopes
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise self._refusal("token_missing", 401, scopes)
        claims = self._introspect(token.strip()) if self._introspect_as else self._verify(token.strip())
        if claims is None:
            raise self._refusal("token_refused", 401, scopes, error="invalid_token")
        held = frozenset(str(claims.get("scope", "")).split())
        if not held.issuperset(scopes):
            raise self._refusal("scope_missing", 403, scopes, error="insufficient_scope")
        return Token(sub=str(claims["sub"]), client_id=str(claims["client_id"]), scopes=held, claims=claims)

    def _refusal(self, reason: str, status: int, scopes: tuple[str, ...], error: str = "") -> Refused:
        """RFC 6750 section 3: no error word for a request that brought no token."""
        said = {"error": error} if error else {}
        said |= {"scope": " ".join(scopes), "resource_metadata": self.metadata_url}
        challenge = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in said.items())
        return Refused(reason, status, {"WWW-Authenticate": challenge, "Cache-Control": "no-store"})

    def _verify(self, token: str) -> dict[str, Any] | None:
        """RFC 9068 section 4: type, algorithm, signature, issuer, times, and this audience alone."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != "at+jwt" or header.get("alg") != "ES256":
                return None
            key = self._find_key(str(header.get("kid")))
            if key is None:
                return None
            options: Any = {"require": list(CLAIMS), "strict_aud": True}
            named: dict[str, Any] = {"audience": self.resource, "issuer": self.issuer}
            claims: dict[str, Any] = jwt.decode(token, key, algorithms=["ES256"], options=options, **named)
            return claims
        except jwt.PyJWTError:
            return None

    def _introspect(self, token: str) -> dict[str, Any] | None:
        """The broker says whether the token is alive, and only to whom it is for."""
        name, secret = self._introspect_as or ("", "")
        pair = f"{quote(name, safe='')}:{quote(secret, safe='')}".encode()
        headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        with self._lock:
            self._discover()
        claims = _fetch(self._server["introspection_endpoint"], headers, urlencode({"token": token}).encode())
        good = claims.get("active") is True and (claims.get("iss"), claims.get("aud")) == (self.issuer, self.resource)
        return claims if good else None

    def _find_key(self, kid: str) -> jwt.PyJWK | None:
        """From what is known; else the broker's keys are looked at again, but not at every stranger's word."""
        with self._lock:
            now = time.monotonic()
            if kid not in self._keys and (self._looked_at is None or now - self._looked_at >= RETRY_SECONDS):
                self._discover()
                keys = _fetch(self._server["jwks_uri"]).get("keys", [])
                self._keys = {str(key["kid"]): jwt.PyJWK(key) for key in keys if key.get("alg") == "ES256"}
                self._looked_at = now
            return self._keys.get(kid)

    def _discover(self) -> None:
        """RFC 8414 section 3: the well-known name stands before the issuer's path."""
        if self._server:
            return
        parts = urlsplit(self.issuer)
        found = _fetch(f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}")
        if found.get("issuer") != self.issuer:
            raise Refused("another_issuer", 503, {})
        self._server = found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The broker answers where it is asked."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _fetch(url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> dict[str, Any]:
    """A JSON object of the broker's. Raises Refused where there is none."""
    request = urllib.request.Request(url, body, {"Accept": "application/json", **(headers or {})})
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            document = json.loads(answer.read(MAX_BYTES))
    except (OSError, ValueError) as error:
        raise Refused(f"broker_unavailable: {type(error).__name__}", 503, {"Retry-After": "5"}) from None
    if not isinstance(document, dict):
        raise Refused("broker_unavailable: no object", 503, {"Retry-After": "5"})
    return document


def main() -> None:
    """Print the metadata document: python guard.py RESOURCE ISSUER SCOPE..."""
    import sys

    resource, issuer, *scopes = sys.argv[1:]
    guard = Guard(resource=resource, issuer=issuer, scopes=tuple(scopes))
    print(f"# serve this at {guard.metadata_url}\n" + json.dumps(guard.metadata(), indent=2))


if __name__ == "__main__":
    main()
