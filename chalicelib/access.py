"""The one check of an access token at use: introspection, userinfo, hand-out and proxy ask here and nowhere else.

One strongly consistent batch read brings every mark that could have ended the token since it was issued.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from msgspec import Struct, structs

from chalicelib.issuing import ACCESS_TOKEN_TYP, ID_TOKEN_TYP, is_as_issued, open_subject
from chalicelib.ports import Broker, Found
from chalicelib.protocol import jose
from chalicelib.protocol.acting import CHAIN, read_actors, read_ancestors, whose_grant
from chalicelib.protocol.ascii_text import words
from chalicelib.protocol.errors import InvalidDpopProof, InvalidToken, ProofRefused, ServerError
from chalicelib.protocol.grants import PAUSED, PAUSED_MEMBERS, find_end
from chalicelib.protocol.proof import Proof
from chalicelib.protocol.sealing import SealBroken
from chalicelib.proving import check_holder, read_confirmation, use_up
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.places import (
    DEPLOYMENT,
    Place,
    client_place,
    connection_place,
    consent_place,
    grant_place,
    provider_place,
    revoked_token_place,
    subject_place,
    user_key_place,
)
from chalicelib.records.stored import UserKey
from chalicelib.records.subject import Subject
from chalicelib.request_limits import spend_of_token
from chalicelib.vault.sealed import open_profile, open_user_key

Claims = Mapping[str, Any]
# What binds a token to an actor or to finer access opens nothing of ours: a token speaks of actors where it is for an
# API of the operator's, or is exchanged for one. A key (`cnf`) is checked by `check_holder`.
CONSTRAINTS = CHAIN | {"authorization_details"}


class Presented(Struct, frozen=True, kw_only=True):
    """An access token as somebody uses it.

    proof     that came with it, checked and not used up
    in_form   of a token request, whose proof is its own: it need not be for this token, unless that is bound
    """

    token: str
    proof: Proof | None = None
    in_form: bool = False

    @property
    def jkt(self) -> str | None:
        """The key of the proof."""
        return self.proof.jkt if self.proof else None


class Use(Struct, frozen=True, kw_only=True):
    """A token that is good right now, and what was read to know it.

    client           whose grant it is
    actors           who acts for that client, who has the token first; empty where it has the token itself
    grant, consent   None for a client that acts for itself
    scopes           of the token, less what consent or a registration has lost since
    """

    claims: dict[str, Any]
    client: Client
    scopes: frozenset[str]
    grant: Grant | None
    consent: Consent | None
    found: Found
    actors: tuple[Client, ...] = ()

    def may_reach(self, audience: str) -> bool:
        """True where both whom the user allowed and who has the token are still registered for this API."""
        return all(audience in client.resources for client in (self.client, *self.actors[:1]))

    @property
    def shown_sub(self) -> str:
        """The user as the client of the token knows it."""
        return str(self.claims.get("shown_sub", self.claims["sub"]))


def authorize_use(
    broker: Broker,
    presented: Presented,
    *,
    audience: str,
    also_read: Callable[[Claims], tuple[Place[Any], ...]] = lambda claims: (),
    again: bool = False,
) -> Use:
    """Verify an access token of ours, who holds it, and everything that may have ended it; the proof is used up.

    audience    the one it must be for
    also_read   further places for the same batch read, from the verified claims
    again       the same request has asked already, and its proof is used up

    Raises InvalidToken: forged, of another type, audience or key, expired, revoked, or ended by a mark.
    Raises InvalidDpopProof: the proof has been used before.
    Raises TooManyRequests: the grant of the token has made too many requests.
    """
    claims = _verify(broker, presented.token, audience)
    check_holder(claims, presented.jkt, bound_alone=not presented.in_form)
    if not again and not presented.in_form:
        spend_of_token(broker, claims)
    use = _read_use(broker, claims, also_read)
    if not again:
        use_up_beside(broker, presented)
    return use


def authorize_acting(broker: Broker, subject: Presented, actor: Claims, *, audiences: frozenset[str]) -> Use:
    """The same of a token with which another client acts; one read tells of both. The proof is not used up.

    actor       verified claims of that client's own token: `check_client_token` says whether it still stands
    audiences   the token must be for one of them

    Raises InvalidToken.
    """
    claims = _verify(broker, subject.token, None, acting=True)
    if claims["aud"] not in audiences:
        raise InvalidToken("audience_wrong")
    check_holder(claims, subject.jkt, bound_alone=False)
    return _read_use(broker, claims, lambda _: _client_token_places(actor))


def use_up_beside(broker: Broker, presented: Presented) -> None:
    """The proof that came with a token, as `proving.use_up` does. Raises ProofRefused, InvalidDpopProof."""
    use_up(broker, presented.proof, refusal=InvalidDpopProof if presented.in_form else ProofRefused)


def examine(broker: Broker, token: str) -> Use:
    """The same of a token that nobody uses here: who asks about it compares audience and key. Raises InvalidToken."""
    claims = _verify(broker, token, None)
    if "cnf" in claims:
        read_confirmation(claims)
    return _read_use(broker, claims, lambda claims: ())


def verify_presented(broker: Broker, presented: Presented, *, audience: str) -> dict[str, Any]:
    """Its claims and who holds it; nothing that could have ended it since, and the proof is not used up.

    Raises InvalidToken.
    """
    claims = _verify(broker, presented.token, audience)
    check_holder(claims, presented.jkt, bound_alone=not presented.in_form)
    if not presented.in_form:
        spend_of_token(broker, claims)
    return claims


def _verify(broker: Broker, token: str, audience: str | None, *, acting: bool = False) -> dict[str, Any]:
    claims = verify_signature(broker, token, audience=audience, now=broker.clock.now())
    known = CHAIN if acting or claims["aud"] != broker.settings.issuer else frozenset()
    if (CONSTRAINTS - known) & claims.keys():
        raise InvalidToken("constraint_not_known_here")
    if broker.settings.is_fapi2 and "cnf" not in claims:
        raise InvalidToken("token_not_bound")
    return claims


def _read_use(broker: Broker, claims: dict[str, Any], also_read: Callable[[Claims], tuple[Place[Any], ...]]) -> Use:
    """One read of everything that may have ended it."""
    now = broker.clock.now()
    if "grant_id" not in claims:
        return _authorize_client(broker, claims, now)
    actors = read_actors(claims)
    places = (*_revoked_places(claims), *ending_places(claims), *map(client_place, actors))
    found = broker.store.read(*places, *also_read(claims))
    _check_not_revoked(found, claims)
    use = find_use(broker, claims, found)
    acting = tuple(_check_actor(found, use.client, actor, claims["iat"], now) for actor in actors)
    scopes = frozenset(words(claims["scope"])) & use.scopes
    return structs.replace(use, scopes=scopes.intersection(*(actor.scopes for actor in acting)), actors=acting)


def ending_places(claims: Claims) -> tuple[Place[Any], ...]:
    """Where all that ends a grant stands."""
    sub, client_id = claims["sub"], whose_grant(claims)
    return (
        DEPLOYMENT,
        client_place(client_id),
        grant_place(claims["grant_id"]),
        provider_place(claims["provider"]),
        subject_place(sub),
        consent_place(sub, client_id),
    )


def find_use(broker: Broker, claims: dict[str, Any], found: Found) -> Use:
    """What the grant of these claims is good for right now, as all of it stands in one read. Raises InvalidToken."""
    now, sub, client_id = broker.clock.now(), claims["sub"], whose_grant(claims)
    grant = found.get(grant_place(claims["grant_id"]))
    if grant is None or grant.is_over(now) or (grant.sub, grant.client_id) != (sub, client_id):
        raise InvalidToken("grant_over")
    if not is_as_issued(broker, grant):
        raise InvalidToken("grant_does_not_verify")
    client = found.get(client_place(client_id))
    consent = found.get(consent_place(sub, client_id))
    at = grant.decided_at
    end = find_end_among(broker, found, at, sub=sub, client_id=client_id, provider_id=claims["provider"])
    if end == PAUSED:
        raise InvalidToken(PAUSED, members=PAUSED_MEMBERS)
    if end is not None or client is None or consent is None:
        raise InvalidToken(end or "record_gone")
    scopes = consent.scopes & grant.scopes & client.scopes
    return Use(claims=claims, client=client, scopes=scopes, grant=grant, consent=consent, found=found)


def _check_actor(found: Found, client: Client, actor_id: str, issued_at: int, now: int) -> Client:
    """Every one of a chain has to be there still and may still act for the client: the operator takes either back."""
    actor = found.get(client_place(actor_id))
    if actor is None or actor.is_over(now) or actor.marks.void(issued_at):
        raise InvalidToken("actor_over")
    if actor_id not in client.may_be_acted_by:
        raise InvalidToken("actor_not_allowed")
    return actor


def find_end_among(
    broker: Broker,
    found: Found,
    decided_at: int,
    *,
    sub: str,
    client_id: str,
    provider_id: str,
    first_time: bool = False,
) -> str | None:
    """Which record of one read ends what was decided, or connected, at that time; None where nothing does.

    first_time   there may be no user and no consent yet, who then have no mark; else absence ends it
    """
    subject, consent = found.get(subject_place(sub)), found.get(consent_place(sub, client_id))
    if first_time:
        subject = subject or Subject(sub=sub, session_salt=b"", created_at=0)
        consent = consent or Consent(sub=sub, client_id=client_id)
    return find_end(
        decided_at,
        deployment=found.get(DEPLOYMENT),
        client=found.get(client_place(client_id)),
        provider=found.get(provider_place(provider_id)),
        subject=subject,
        consent=consent,
        now=broker.clock.now(),
    )


def verify_signature(broker: Broker, token: str, *, audience: str | None, now: int) -> dict[str, Any]:
    """Signature, type, issuer, audience, times and epoch; nothing that could have ended it since."""
    keys = {jwk["kid"]: jwk for jwk in broker.keys.public_jwks()}
    claims = jose.verify_own(
        token, keys=keys, typ=ACCESS_TOKEN_TYP, issuer=broker.settings.issuer, audience=audience, now=now
    )
    if claims.get("epoch") != broker.settings.epoch:
        raise InvalidToken("older_epoch")
    return _with_own_subject(broker, claims) if "sealed_sub" in claims else claims


def _with_own_subject(broker: Broker, claims: dict[str, Any]) -> dict[str, Any]:
    """Inside, everything goes by our own name of the user; `shown_sub` is what a pairwise client knows."""
    sub = open_subject(broker, claims)
    if sub is None:
        raise InvalidToken("subject_does_not_open")
    return {**claims, "sub": sub, "shown_sub": claims["sub"]}


def verify_id_token(broker: Broker, token: str) -> dict[str, Any]:
    """The claims of an ID token of ours, over or not: it says who is meant, and opens nothing.

    Raises InvalidToken.
    """
    keys = {jwk["kid"]: jwk for jwk in broker.keys.public_jwks()}
    now, issuer = broker.clock.now(), broker.settings.issuer
    return jose.verify_own(token, keys=keys, typ=ID_TOKEN_TYP, issuer=issuer, audience=None, now=now, over=True)


def _authorize_client(broker: Broker, claims: dict[str, Any], now: int) -> Use:
    """A token of client_credentials has no grant, and nobody who acts."""
    if CHAIN & claims.keys():
        raise InvalidToken("constraint_not_known_here")
    found = broker.store.read(DEPLOYMENT, *_client_token_places(claims))
    client = check_client_token(found, claims, now)
    scopes = frozenset(words(claims["scope"])) & client.scopes
    return Use(claims=claims, client=client, scopes=scopes, grant=None, consent=None, found=found)


def check_client_token(found: Found, claims: Claims, now: int) -> Client:
    """Whose it is, where nothing has ended it: its `iat` stands for `decided_at`. Raises InvalidToken."""
    _check_not_revoked(found, claims)
    client, deployment = found.get(client_place(claims["client_id"])), found.get(DEPLOYMENT)
    if client is None or client.is_over(now) or client.marks.void(claims["iat"]):
        raise InvalidToken("client_over")
    if deployment is not None and deployment.marks.void(claims["iat"]):
        raise InvalidToken("deployment_mark")
    return client


def _client_token_places(claims: Claims) -> tuple[Place[Any], ...]:
    return (*_revoked_places(claims), client_place(claims["client_id"]))


def _revoked_places(claims: Claims) -> tuple[Place[Any], ...]:
    """Where it would stand that a token was revoked, or one that it was made of."""
    return tuple(map(revoked_token_place, (claims["jti"], *read_ancestors(claims))))


def _check_not_revoked(found: Found, claims: Claims) -> None:
    if any(found.get(place) is not None for place in _revoked_places(claims)):
        raise InvalidToken("token_revoked")


def open_key_of(broker: Broker, user_key: UserKey) -> bytes:
    """The key under which everything of one user is sealed. Raises ServerError where it does not open in its place."""
    try:
        return open_user_key(broker.keys.get("vault"), user_key.sealed, sub=user_key.sub)
    except SealBroken as broken:
        broker.log.event("alarm", kind="user_key_does_not_open", sub=user_key.sub, reason=str(broken))
        raise ServerError("user_key_does_not_open") from None


def refuse_unreadable(broker: Broker, connection: Connection, reason: str) -> NoReturn:
    """What does not open where it stands was altered or moved: an alarm, and out of use until the user signs in again.

    Raises ServerError.
    """
    broker.log.event("alarm", kind="vault_does_not_open", connection_id=connection.connection_id, reason=reason)
    broker.store.demand_sign_in(connection)
    note_reauth(broker, connection, "vault_does_not_open")
    raise ServerError("vault_does_not_open")


def note_reauth(broker: Broker, connection: Connection, reason: str) -> None:
    """Only the user can bring this connection back."""
    broker.log.event(
        "reauth_required",
        connection_id=connection.connection_id,
        provider_id=connection.provider_id,
        client_id=connection.client_id,
        sub=connection.sub,
        reason=reason,
    )
    broker.log.count("ReauthRequired")


def profile_places(grant: Grant) -> tuple[Place[Any], ...]:
    """Where the profile of the account stands that signed in, and the key that opens it."""
    return (connection_place(grant.connections.get(grant.provider_id, "")), user_key_place(grant.sub))


def read_profile(broker: Broker, found: Found, grant: Grant) -> dict[str, Any]:
    """The profile of the account that signed in; nothing where the connection is gone or somebody else's."""
    connection_at, key_at = profile_places(grant)
    connection, user_key = found.get(connection_at), found.get(key_at)
    if connection is None or user_key is None or connection.status == "revoked":
        return {}
    if (connection.sub, connection.client_id) != (grant.sub, grant.client_id):
        return {}
    opened = open_key_of(broker, user_key)
    try:
        return open_profile(opened, connection)
    except SealBroken as broken:
        refuse_unreadable(broker, connection, str(broken))
