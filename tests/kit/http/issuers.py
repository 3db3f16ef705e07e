"""A trusted issuer with a key of its own, and an app whose users sign in there."""

import json
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from chalicelib.records.client import Client
from chalicelib.records.issuer import AcceptanceRule, Issuer
from chalicelib.records.resource import Resource
from cli.deployment.issuers import accept, add_issuer
from cli.deployment.operations import create_resource
from tests.kit.http.browser import Answer
from tests.kit.http.stack import ACCESS_TOKEN, EXCHANGE, Stack
from tests.kit.http.tokens import CONFIDENTIAL

API = "https://orders.example"
AUDIENCE = "https://app.example/api"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
SCOPES = frozenset({"openid", "orders:read", "orders:write"})
_KEYS: dict[str, ec.EllipticCurvePrivateKey] = {}


def key_of(kid: str) -> ec.EllipticCurvePrivateKey:
    """One key per name in this process."""
    return _KEYS.setdefault(kid, ec.generate_private_key(ec.SECP256R1()))


def public_jwk(kid: str) -> dict[str, str]:
    """Its public half."""
    jwk = json.loads(ECAlgorithm.to_jwk(key_of(kid).public_key()))
    return {**{name: jwk[name] for name in ("kty", "crv", "x", "y")}, "kid": kid, "alg": "ES256", "use": "sig"}


@dataclass
class IssuerScene:
    """An app that shows the tokens of an issuer.

    issuer   its exact name; the key has the same name
    """

    stack: Stack
    client: Client
    secret: str | None
    issuer: str = "https://idp.example/tenant-a/"
    more: dict[str, Any] = field(default_factory=dict)

    def sign(self, *, header: dict[str, Any] | None = None, without: tuple[str, ...] = (), **claims: Any) -> str:
        """An access token of alice for AUDIENCE, just issued, with these claims changed."""
        now = self.stack.clock.now()
        content = {
            "iss": self.issuer,
            "sub": "alice@idp",
            "aud": AUDIENCE,
            "azp": "app-at-idp",
            "iat": now,
            "exp": now + 3600,
            "jti": "one",
            **self.more,
            **claims,
        }
        for name in without:
            del content[name]
        named = {"typ": "at+jwt", "kid": self.issuer, **(header or {})}
        return jwt.encode(content, key_of(self.issuer), algorithm="ES256", headers=named)

    def exchange(self, token: str | None = None, **changed: str | None) -> Answer:
        """Exchange it for one of the broker's tokens, or with `audience` for a provider's."""
        fields: dict[str, str | None] = {
            "grant_type": EXCHANGE,
            "subject_token": token or self.sign(),
            "subject_token_type": ACCESS_TOKEN,
            **changed,
        }
        return self.stack.token(self.client, self.secret, **fields)


def trust(stack: Stack, client: Client, issuer: str = "https://idp.example/tenant-a/", **fields: Any) -> Issuer:
    """Add the issuer with one rule for this client.

    fields   of the rule, or of the issuer's record
    """
    of_record = {name: fields.pop(name) for name in list(fields) if name in Issuer.__struct_fields__}
    name = of_record.pop("name", f"idp {len(issuer)}")
    jwks = of_record.pop("jwks", (public_jwk(issuer),))
    add_issuer(
        stack.deployment,
        Issuer(issuer=issuer, name=name, jwks=jwks, algorithms=frozenset({"ES256"}), **of_record),
    )
    return accept(stack.deployment, name, rule(client, **fields))


def rule(client: Client, **fields: Any) -> AcceptanceRule:
    """A rule for access tokens that opens everything of this client's."""
    values: dict[str, Any] = {
        "kind": "access_token",
        "audience": AUDIENCE,
        "clients": frozenset({client.client_id}),
        "parties": frozenset({"app-at-idp"}),
        "scopes": SCOPES,
        "resources": frozenset({API}),
        **fields,
    }
    return AcceptanceRule(**values)


def start_issuer_scene(stack: Stack, *, app: dict[str, Any] | None = None, **fields: Any) -> IssuerScene:
    """Register an API and a confidential app, and trust an issuer for it."""
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"orders:read", "orders:write"})))
    values = {
        "scopes": SCOPES | {"demo:notes:read"},
        "resources": frozenset({API}),
        **CONFIDENTIAL,
        **(app or {}),
    }
    client, secret = stack.client(**values)
    trust(stack, client, **fields)
    return IssuerScene(stack, client, secret)
