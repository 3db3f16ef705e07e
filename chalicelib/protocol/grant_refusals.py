"""Explains a refused write to a grant, and finds the revocation that ends a grant: pure, total, in a fixed order.

A request that is not otherwise fully valid changes nothing, so that an attacker cannot revoke a grant. A fully valid
credential of an earlier generation is stolen or copied, and revokes the grant.
"""

import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from chalicelib.protocol.errors import InvalidGrant, InvalidScope, InvalidTarget
from chalicelib.protocol.handles import Handle, secret_hash, successor_secret
from chalicelib.protocol.log_redaction import redact, redact_all
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.deployment import Deployment
from chalicelib.records.grant import Grant
from chalicelib.records.issuer import Issuer
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.revocation import Revocation
from chalicelib.records.subject import Subject

FROM_THE_FUTURE = "from_the_future"
PAUSED = "paused_by_user"
PAUSED_MEMBERS: Final[dict[str, object]] = {"reason": "paused"}  # an app may say so to its user, who can undo it


class Repeat(Struct, frozen=True):
    """Answer with the same successor once more; nothing is written."""

    grant: Grant


class Withheld(Struct, frozen=True):
    """The successor exists and a pause kept it back: deliver it once the pause has ended."""

    grant: Grant


class RevokeGrant(Struct, frozen=True):
    """End the grant and everything under it."""

    grant_id: str
    reason: str


class RefreshRequest(Struct, frozen=True, kw_only=True):
    """What a refresh asks beside its token.

    scopes       asked, empty for all
    resource     asked audience beside our issuer, or None
    registered   where no audience was asked: the client's APIs, one of which the grant's first must be; else None
    jkt          key of the proof that came with it, or None
    """

    client_id: str
    epoch: int
    scopes: frozenset[str] = frozenset()
    resource: str | None = None
    registered: frozenset[str] | None = None
    jkt: str | None = None


class CodeRequest(Struct, frozen=True, kw_only=True):
    """What a redemption asks beside its code; `redirect_hash` None where the request names no redirect_uri."""

    client_id: str
    epoch: int
    code_challenge: str
    redirect_hash: str | None = None
    resource: str | None = None
    jkt: str | None = None


def explain_refusal(
    grant: Grant | None, presented: Handle, request: RefreshRequest, *, now: int
) -> Repeat | Withheld | RevokeGrant:
    """Say why the table refused to advance a refresh token (RFC 9700 section 4.14.2).

    grant   the item as it stood when the condition failed; None when there is none
    now     epoch seconds

    Raises InvalidGrant: unknown, another client's or key's, or over; they read alike to the client.
    Raises InvalidScope, InvalidTarget: asked for more than was granted; the token stays good.
    """
    if grant is None or grant.is_over(now) or not _belongs(grant, presented.secret, request.client_id, request.epoch):
        raise InvalidGrant("refresh_token_unknown_or_over")
    if _is_bound(grant, presented.generation) and grant.jkt != request.jkt:
        raise InvalidGrant("refresh_token_of_another_key")
    check_registered(grant.resources[0] if grant.resources else None, request.registered)
    check_narrower(request.scopes, request.resource, grant)
    behind = grant.generation - presented.generation
    is_withheld = behind == 1 and grant.withheld == grant.generation
    if grant.paused and (is_withheld or behind == 0):
        raise InvalidGrant(PAUSED, members=PAUSED_MEMBERS)
    if presented.generation >= grant.generation:
        raise InvalidGrant("binding_mismatch" if presented.generation == grant.generation else FROM_THE_FUTURE)
    if is_withheld or (behind == 1 and now - grant.advanced_at < grant.grace_seconds):
        if grant.jkt and grant.jkt != request.jkt:  # bound meanwhile, by whoever was first: the successor is theirs
            raise InvalidGrant("refresh_token_bound_meanwhile")
        return Withheld(grant) if is_withheld else Repeat(grant)
    if behind == 2 and now - grant.previous_advanced_at < grant.grace_seconds:
        raise InvalidGrant("slow_duplicate")
    return RevokeGrant(grant.grant_id, "refresh_token_replayed")


def came_of_pause(grant: Grant, *, paused_at: int) -> bool:
    """True where the present generation was made during the pause that lasts, so that nobody can have received it.

    paused_at   0: there is no pause. A generation of the pause's own second may have been delivered before it
    """
    return 0 < paused_at < grant.advanced_at


