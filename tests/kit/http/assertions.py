"""Clients that prove themselves with a key of their own. The assertions are made by joserfc, a library of others."""

import json
import secrets
import socket
import warnings
from dataclasses import dataclass
from typing import Any

import joserfc.jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.records.client import Client
from tests.kit.servers import Server

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KINDS = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES384": lambda: ECKey.generate_key("P-384"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    "PS256": lambda: RSAKey.generate_key(2048),
    "RS256": lambda: RSAKey.generate_key(2048),
}


@dataclass(frozen=True)
class ClientKey:
    """A key pair that is used with one algorithm."""

    algorithm: str
    private: Any
    kid: str = "key-1"

    @property
    def public(self) -> dict[str, str]:
        """What the client registers."""
        return {**self.private.as_dict(private=False), "kid": self.kid}


def new_key(algorithm: str = "ES256", kid: str = "key-1") -> ClientKey:
    """A fresh key pair."""
    return ClientKey(algorithm, KINDS[algorithm](), kid)


KEY = new_key()


def good_claims(issuer: str, client_id: str, now: int) -> dict[str, Any]:
    """What a right assertion says."""
    times = {"iat": now, "exp": now + 60}
    return {"iss": client_id, "sub": client_id, "aud": issuer, "jti": secrets.token_urlsafe(16), **times}


def sign(claims: dict[str, Any], key: ClientKey = KEY, **header: Any) -> str:
    """Members of the header that are None are left out."""
    members = {"alg": key.algorithm, "kid": key.kid, "typ": "client-authentication+jwt", **header}
    members = {name: value for name, value in members.items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joserfc has a word about EdDSA, the old name of Ed25519
        return joserfc.jwt.encode(members, claims, key.private, algorithms=[key.algorithm])


def as_form(assertion: str) -> dict[str, str]:
    """What stands in the request beside its own parameters."""
    return {"client_assertion_type": TYPE, "client_assertion": assertion}


def prove(issuer: str, client: Client, now: int, key: ClientKey = KEY) -> dict[str, str]:
    """A right proof of this moment."""
    return as_form(sign(good_claims(issuer, client.client_id, now), key))


class KeyPlace:
    """Where a client publishes its keys, on loopback: `document` is what is served, None a broken answer."""

    def __init__(self, *keys: ClientKey) -> None:
        self.document: Any = {"keys": [key.public for key in keys]}
        self.status = "200 OK"
        self._server = Server(self._behave)
        self.url = f"http://127.0.0.1:{self._server.port}/jwks"
        self.target = LocalTarget(host="127.0.0.1", port=self._server.port, address="127.0.0.1")

    @property
    def fetches(self) -> int:
        """How often it was asked."""
        return len(self._server.heads)

    def stop(self) -> None:
        """Nobody answers there any more."""
        self._server.stop()

    def _behave(self, connection: socket.socket, _head: bytes) -> None:
        body = b"" if self.document is None else json.dumps(self.document).encode()
        head = f"HTTP/1.1 {self.status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
