"""The calls of a backend to its broker. Thread-safe: create one TokenBroker per process."""

import hashlib
import json as json_module
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from urllib3 import BaseHTTPResponse

from token_broker_client.cache import ProviderToken, TokenCache
from token_broker_client.errors import Unavailable, read_error

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
MARGIN = 30  # a token that expires in fewer seconds is not stored
PATH = "/:@!$&'()*+,;=-._~%"  # RFC 3986 section 3.3; `?` and `#` are encoded
# Only a connection that was never made is tried again, so nothing is sent twice.
RETRIES = urllib3.Retry(total=None, connect=2, read=False, redirect=False, status=False, other=False)


@dataclass(eq=False)
class TokenBroker:
    """One client at one broker.

    issuer          https, or http on loopback
    client_secret   None for a public client; sent as client_secret_basic
    cache_seconds   how long token() may return the same provider token; 0 turns the cache off
    timeout         seconds of one request
    http            your own pool, for a proxy or a private certificate authority

    Every call raises BrokerError.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    cache_seconds: float = field(default=60, kw_only=True)
    timeout: float = field(default=30, kw_only=True)
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=16), kw_only=True, repr=False)
    _cache: TokenCache = field(default_factory=TokenCache, init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.issuer)
        local = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not parts.hostname or parts.query or not (local or parts.scheme == "https"):
            raise ValueError("issuer: an https URL, or http on loopback")
        self.issuer = self.issuer.rstrip("/")

    def token(self, access_token: str, audience: str, scope: str = "") -> ProviderToken:
        """The provider's own access token for the user of an access token.

        audience   a provider's id, or a connection_id
        scope      the scopes that the token must have
        """
        key = (hashlib.sha256(access_token.encode()).digest(), audience, scope)
        return self._cache.find(key, lambda: self._exchange(access_token, audience, scope))

    def forget(self, token: ProviderToken) -> None:
        """Call it when the provider refuses a token before its expiry; the next token() then asks the broker."""
        self._cache.forget(token)

    def call(
        self,
        access_token: str,
        provider: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> BaseHTTPResponse:
        """Call a provider's API through the broker. An error status of the provider is a response, not an exception.

        path      as in the API's documentation, without the query
        headers   `Broker-Connection` names one of several accounts, `Broker-Host` another host of the API
        """
        url = f"/proxy/{quote(provider, safe='')}/{quote(path.removeprefix('/'), safe=PATH)}"
        if {".", ".."} & set(url.split("/")):
            raise ValueError("path: . and .. segments are not allowed")
        sent = {**(headers or {}), "Authorization": f"Bearer {access_token}"}
        if json is not None:
            body, sent["Content-Type"] = json_module.dumps(json).encode(), "application/json"
        response = self._send(method, url + (f"?{urlencode(query)}" if query else ""), sent, body)
        if response.headers.get("Broker-Answer") != "provider":
            raise read_error(response.status, _document(response), response.headers)
        return response

    def connect_link(self, access_token: str, provider: str, *, scope: str, redirect_uri: str, state: str) -> str:
        """A link at which this user connects an account and returns to `redirect_uri`."""
        form = {"provider": provider, "scope": scope, "redirect_uri": redirect_uri, "state": state}
        return str(self._post("/connect", form, {"Authorization": f"Bearer {access_token}"})["connect_uri"])

    def _exchange(self, access_token: str, audience: str, scope: str) -> tuple[ProviderToken, float]:
        form = {"grant_type": EXCHANGE, "subject_token": access_token, "subject_token_type": ACCESS_TOKEN}
        form |= {"audience": audience, "scope": scope}
        headers = {}
        if self.client_secret is None:
            form["client_id"] = self.client_id
        else:  # RFC 6749 section 2.3.1
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        now, found = time.time(), self._post("/token", form, headers)
        seconds = found.get("expires_in")
        expires_at = None if seconds is None else now + seconds
        token = ProviderToken(found["access_token"], found.get("scope", ""), found["connection_id"], expires_at)
        return token, self.cache_seconds if seconds is None else min(self.cache_seconds, seconds - MARGIN)

    def _post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        response = self._send("POST", path, sent, urlencode(form).encode())
        if response.status == 200:
            return _document(response)
        raise read_error(response.status, _document(response), response.headers, exchange=path == "/token")

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> BaseHTTPResponse:
        request = partial(self.http.request, retries=RETRIES, redirect=False, timeout=self.timeout)
        try:
            return request(method, self.issuer + path, body, headers=headers)
        except urllib3.exceptions.HTTPError as fault:
            step = "no response; check the issuer and the network, and whether a change was carried out, then try again"
            raise Unavailable(step, "unreachable", type(fault).__name__) from fault


def _document(response: BaseHTTPResponse) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
