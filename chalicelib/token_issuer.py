"""The only module that issues tokens: codes, access tokens, ID tokens, refresh tokens."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.ports import Broker
from chalicelib.protocol import own_jwt, token_claims
from chalicelib.protocol.actor_claims import whose_grant
from chalicelib.protocol.derived_ids import derive_pairwise_sid, derive_pairwise_sub
from chalicelib.protocol.errors import InvalidGrant, InvalidScope
from chalicelib.protocol.grant_binding import is_bound
from chalicelib.protocol.handles import Handle, build_handle
from chalicelib.protocol.scope import serialize
from chalicelib.protocol.sealing import canonical, open_text, seal_text
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import resource_item_key
from chalicelib.records.resource import Resource

ACCESS_TOKEN_TYP = "at+jwt"
ID_TOKEN_TYP = "JWT"
LOGOUT_TOKEN_TYP = "logout+jwt"
INTROSPECTION_TYP = "token-introspection+jwt"
LOGOUT_TOKEN_SECONDS = 120


class Audience(Struct, frozen=True, kw_only=True):
    """The single audience of an access token, the scopes for it, and the token's lifetime."""

    uri: str
    scopes: frozenset[str]
    lifetime_seconds: int


def choose_audience(broker: Broker, uri: str, scopes: frozenset[str]) -> Audience:
    """The part of `scopes` that may go into a token for `uri`.

    The broker's issuer gets everything, provider scopes included. A resource gets only its registered scopes. Otherwise
    a resource server could present the token at the broker and get a provider's token.

    Raises InvalidScope if the resource has scopes, and none of them is among `scopes`.
    """
    settings = broker.settings
    if uri == settings.issuer:
        return Audience(uri=uri, scopes=scopes, lifetime_seconds=settings.access_token_seconds)
    item_key = resource_item_key(uri)
    resource = broker.registry.lookup(item_key).get(item_key) or Resource(audience=uri)
    life = resource.token_seconds or settings.access_token_seconds
    if resource.scopes and not scopes & resource.scopes:
        raise InvalidScope("no_scope_of_the_resource")
    return Audience(uri=uri, scopes=scopes & resource.scopes, lifetime_seconds=life)


def subject_for(broker: Broker, client: Client, sub: str) -> str:
    """The user's `sub` for this client."""
    if client.subject_type == "public":
        return sub
    identity = broker.keys.get("identity").current.secret
    return derive_pairwise_sub(identity, sub=sub, sector=client.sector or client.client_id)


def pairwise_sid(broker: Broker, sid: str, pairwise_sub: str) -> str:
    """The `sid` of a browser session for one client. A client with pairwise subjects gets pairwise session ids too;
    otherwise apps could compare session ids and learn which subjects are the same user.

    pairwise_sub   the user's `sub` at the clients of that sector; "" for a client with public subjects
    """
    if not (sid and pairwise_sub):
        return sid
    return derive_pairwise_sid(broker.keys.get("identity").current.secret, sid=sid, sub=pairwise_sub)


def open_subject(broker: Broker, claims: Mapping[str, Any]) -> str | None:
    """The broker's `sub` for a pairwise client's token; None if it cannot be decrypted."""
    place = _subject_place(broker, claims["sub"], whose_grant(claims))
    opened = open_text(broker.keys.get("pairwise"), str(claims["sealed_sub"]), place=place)
    return None if opened is None else opened.hex()


def issue_code(broker: Broker, grant: Grant, code_secret: bytes) -> str:
    """The authorization code of an issued grant; each call returns the same."""
    return _issue_handle(broker, grant, "code", code_secret, 0)


def issue_device_code(broker: Broker, grant: Grant, secret: bytes) -> str:
    """The device code of a grant that waits for the user's decision."""
    return _issue_handle(broker, grant, "device", secret, 0)


def issue_session_handle(broker: Broker, grant: Grant, secret: bytes) -> str:
    """The handle in the cookie of an app's browser session; each call returns the same."""
    return _issue_handle(broker, grant, "bff", secret, grant.generation)


