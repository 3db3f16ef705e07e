"""What our tokens and /userinfo say (RFC 9068, OpenID Connect Core sections 2 and 5)."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from chalicelib.protocol.scope import serialize

BACKCHANNEL_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
# Not birthdate and gender: the consent page says "name and picture", so the user would not know that the app gets
# them.
PROFILE_CLAIMS = (
    "family_name",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
)


def access_token_claims(
    *,
    issuer: str,
    sub: str,
    audience: str,
    client_id: str,
    scopes: frozenset[str],
    jti: str,
    now: int,
    lifetime_seconds: int,
    auth_time: int | None = None,
    grant_id: str | None = None,
    connections: Mapping[str, str] | None = None,
    epoch: int = 0,
    jkt: str | None = None,
) -> dict[str, Any]:
    """Claims of an access token (RFC 9068 section 2.2) for exactly one audience.

    scopes        own names and `provider:scope`; the caller leaves the latter out for another audience than our issuer
    connections   provider id -> connection id, a hint for hand-outs: only in tokens whose audience is our issuer
    jkt           the key to which it is bound (RFC 9449 section 6.1); None: whoever has it may use it
    grant_id      in every token that has a grant, since introspection asks whether that one still stands
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": sub,
        "aud": audience,
        "client_id": client_id,
        "scope": serialize(scopes),
        "jti": jti,
        "iat": now,
        "exp": now + lifetime_seconds,
        "epoch": epoch,
    }
    if jkt is not None:
        claims["cnf"] = {"jkt": jkt}
    if auth_time is not None:
        claims["auth_time"] = auth_time
    if grant_id is not None:
        claims["grant_id"] = grant_id
    if connections and audience == issuer:
        claims["connections"] = dict(connections)
    return claims


def id_token_claims(
    *,
    issuer: str,
    sub: str,
    client_id: str,
    now: int,
    lifetime_seconds: int,
    nonce: str | None = None,
    auth_time: int | None = None,
    acr: str = "",
    access_token: str | None = None,
    sid: str | None = None,
) -> dict[str, Any]:
    """Claims of an ID token (OpenID Connect Core section 2).

    `aud` is a plain string, so that sign-out finds the client from the token alone.

    access_token   the one issued beside it, for `at_hash`
    """
    claims: dict[str, Any] = {"iss": issuer, "sub": sub, "aud": client_id, "iat": now, "exp": now + lifetime_seconds}
    if nonce is not None:
        claims["nonce"] = nonce
    if auth_time is not None:
        claims["auth_time"] = auth_time
    if acr:
        claims["acr"] = acr
    if access_token is not None:
        claims["at_hash"] = token_half_hash(access_token)
    if sid is not None:
        claims["sid"] = sid
    return claims


def logout_token_claims(
    *, issuer: str, sub: str, client_id: str, sid: str, jti: str, now: int, lifetime_seconds: int
) -> dict[str, Any]:
    """Claims of a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4); never a `nonce`, so that nobody
    reads it as an ID token.

    sid   "" where every session of this user is meant
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": sub,
        "aud": client_id,
        "iat": now,
        "exp": now + lifetime_seconds,
        "jti": jti,
        "events": {BACKCHANNEL_LOGOUT: {}},
    }
    return {**claims, "sid": sid} if sid else claims


def userinfo_claims(profile: Mapping[str, Any], scopes: frozenset[str]) -> dict[str, Any]:
    """The claims of a stored profile that the scopes allow (OpenID Connect Core section 5.4).

    `sub` is not included: the profile contains the provider's, and the caller adds the broker's. An email address is
    never returned without its verified flag, which is true only if the provider said exactly that.
    """
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims |= {name: profile[name] for name in PROFILE_CLAIMS if profile.get(name) is not None}
    if "email" in scopes and isinstance(profile.get("email"), str):
        claims |= {"email": profile["email"], "email_verified": profile.get("email_verified") is True}
    return claims


def token_half_hash(token: str) -> str:
    """The left half of a token's SHA-256, base64url (OpenID Connect Core section 3.1.3.6)."""
    half = hashlib.sha256(token.encode("ascii")).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()