def explain_code_refusal(grant: Grant | None, presented: Handle, request: CodeRequest, *, now: int) -> RevokeGrant:
    """Say why the table refused to redeem a code (OAuth 2.1 section 7.5.2).

    Raises InvalidGrant, InvalidTarget: nothing changes, the honest holder can still redeem.
    """
    if grant is None or grant.is_over(now) or grant.status not in ("issued", "active"):
        raise InvalidGrant("code_unknown_or_over")
    secret = presented.secret if grant.status == "issued" else successor_secret(presented.secret, grant.salt)
    if not _belongs(grant, secret, request.client_id, request.epoch):
        raise InvalidGrant("code_of_another_client_or_key")
    if request.redirect_hash is not None and request.redirect_hash != grant.redirect_hash:
        raise InvalidGrant("redirect_uri_differs")
    if not hmac.compare_digest(grant.code_challenge, request.code_challenge):
        raise InvalidGrant("code_verifier_wrong")
    if grant.dpop_jkt and grant.dpop_jkt != request.jkt:
        raise InvalidGrant("code_of_another_key")
    check_narrower(frozenset(), request.resource, grant)
    if grant.status == "issued":
        raise InvalidGrant("code_not_redeemable")
    return RevokeGrant(grant.grant_id, "code_replayed")


def _is_bound(grant: Grant, generation: int) -> bool:
    """True if this generation is bound to a key. A token issued before the binding needs no proof.

    Its reuse still revokes the grant, because a thief with another key is indistinguishable from the client.
    """
    return grant.bound_since is not None and generation >= grant.bound_since


def check_narrower(scopes: frozenset[str], resource: str | None, grant: Grant) -> None:
    """Refuse what asks for more than the grant holds.

    Raises InvalidScope, InvalidTarget.
    """
    if not scopes <= grant.scopes:
        raise InvalidScope("more_than_granted").noting(expected=grant.scopes, received=redact_all(scopes, grant.scopes))
    if resource is not None and resource not in grant.resources:
        refusal = InvalidTarget("resource_not_granted")
        raise refusal.noting(expected=grant.resources, received=redact(resource, grant.resources))


def check_registered(resource: str | None, registered: frozenset[str] | None) -> None:
    """An API that the client has lost since is lost to what it holds.

    resource     None: the broker's issuer, which every client may use
    registered   the client's APIs; None: not looked at

    Raises InvalidTarget.
    """
    if resource is not None and registered is not None and resource not in registered:
        refusal = InvalidTarget("resource_not_registered")
        raise refusal.noting(expected=registered, received=redact(resource, registered))


def find_revocation(
    decided_at: int,
    *,
    deployment: Deployment | None,
    client: Client | None,
    sources: Mapping[str, ProviderRecord | Issuer | None],
    subject: Subject | None,
    consent: Consent | None,
    now: int,
) -> str | None:
    """Which mark ends what was decided then; None where nothing does.

    sources   the records behind the user's sign-in, by kind: the provider, or the issuer of a token that stood for it

    Absence never widens: a client, source, subject or consent that is gone ends the grant. Only the deployment's
    switch may be absent, since it is written when it is first thrown. A pause ends nothing, but while it lasts nothing
    goes on either: who would end something looks for `PAUSED` first.
    """
    if client is None or client.is_over(now):
        return "client_over"
    if subject is None or consent is None or not sources or None in sources.values():
        return "record_gone"
    marks: Iterable[tuple[str, Revocation]] = (
        ("deployment", deployment.marks if deployment else Revocation()),
        ("client", client.marks),
        *((kind, record.marks) for kind, record in sources.items() if record is not None),
        ("subject", subject.marks),
        ("consent", consent.marks),
    )
    for name, mark in marks:
        if mark.void(decided_at):
            return f"{name}_mark"
    if consent.void(decided_at, now):
        return "consent_time_up"
    return PAUSED if consent.paused_at else None


def _belongs(grant: Grant, secret: bytes, client_id: str, epoch: int) -> bool:
    known = hmac.compare_digest(grant.secret_hash, secret_hash(secret))
    return known and grant.client_id == client_id and grant.epoch == epoch
