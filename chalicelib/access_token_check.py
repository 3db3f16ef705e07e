"""The one check of an access token at use, for introspection, userinfo, token exchange and the proxy.

One strongly consistent batch read returns every record that can revoke the token.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, structs

from chalicelib.grant_scopes import usable_scopes
from chalicelib.ports import Broker, Items
from chalicelib.proof_of_possession import check_token_binding, consume_proof, read_confirmation
from chalicelib.protocol import own_jwt
from chalicelib.protocol.actor_claims import CHAIN, read_actors, read_ancestors, whose_grant
from chalicelib.protocol.ascii_text import words
from chalicelib.protocol.dpop_result import Proof
from chalicelib.protocol.errors import InvalidDpopProof, InvalidToken, ProofRefused
from chalicelib.protocol.grant_refusals import PAUSED, PAUSED_MEMBERS
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    consent_item_key,
    grant_item_key,
    revoked_token_item_key,
)
from chalicelib.request_limits import count_token_request
from chalicelib.revocation_marks import DecisionParties, find_revocation_among, revocation_keys
from chalicelib.token_issuer import ACCESS_TOKEN_TYP, ID_TOKEN_TYP, is_as_issued, open_subject

Claims = Mapping[str, Any]
# A token with these claims gives no access to the broker's endpoints. An actor chain is allowed only in a token for an
# API of the operator, or in a token that is exchanged for one. `check_token_binding` checks a key (`cnf`).
CONSTRAINTS = CHAIN | {"authorization_details"}


class PresentedToken(Struct, frozen=True, kw_only=True):
    """An access token as a request presents it.

    proof     the DPoP proof of the request, checked but not yet consumed
    in_form   the token is a parameter of a token request; the proof belongs to the request, and must match the key of
              this token only if the token is bound
    """

    token: str
    proof: Proof | None = None
    in_form: bool = False

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the proof's key."""
        return self.proof.jkt if self.proof else None


class AuthorizedToken(Struct, frozen=True, kw_only=True):
    """A token that is valid now, with the records that prove it.

    client           holds the grant
    actors           clients that act for `client`, the holder of the token first; empty if `client` holds the token
    grant, consent   None for a client that acts for itself
    scopes           of the token, without those that the consent or the registrations have lost since
    """

    claims: dict[str, Any]
    client: Client
    scopes: frozenset[str]
    grant: Grant | None
    consent: Consent | None
    found: Items
    actors: tuple[Client, ...] = ()

    def may_reach(self, audience: str) -> bool:
        """True if both the client of the grant and the holder of the token are registered for this API."""
        return all(audience in client.resources for client in (self.client, *self.actors[:1]))

    @property
    def shown_sub(self) -> str:
        """The `sub` that the token's client knows."""
        return str(self.claims.get("shown_sub", self.claims["sub"]))


def authorize_token(
    broker: Broker,
    presented: PresentedToken,
    *,
    audience: str,
    also_read: Callable[[Claims], tuple[ItemKey[Any], ...]] = lambda claims: (),
    again: bool = False,
) -> AuthorizedToken:
    """Verify an access token, its binding and its revocations, and consume the proof.

    audience    the audience that the token must have
    also_read   more item keys for the same batch read, from the verified claims
    again       the same request has called this before, and its proof is consumed

    Raises InvalidToken if the token is forged, expired, revoked, or has another type, audience or key.
    Raises InvalidDpopProof or ProofRefused if the proof was used before.
    Raises TooManyRequests if the grant of the token has made too many requests.
    """
    claims = _verify(broker, presented.token, audience)
    check_token_binding(claims, presented.jkt, bound_alone=not presented.in_form)
    if not again and not presented.in_form:
        count_token_request(broker, claims)
    use = _read_use(broker, claims, also_read)
    if not again:
        consume_token_proof(broker, presented)
    return use


