"""The readers of JWTs, and why one refuses a token."""

from dataclasses import dataclass

import pytest

from chalicelib.protocol import own_jwt
from chalicelib.protocol.client_assertion import (
    check_client_assertion,
    parse_client_assertion,
    verify_client_assertion,
)
from chalicelib.protocol.errors import InvalidClient, InvalidToken
from chalicelib.protocol.provider_id_token import verify_provider_id_token
from chalicelib.records.client import Client
from tests.kit.jose import jose_tricks
from tests.kit.jose.jose_tricks import Kind

NOW = 1_800_000_000
DER, STRANGER_DER = own_jwt.new_signing_key(), own_jwt.new_signing_key()
JWK = own_jwt.public_jwk(DER)
KEYS = {JWK["kid"]: JWK}


@dataclass(frozen=True)
class Reader(Kind):
    """One of the readers of tokens, at work."""

    def verify(self, token, *, now=NOW, **changes):
        if self.name == "own":
            given = {"keys": KEYS, "typ": self.typ, "issuer": self.issuer, "audience": self.audience, "now": now}
            return own_jwt.verify_own(token, **given | changes)
        if self.name == "assertion":
            return verify_assertion(token, issuer=self.audience, now=now)
        given = {"jwks": {"keys": [JWK]}, "algorithms": ("ES256",), "issuer": self.issuer, "now": now}
        given |= {"client_id": self.audience, "nonce": "n-1"}
        return verify_provider_id_token(token, **given | changes)


def reader(name, issuer, subject, audience, typ, **more):
    return Reader(name, issuer, subject, audience, typ, tuple(more.items()), NOW, DER, JWK["kid"])


BROKER, CLIENT_ID = "https://broker.example", "0123456789abcdef" * 2
OWN = reader("own", BROKER, "alice", BROKER, "at+jwt", client_id="c" * 32, jti="1")
PROVIDER = reader("provider", "https://provider.example", "alice", "our-client-id", "JWT", nonce="n-1")
CLIENT = Client(
    client_id=CLIENT_ID, client_name="App", redirect_uris=(), token_endpoint_auth_method="private_key_jwt", jwks=(JWK,)
)


def verify_assertion(token, *, issuer, now):
    assertion = parse_client_assertion(token)
    check_client_assertion(assertion, CLIENT, audiences=(issuer,), now=now)
    verify_client_assertion(assertion, {"keys": list(CLIENT.jwks)})
    return assertion.claims


def compact(header, claims, signed_by="right"):
    return jose_tricks.compact(OWN, header, claims, signed_by)


def reason_of(call, *args, **kwargs):
    with pytest.raises((InvalidToken, InvalidClient)) as refusal:
        call(*args, **kwargs)
    return refusal.value.reason
