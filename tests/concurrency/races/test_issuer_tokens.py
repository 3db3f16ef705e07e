"""First exchanges of one trusted issuer's user at one moment, over two brokers: one grant, and an answer for each."""

from dataclasses import dataclass

import jwt
import pytest

from chalicelib.records.client import Client
from chalicelib.records.issuer import AcceptanceRule, Issuer
from chalicelib.records.item_keys import consent_item_key, grant_item_key
from chalicelib.records.revocation import Revocation
from cli.deployment.issuers import accept, add_issuer
from cli.deployment.operations import create_client
from tests.concurrency.races.arena import REDIRECT, Arena, Crowd
from tests.kit.http.issuers import key_of, public_jwk
from tests.kit.http.stack import ACCESS_TOKEN, EXCHANGE
from tests.kit.http.tokens import read_claims
from tests.kit.requirement import requirement

IDP = "https://idp.example/race/"


@dataclass
class Backend:
    """A client whose users sign in at IDP."""

    arena: Arena
    client: Client
    secret: str

    def form(self, user: str, *, age: int = 0) -> dict[str, str]:
        """The exchange of a token of this user."""
        now = self.arena.broker.clock.now() - age
        claims = {"iss": IDP, "sub": user, "aud": "https://api.example", "iat": now, "exp": now + 3600}
        headers = {"typ": "at+jwt", "kid": IDP}
        return {
            "grant_type": EXCHANGE,
            "client_id": self.client.client_id,
            "client_secret": self.secret,
            "subject_token": jwt.encode(claims, key_of(IDP), algorithm="ES256", headers=headers),
            "subject_token_type": ACCESS_TOKEN,
        }


@pytest.fixture(scope="module")
def backends(arena: Arena) -> list[Backend]:
    """Four clients of one rule: a single one may not bring 200 crowds of new users in a minute (STD-23)."""
    client = Client(
        client_id="",
        client_name="Backend",
        redirect_uris=(REDIRECT,),
        token_endpoint_auth_method="client_secret_post",
        grant_types=frozenset({EXCHANGE}),
        scopes=frozenset({"openid"}),
        handout="none",
    )
    backends = [
        Backend(arena, one, str(secret)) for one, secret in (create_client(arena.deployment, client) for _ in range(4))
    ]
    record = Issuer(issuer=IDP, name="race", jwks=(public_jwk(IDP),), algorithms=frozenset({"ES256"}))
    add_issuer(arena.deployment, record)
    clients = frozenset(backend.client.client_id for backend in backends)
    rule = AcceptanceRule(
        kind="access_token", audience="https://api.example", clients=clients, scopes=frozenset({"openid"})
    )
    accept(arena.deployment, "race", rule)
    return backends


@requirement("STD-06")
def test_first_exchanges_at_once_begin_one_grant(crowd: Crowd, backends: list[Backend], rounds: int) -> None:
    for number in range(rounds):
        backend = backends[number % len(backends)]
        answers = crowd.ask([backend.form(f"user-{number}")] * crowd.size)
        assert {status for status, _ in answers} == {200}, answers
        claims = [read_claims(body["access_token"]) for _, body in answers]
        assert len({(one["sub"], one["grant_id"], one["grant_version"]) for one in claims}) == 1
        assert claims[0]["grant_version"] == 0


@requirement("STD-04", "STD-06")
def test_a_grant_that_is_over_begins_again_once(
    arena: Arena, crowd: Crowd, backends: list[Backend], rounds: int
) -> None:
    """All access was removed two minutes ago; the new token is younger."""
    store, now, backend = arena.broker.store, arena.broker.clock.now(), backends[0]
    for number in range(max(1, rounds // 4)):
        ((_, first),) = crowd.ask([backend.form(f"again-{number}")])
        claims = read_claims(first["access_token"])
        item_key = consent_item_key(claims["sub"], backend.client.client_id)
        consent = store.read(item_key).get(item_key)
        assert consent is not None
        ended = type(consent)(
            sub=consent.sub,
            client_id=consent.client_id,
            vouched=consent.vouched,
            version=consent.version + 1,
            marks=Revocation(not_before=now - 120),
        )
        store.put_consent(ended, expected_version=consent.version)
        store.revoke_grant(claims["grant_id"], client_id=backend.client.client_id)
        answers = crowd.ask([backend.form(f"again-{number}")] * crowd.size)
        assert {status for status, _ in answers} == {200}, answers
        assert {read_claims(body["access_token"])["grant_version"] for _, body in answers} == {1}
        grant_key = grant_item_key(claims["grant_id"])
        grant = store.read(grant_key).get(grant_key)
        assert grant is not None and (grant.version, grant.status) == (1, "active")