def authorize_acting(
    broker: Broker, subject: PresentedToken, actor: Claims, *, audiences: frozenset[str]
) -> AuthorizedToken:
    """Verify a subject token that another client presents. One read covers both tokens; the proof is not consumed.

    actor       verified claims of the other client's own access token; check it with `check_client_token`
    audiences   the subject token must have one of them as its audience

    Raises InvalidToken.
    """
    claims = _verify(broker, subject.token, None, acting=True)
    if claims["aud"] not in audiences:
        raise InvalidToken("audience_wrong")
    check_token_binding(claims, subject.jkt, bound_alone=False)
    return _read_use(broker, claims, lambda _: _client_token_keys(actor))


def consume_token_proof(broker: Broker, presented: PresentedToken) -> None:
    """Consume the proof that came with a token. Raises ProofRefused, InvalidDpopProof."""
    consume_proof(broker, presented.proof, refusal=InvalidDpopProof if presented.in_form else ProofRefused)


def inspect_token(broker: Broker, token: str) -> AuthorizedToken:
    """Check a token without using it. The caller compares audience and key. Raises InvalidToken."""
    claims = _verify(broker, token, None)
    if "cnf" in claims:
        read_confirmation(claims)
    return _read_use(broker, claims, lambda claims: ())


def verify_presented(broker: Broker, presented: PresentedToken, *, audience: str) -> dict[str, Any]:
    """Verify signature, audience and binding. Checks no revocation and does not consume the proof.

    Raises InvalidToken, TooManyRequests.
    """
    claims = _verify(broker, presented.token, audience)
    check_token_binding(claims, presented.jkt, bound_alone=not presented.in_form)
    if not presented.in_form:
        count_token_request(broker, claims)
    return claims


def _verify(broker: Broker, token: str, audience: str | None, *, acting: bool = False) -> dict[str, Any]:
    claims = verify_signature(broker, token, audience=audience, now=broker.clock.now())
    known = CHAIN if acting or claims["aud"] != broker.settings.issuer else frozenset()
    if (CONSTRAINTS - known) & claims.keys():
        raise InvalidToken("constraint_not_known_here")
    if broker.settings.is_fapi2 and "cnf" not in claims:
        raise InvalidToken("token_not_bound")
    return claims


def _read_use(
    broker: Broker, claims: dict[str, Any], also_read: Callable[[Claims], tuple[ItemKey[Any], ...]]
) -> AuthorizedToken:
    """Check all revocations of a token with one read."""
    now = broker.clock.now()
    if "grant_id" not in claims:
        return _authorize_client(broker, claims, now)
    actors = read_actors(claims)
    item_keys = (*_revoked_token_keys(claims), *grant_keys(claims), *map(client_item_key, actors))
    found = broker.store.read(*item_keys, *also_read(claims))
    _check_not_revoked(found, claims)
    use = find_grant_access(broker, claims, found)
    acting = tuple(_check_actor(found, use.client, actor, claims["iat"], now) for actor in actors)
    scopes = frozenset(words(claims["scope"])) & use.scopes
    return structs.replace(use, scopes=scopes.intersection(*(actor.scopes for actor in acting)), actors=acting)


def grant_keys(claims: Claims) -> tuple[ItemKey[Any], ...]:
    """The item keys of the grant behind an access token, and of all that can revoke it."""
    return (grant_item_key(claims["grant_id"]), *revocation_keys(DecisionParties.of_claims(claims)))


def find_grant_access(broker: Broker, claims: dict[str, Any], found: Items) -> AuthorizedToken:
    """The access that the grant of these claims gives now, from the records of one read. Raises InvalidToken."""
    now, sub, client_id = broker.clock.now(), claims["sub"], whose_grant(claims)
    grant = found.get(grant_item_key(claims["grant_id"]))
    if grant is None or grant.is_over(now) or (grant.sub, grant.client_id) != (sub, client_id):
        raise InvalidToken("grant_over")
    if (grant.origin, grant.version) != (claims.get("origin", ""), claims.get("grant_version", 0)):
        raise InvalidToken("grant_began_again")
    if not is_as_issued(broker, grant):
        raise InvalidToken("grant_does_not_verify")
    client = found.get(client_item_key(client_id))
    consent = found.get(consent_item_key(sub, client_id))
    end = find_revocation_among(found, DecisionParties.of_claims(claims), grant.decided_at, now=now)
    if end == PAUSED:
        raise InvalidToken(PAUSED, members=PAUSED_MEMBERS)
    if end is not None or client is None or consent is None:
        raise InvalidToken(end or "record_gone")
    scopes = usable_scopes(broker, grant, consent, client, found)
    return AuthorizedToken(claims=claims, client=client, scopes=scopes, grant=grant, consent=consent, found=found)