def issue_grant_tokens(
    broker: Broker,
    grant: Grant,
    *,
    refresh_secret: bytes,
    audience: Audience,
    now: int,
    jkt: str | None = None,
    profile: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The token response (RFC 6749 section 5.1) for a grant that has just been redeemed or advanced.

    jkt       thumbprint of the key that the access token is bound to (RFC 9449); None: not bound
    profile   claims of the user for the ID token

    Raises InvalidGrant if the grant was altered after it was issued.
    """
    if not is_as_issued(broker, grant):
        raise InvalidGrant("grant_does_not_verify")
    access_token, expires_in = issue_access_token(broker, grant, audience=audience, now=now, jkt=jkt)
    answer: dict[str, Any] = {
        "access_token": access_token,
        "token_type": token_type(jkt),
        "expires_in": expires_in,
        "scope": serialize(audience.scopes),
    }
    if "offline_access" in grant.scopes:
        answer["refresh_token"] = _issue_handle(broker, grant, "refresh", refresh_secret, grant.generation)
    if "openid" in grant.scopes:
        answer["id_token"] = _issue_id_token(broker, grant, access_token, now, profile or {})
    return answer


def is_as_issued(broker: Broker, grant: Grant) -> bool:
    """False, with an alarm, if the owner of the grant was altered in the table. The grant gives no access then."""
    if is_bound(grant, broker.keys.get("handle")):
        return True
    broker.log.event("alarm", kind="grant_does_not_verify", grant_id=grant.grant_id, client_id=grant.client_id)
    return False


def token_type(jkt: str | None) -> str:
    """The use of an access token: with proofs by its key, or as a bearer token."""
    return "Bearer" if jkt is None else "DPoP"


def issue_access_token(
    broker: Broker,
    grant: Grant,
    *,
    audience: Audience,
    now: int,
    jkt: str | None = None,
    exchanged: Mapping[str, Any] | None = None,
) -> tuple[str, int]:
    """Sign an access token (RFC 9068) that expires no later than its grant; returns it with its lifetime in seconds.

    exchanged   claims about the tokens that it was exchanged from and about actors (`protocol/actor_claims.py`)
    """
    life = min(audience.lifetime_seconds, grant.ends_at - now, grant.expires_at - now)
    content = token_claims.access_token_claims(
        issuer=broker.settings.issuer,
        sub=grant.shown_sub or grant.sub,
        audience=audience.uri,
        client_id=grant.client_id,
        scopes=audience.scopes,
        jti=broker.entropy.token_bytes(16).hex(),
        now=now,
        lifetime_seconds=life,
        auth_time=grant.auth_time,
        grant_id=grant.grant_id,
        connections=grant.connections,
        epoch=broker.settings.epoch,
        jkt=jkt,
    )
    content["provider"] = grant.provider_id
    if grant.origin:
        content |= {"origin": grant.origin, "grant_version": grant.version}
    if grant.shown_sub:
        content["sealed_sub"] = _seal_subject(broker, grant)
    return _sign(broker, {**content, **(exchanged or {})}, ACCESS_TOKEN_TYP), life


def issue_client_token(broker: Broker, client_id: str, *, audience: Audience, now: int, jkt: str | None = None) -> str:
    """Sign an access token for a client that acts for itself (RFC 6749 section 4.4): its `sub` is the client."""
    content = token_claims.access_token_claims(
        issuer=broker.settings.issuer,
        sub=client_id,
        audience=audience.uri,
        client_id=client_id,
        scopes=audience.scopes,
        jti=broker.entropy.token_bytes(16).hex(),
        now=now,
        lifetime_seconds=audience.lifetime_seconds,
        epoch=broker.settings.epoch,
        jkt=jkt,
    )
    return _sign(broker, content, ACCESS_TOKEN_TYP)


def issue_logout_token(broker: Broker, client_id: str, *, sub: str, sid: str, now: int) -> str:
    """Sign the back-channel logout token that notifies an app about the end of a session; valid for one call."""
    content = token_claims.logout_token_claims(
        issuer=broker.settings.issuer,
        sub=sub,
        client_id=client_id,
        sid=sid,
        jti=broker.entropy.token_bytes(16).hex(),
        now=now,
        lifetime_seconds=LOGOUT_TOKEN_SECONDS,
    )
    return _sign(broker, content, LOGOUT_TOKEN_TYP)


def issue_introspection(broker: Broker, client_id: str, said: dict[str, Any], *, now: int) -> str:
    """Sign an introspection response for a resource server (RFC 9701 section 5). The token's claims are nested, so that
    nobody accepts this JWT as a token. It is no credential, and has no expiry."""
    content = {"iss": broker.settings.issuer, "aud": client_id, "iat": now, "token_introspection": said}
    return _sign(broker, content, INTROSPECTION_TYP)


def _issue_id_token(broker: Broker, grant: Grant, access_token: str, now: int, profile: Mapping[str, Any]) -> str:
    content = token_claims.id_token_claims(
        issuer=broker.settings.issuer,
        sub=grant.shown_sub or grant.sub,
        client_id=grant.client_id,
        now=now,
        lifetime_seconds=broker.settings.id_token_seconds,
        nonce=grant.nonce,
        auth_time=grant.auth_time,
        acr=grant.acr,
        access_token=access_token,
        sid=pairwise_sid(broker, grant.sid, grant.shown_sub) or None,
    )
    return _sign(broker, {**profile, **content}, ID_TOKEN_TYP)


def _seal_subject(broker: Broker, grant: Grant) -> str:
    place = _subject_place(broker, grant.shown_sub, grant.client_id)
    salt = broker.entropy.token_bytes(32)
    return seal_text(broker.keys.get("pairwise"), bytes.fromhex(grant.sub), place=place, salt=salt)


def _subject_place(broker: Broker, shown: str, client_id: str) -> bytes:
    return canonical("pairwise", broker.settings.epoch, shown, client_id)


def _sign(broker: Broker, content: dict[str, Any], typ: str) -> str:
    return own_jwt.sign(content, key=broker.keys.get("signing").current, typ=typ)


def _issue_handle(broker: Broker, grant: Grant, kind: Any, secret: bytes, generation: int) -> str:
    handle = Handle(
        kind=kind,
        key_version=grant.key_version,
        region_letter=broker.settings.region_letter,
        grant_id=grant.grant_id,
        secret=secret,
        generation=generation,
    )
    return build_handle(handle, broker.keys.get("handle"), epoch=broker.settings.epoch)
