"""Writes a connection with its encrypted tokens after a sign-in."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from chalicelib.contention import write_tries
from chalicelib.encryption import (
    Attribute,
    EncryptionContext,
    encryption_context_of,
    open_metadata,
    open_profile,
    open_value,
    seal_value,
)
from chalicelib.ports import Broker, Refused, Written
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.provider_client import REVOCATION_SECONDS, Provider, ProviderSignIn, revoke_at_provider
from chalicelib.records.connection import Connection, ConnectionStatus
from chalicelib.records.consent import Consent
from chalicelib.records.subject import Subject
from chalicelib.vault.new_connections import note_connection
from chalicelib.vault.rules.connection_merge import KeepStored, Replace, carry_over, decide_connection, is_superseded
from chalicelib.vault.rules.reauth_forecast import forecast_reauth
from chalicelib.vault.unstored_tokens import UnstoredTokens

# Limits the item's size. Tokens beyond this many failed revocations stay valid until the provider expires them.
MAX_OUTGOING = 4


class ConnectionOwner(Struct, frozen=True, kw_only=True):
    """The user, client and account that a connection belongs to.

    subject   as read or created in this request
    """

    subject: Subject
    sub: str
    client_id: str
    connection_id: str
    user_key: bytes
    account_id: str


class _New(Struct, frozen=True, kw_only=True):
    """The connection that a sign-in stores, independent of any stored one."""

    owner: ConnectionOwner
    brought: ProviderSignIn
    status: ConnectionStatus
    connected_at: int
    connected_by: str


def store_connection(
    broker: Broker,
    owner: ConnectionOwner,
    brought: ProviderSignIn,
    unstored: UnstoredTokens,
    *,
    read: Connection | None,
    consent: Consent | None,
    status: ConnectionStatus,
    connected_at: int,
    now: int,
    is_void: Callable[[int], bool],
) -> Connection:
    """Write the provider's tokens, encrypted. Returns the stored connection.

    is_void   whether a revocation ended everything connected at that time

    Raises TemporarilyUnavailable if concurrent writes keep winning.
    Raises PageError if the connection was revoked after this was decided: only a later decision may connect again.
    """
    provider = brought.provider
    connected_by = broker.entropy.token_bytes(12).hex()
    new = _New(owner=owner, brought=brought, status=status, connected_at=connected_at, connected_by=connected_by)
    for _ in write_tries(broker):
        if read is not None and is_superseded(read, provider.definition, decided_at=connected_at):
            raise PageError("connection_revoked_meanwhile", page="sign_in_over")
        decision = decide_connection(
            read,
            brought.tokens,
            provider.definition,
            consent,
            epoch=broker.settings.epoch,
            now=now,
            is_void=read is not None and is_void(read.connected_at),
            moved=read is not None and _open_metadata(broker, owner, read) != provider.metadata,
        )
        if isinstance(decision, KeepStored):
            unstored.give_back()
            return decision.stored
        if read is None:
            note_connection(broker, owner.subject, owner.connection_id)
        result = broker.store.put_connection(_build(broker, new, decision, read, now))
        if not isinstance(result, Refused):
            unstored.mark_stored()
            return result.item
        read = result.found
    raise TemporarilyUnavailable("connection_keeps_changing")


def insert_connection(
    broker: Broker, owner: ConnectionOwner, brought: ProviderSignIn, *, connected_at: int
) -> Written[Connection] | Refused[Connection]:
    """Write a connection imported from another system if none was ever stored under its id; else return the
    stored one."""
    anew, connected_by = Replace(generation=1, keep_refresh_token=False), broker.entropy.token_bytes(12).hex()
    new = _New(owner=owner, brought=brought, status="active", connected_at=connected_at, connected_by=connected_by)
    note_connection(broker, owner.subject, owner.connection_id)
    return broker.store.put_connection(_build(broker, new, anew, None, broker.clock.now()))


def revoke_replaced_tokens(broker: Broker, owner: ConnectionOwner, provider: Provider, connection: Connection) -> None:
    """Revoke the refresh tokens that sign-ins replaced, then delete them.

    Tokens whose call fails, or would keep the user waiting, stay in the item for the next sign-in.
    """
    if not connection.outgoing or provider.definition.revocation.ends == "app":
        return
    context, began = encryption_context_of(connection), broker.clock.now()
    try:
        tokens = [open_value(owner.user_key, one, "outgoing", place=context).decode() for one in connection.outgoing]
    except DecryptionFailed:
        broker.log.event("outgoing_does_not_open", connection_id=connection.connection_id)
        return
    for token in tokens:
        in_time = broker.clock.now() - began < REVOCATION_SECONDS
        if not in_time or not revoke_at_provider(broker, provider, token, "refresh_token"):
            return
    broker.store.clear_outgoing(connection)


def _build(broker: Broker, new: _New, decision: Replace, read: Connection | None, now: int) -> Connection:
    owner, provider, tokens = new.owner, new.brought.provider, new.brought.tokens
    context = EncryptionContext(
        connection_id=owner.connection_id,
        sub=owner.sub,
        client_id=owner.client_id,
        provider_id=provider.record.provider_id,
        generation=decision.generation,
        epoch=broker.settings.epoch,
    )

    def sealed(value: bytes, attribute: Attribute) -> bytes:
        return seal_value(owner.user_key, value, attribute, place=context, salt=broker.entropy.token_bytes(32))

    refresh, outgoing = _keep_tokens(broker, new, decision, read)
    return Connection(
        connection_id=owner.connection_id,
        sub=owner.sub,
        client_id=owner.client_id,
        provider_id=provider.record.provider_id,
        status=new.status,
        token_generation=decision.generation,
        connected_at=new.connected_at,
        connected_by=new.connected_by,
        line=decision.generation,
        granted=tokens.granted,
        is_partial=new.status == "partial",
        sealed_access_token=sealed(tokens.access_token.encode(), "access_token"),
        access_expires_at=tokens.expires_at,
        tokens_at=now,
        reauth_by=forecast_reauth(
            provider.definition,
            tokens,
            connected_at=new.connected_at,
            now=now,
            renews=bool(refresh),
            before=read.reauth_by if read and decision.keep_refresh_token else None,
        ),
        sealed_refresh_token=sealed(refresh.encode(), "refresh_token") if refresh else b"",
        sealed_profile=sealed(msgspec.json.encode(_profile(broker, owner, new.brought, read)), "profile"),
        sealed_metadata=sealed(msgspec.json.encode(provider.metadata), "metadata") if provider.metadata else b"",
        outgoing=tuple(sealed(token.encode(), "outgoing") for token in outgoing),
        epoch=broker.settings.epoch,
        account_id=owner.account_id,
        **carry_over(read, provider.definition, keeps_refresh_token=decision.keep_refresh_token),
    )


def _keep_tokens(
    broker: Broker, new: _New, decision: Replace, read: Connection | None
) -> tuple[str | None, tuple[str, ...]]:
    """The refresh token to store, and the refresh tokens that it replaces, which must be revoked."""
    owner, provider, tokens = new.owner, new.brought.provider, new.brought.tokens
    ours = read if read is not None and provider.record.issued(read.connected_at) else None
    old = _open_refresh_token(broker, owner, ours)
    refresh = old if decision.keep_refresh_token else tokens.refresh_token
    outgoing = _open_outgoing(broker, owner, ours, provider)
    if old and refresh != old:
        outgoing = (*outgoing, old)[-MAX_OUTGOING:]
    # A token that the provider issued again is not a replaced one.
    return refresh, tuple(token for token in outgoing if token != refresh)


def _profile(
    broker: Broker, owner: ConnectionOwner, brought: ProviderSignIn, read: Connection | None
) -> dict[str, object]:
    """The user's current profile. Values that the provider sends only at the first sign-in, in its callback, are
    carried over."""
    rules, said = brought.provider.definition.identity.callback, brought.identity.profile
    if rules is None or brought.provider.told or read is None:
        return said
    try:
        known = open_profile(owner.user_key, read)
    except DecryptionFailed:
        broker.log.event("profile_does_not_open", connection_id=read.connection_id)
        return said
    return {**{name: known[name] for name in rules.claims if name in known}, **said}


def _open_metadata(broker: Broker, owner: ConnectionOwner, read: Connection) -> dict[str, str] | None:
    """None if it no longer decrypts: it is then unknown what the stored tokens are for."""
    try:
        return open_metadata(owner.user_key, read)
    except DecryptionFailed:
        broker.log.event("metadata_does_not_open", connection_id=read.connection_id)
        return None


def _open_outgoing(
    broker: Broker, owner: ConnectionOwner, read: Connection | None, provider: Provider
) -> tuple[str, ...]:
    """Replaced tokens that no call has revoked yet; none if the provider offers no revocation."""
    if read is None or provider.definition.revocation.kind == "none":
        return ()
    try:
        return tuple(
            open_value(owner.user_key, one, "outgoing", place=encryption_context_of(read)).decode()
            for one in read.outgoing
        )
    except DecryptionFailed:
        broker.log.event("outgoing_does_not_open", connection_id=read.connection_id)
        return ()


def _open_refresh_token(broker: Broker, owner: ConnectionOwner, read: Connection | None) -> str | None:
    """The stored refresh token; None if there is none or it no longer decrypts, for example under an older key."""
    if read is None or not read.sealed_refresh_token:
        return None
    try:
        return open_value(
            owner.user_key, read.sealed_refresh_token, "refresh_token", place=encryption_context_of(read)
        ).decode()
    except DecryptionFailed:
        broker.log.event("refresh_token_does_not_open", connection_id=read.connection_id)
        return None