def _check_actor(found: Items, client: Client, actor_id: str, issued_at: int, now: int) -> Client:
    """Check that a client of the actor chain is registered and may act for the client; the operator can end both."""
    actor = found.get(client_item_key(actor_id))
    if actor is None or actor.is_over(now) or actor.marks.void(issued_at):
        raise InvalidToken("actor_over")
    if actor_id not in client.may_be_acted_by:
        raise InvalidToken("actor_not_allowed")
    return actor


def verify_signature(broker: Broker, token: str, *, audience: str | None, now: int) -> dict[str, Any]:
    """Verify signature, type, issuer, audience, times and epoch. Checks no revocation."""
    keys = {jwk["kid"]: jwk for jwk in broker.keys.public_jwks()}
    claims = own_jwt.verify_own(
        token, keys=keys, typ=ACCESS_TOKEN_TYP, issuer=broker.settings.issuer, audience=audience, now=now
    )
    if claims.get("epoch") != broker.settings.epoch:
        raise InvalidToken("older_epoch")
    return _with_own_subject(broker, claims) if "sealed_sub" in claims else claims


def _with_own_subject(broker: Broker, claims: dict[str, Any]) -> dict[str, Any]:
    """Replace a pairwise `sub` with the broker's `sub`; `shown_sub` is the one that the client knows."""
    sub = open_subject(broker, claims)
    if sub is None:
        raise InvalidToken("subject_does_not_open")
    return {**claims, "sub": sub, "shown_sub": claims["sub"]}


def verify_id_token(broker: Broker, token: str) -> dict[str, Any]:
    """The claims of an ID token that the broker issued, even if it has expired. It only names the user and gives no
    access.

    Raises InvalidToken.
    """
    keys = {jwk["kid"]: jwk for jwk in broker.keys.public_jwks()}
    now, issuer = broker.clock.now(), broker.settings.issuer
    return own_jwt.verify_own(token, keys=keys, typ=ID_TOKEN_TYP, issuer=issuer, audience=None, now=now, over=True)


def _authorize_client(broker: Broker, claims: dict[str, Any], now: int) -> AuthorizedToken:
    """Check a token of client_credentials, which has no grant and no actors."""
    if CHAIN & claims.keys():
        raise InvalidToken("constraint_not_known_here")
    found = broker.store.read(DEPLOYMENT, *_client_token_keys(claims))
    client = check_client_token(found, claims, now)
    scopes = frozenset(words(claims["scope"])) & client.scopes
    return AuthorizedToken(claims=claims, client=client, scopes=scopes, grant=None, consent=None, found=found)


def check_client_token(found: Items, claims: Claims, now: int) -> Client:
    """The client of a token, if no record revokes it; the token's `iat` is the time of the decision. Raises
    InvalidToken."""
    _check_not_revoked(found, claims)
    client, deployment = found.get(client_item_key(claims["client_id"])), found.get(DEPLOYMENT)
    if client is None or client.is_over(now) or client.marks.void(claims["iat"]):
        raise InvalidToken("client_over")
    if deployment is not None and deployment.marks.void(claims["iat"]):
        raise InvalidToken("deployment_mark")
    return client


def _client_token_keys(claims: Claims) -> tuple[ItemKey[Any], ...]:
    return (*_revoked_token_keys(claims), client_item_key(claims["client_id"]))


def _revoked_token_keys(claims: Claims) -> tuple[ItemKey[Any], ...]:
    """The item keys under which a revocation of the token, or of a token that it was exchanged from, is stored."""
    return tuple(map(revoked_token_item_key, (claims["jti"], *read_ancestors(claims))))


def _check_not_revoked(found: Items, claims: Claims) -> None:
    if any(found.get(item_key) is not None for item_key in _revoked_token_keys(claims)):
        raise InvalidToken("token_revoked")
