"""Builds the grant at the end of a sign-in, after a callback or from an active session whose connection suffices."""

import msgspec

from chalicelib.ports import Broker, Written
from chalicelib.protocol.grant_binding import bind_grant
from chalicelib.protocol.handles import secret_hash
from chalicelib.protocol.redirect_uri import redirect_hash
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from chalicelib.records.sign_in import AuthorizationRequest, LogoutRecipient
from chalicelib.token_issuer import subject_for

SKEW = 120
# The limit of a cookie that is sent with every request; a client id URL takes the room of four other ids.
MAX_TOLD, MAX_TOLD_CHARACTERS = 16, 1200


def build_grant(
    broker: Broker,
    request: AuthorizationRequest,
    *,
    grant_id: str,
    code_secret: bytes,
    decided_at: int,
    sub: str,
    provider_id: str,
    connection_id: str,
    scopes: frozenset[str],
    auth_time: int | None,
    acr: str,
    client: Client,
    sid: str,
    session_salt: bytes = b"",
    now: int,
) -> Grant:
    """The grant while its code is outstanding, or the browser session of an app; fixes every later expiry.

    session_salt   of the user, for the browser session of an app
    """
    settings = broker.settings
    offline, shown = "offline_access" in scopes, subject_for(broker, client, sub)
    idle = settings.refresh_idle_seconds if offline else settings.access_token_seconds
    life = settings.refresh_end_seconds if offline else settings.code_seconds + settings.access_token_seconds
    grant = Grant(
        grant_id=grant_id,
        status="issued",
        client_id=request.client_id,
        decided_at=decided_at,
        expires_at=now + settings.code_seconds,
        purge_at=_purge_at(broker, decided_at),
        written_by="",
        sub=sub,
        shown_sub=shown if shown != sub else "",
        provider_id=provider_id,
        secret_hash=secret_hash(code_secret),
        key_version=broker.keys.get("handle").current.version,
        redirect_hash=redirect_hash(request.redirect_uri),
        code_challenge=request.code_challenge,
        nonce=request.nonce,
        id_token_claims=request.id_token_claims,
        scopes=scopes,
        resources=request.resources,
        connections={provider_id: connection_id},
        auth_time=auth_time,
        acr=acr,
        sid="" if request.device_round else sid,  # a device is no part of the browser's session
        dpop_jkt=request.dpop_jkt or "",
        ends_at=now + life,
        grace_seconds=settings.refresh_grace_seconds,
        idle_seconds=idle,
        epoch=settings.epoch,
    )
    bound = msgspec.structs.replace(grant, binding=bind_grant(grant, broker.keys.get("handle")))
    return _as_session(broker, bound, session_salt, now) if request.return_to else bound


def _as_session(broker: Broker, grant: Grant, session_salt: bytes, now: int) -> Grant:
    """Make the grant active without a code: its first handle goes straight into the cookie."""
    settings = broker.settings
    ends_at = now + settings.bff_end_seconds
    return msgspec.structs.replace(
        grant,
        status="active",
        generation=1,
        advanced_at=now,
        previous_advanced_at=now,
        expires_at=now + settings.bff_idle_seconds,
        ends_at=ends_at,
        purge_at=max(grant.purge_at, ends_at + SKEW),
        idle_seconds=settings.bff_idle_seconds,
        session_salt_hash=secret_hash(session_salt),
    )


def end_replaced_session(broker: Broker, request: AuthorizationRequest) -> None:
    """Revoke the browser session that a new one replaces, before the new one begins."""
    if not request.replaces:
        return
    ended = broker.store.revoke_grant(request.replaces, client_id=request.client_id)
    if isinstance(ended, Written):
        named = {"grant_id": request.replaces, "client_id": request.client_id}
        broker.log.event("grant_revoked", **named, sub=ended.item.sub, by="user")


def add_logout_recipient(told: tuple[LogoutRecipient, ...], client: Client, sub: str) -> tuple[LogoutRecipient, ...]:
    """The apps to notify when this session ends, with this client added. The newest come last, and the oldest are
    removed if there is no room for all."""
    if client.backchannel_logout_uri is None:
        return told
    others = tuple(one for one in told if one.client_id != client.client_id)
    all_told = (*others, LogoutRecipient(client.client_id, sub))[-MAX_TOLD:]
    while sum(len(one.client_id) + len(one.sub) for one in all_told) > MAX_TOLD_CHARACTERS:
        all_told = all_told[1:]
    return all_told


def build_exchanging_grant(broker: Broker, grant_id: str, client_id: str, decided_at: int, *, now: int) -> Grant:
    """The grant during the request to the provider's token endpoint; it only records the claim."""
    return Grant(
        grant_id=grant_id,
        status="exchanging",
        client_id=client_id,
        decided_at=decided_at,
        expires_at=now + broker.settings.code_seconds,
        purge_at=_purge_at(broker, decided_at),
        written_by="",
    )


def _purge_at(broker: Broker, decided_at: int) -> int:
    """Not before the last cookie from the same page has expired; its form is valid as long as that cookie."""
    return decided_at + 2 * broker.settings.pending_seconds + broker.settings.code_seconds + SKEW
