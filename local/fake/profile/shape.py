"""Answers of a token endpoint with each member where the file reads it."""

from typing import Any

from local.fake.grants import Family
from local.fake.id_token import build_id_token, profile_claims
from local.fake.profile.identity import describe
from local.fake.profile.paths import put
from local.fake.profile.profile_state import ProfileState
from local.fake.profile.values import sample
from local.fake.web import Received

_REFRESH_SECONDS = 90 * 86400


def shape_tokens(
    player: ProfileState, received: Received, family: Family, given: dict[str, object]
) -> dict[str, object]:
    """A good answer: tokens, and whatever else the file reads there."""
    definition, faults = player.definition, player.faults
    rules = definition.token
    document: dict[str, Any] = {}
    if definition.identity.source == "token":
        document |= describe(player, family)
    for name, metadata in definition.metadata.items():
        if metadata.origin == "token":
            put(document, metadata.path, player.metadata[name])
    if rules.success_member:
        put(document, rules.success_member, True)
    inner = _shape_inner(player, received, family, given)
    place = _place_of(player, family)
    if place:
        put(document, place, inner)
    document = document if place else {**document, **inner}
    return {faults.nested: document} if faults.nested else document


def _place_of(player: ProfileState, family: Family) -> str:
    """The first answer of a sign-in has its tokens in the first place of the file, later ones in the last."""
    within = player.definition.token.within
    first = sum(one.family is family for one in player.grants.access_tokens.values()) <= 1
    return within[0] if first else within[-1]


def _shape_inner(
    player: ProfileState, received: Received, family: Family, given: dict[str, object]
) -> dict[str, object]:
    definition, faults = player.definition, player.faults
    rules = definition.token
    own = "bearer" in rules.token_types or faults.token_type != "bearer"
    document: dict[str, Any] = {"token_type": given["token_type"] if own else rules.token_types[0]}
    paths = {"access_token": rules.access_token_path, "refresh_token": rules.refresh_token_path}
    for name, path in {**paths, "expires_in": rules.expires_in_path}.items():
        if name in given:
            put(document, path, given[name])
    if "refresh_token" in given and rules.refresh_expires_in_path:
        put(document, rules.refresh_expires_in_path, _refresh_life(player, family))
    if "scope" in given and (definition.authorization.sends_scope or faults.scope_said is not None):
        put(document, rules.scope_path, _write_scope(player, family))
    if family.openid and not faults.drop_id_token:
        put(document, rules.id_token_path, _id_token(player, received, family))
    return document


def shape_refusal(player: ProfileState, code: str, why: str) -> dict[str, object]:
    """An error in the provider's own word where the file has one for this code."""
    rules = player.definition.token
    word: str | int = next((own for own, registered in rules.errors.items() if registered == code), code)
    word = int(word) if isinstance(word, str) and word.isdigit() else word
    document: dict[str, Any] = {"error_description": why}
    if rules.success_member:
        put(document, rules.success_member, False)
    put(document, rules.error_path, word)
    return document


def _refresh_life(player: ProfileState, family: Family) -> int:
    if family.refresh_ends is not None:
        return int(family.refresh_ends - player.grants.now())
    return player.definition.refresh.idle_expiry_seconds or _REFRESH_SECONDS


def _write_scope(player: ProfileState, family: Family) -> str | list[str]:
    faults, separator = player.faults, player.definition.token.scope_separator
    if faults.scope_said is not None:
        return faults.scope_said
    definition = player.definition
    named = sorted({*family.scopes, *definition.implied_scopes} - set(definition.token.unnamed_scopes))
    return named if faults.scope_as_list else separator.join(named)


def _id_token(player: ProfileState, received: Received, family: Family) -> str:
    rules = player.definition.identity
    issuer, claims = player.places.issuer, profile_claims(family, player.faults)
    if rules.issuer and rules.issuer_claim:
        tenant = sample(rules.issuer_pattern or "")
        issuer, claims = (
            rules.issuer.replace(f"{{{rules.issuer_claim}}}", tenant),
            {**claims, rules.issuer_claim: tenant},
        )
    for path in rules.subject_paths if rules.subject_paths != ("sub",) else ():
        put(claims, path, claims.get(path) or family.user.sub)
    return build_id_token(
        family,
        player.faults,
        player.keys,
        issuer=player.here(issuer, received),
        now=int(player.grants.now()),
        claims=claims,
        algorithm=player.algorithm,
    )
