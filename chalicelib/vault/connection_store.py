"""What a sign-in writes into the vault: the connection with its sealed tokens."""

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

# The item stays small; what is older than this many failed calls ends with its provider's own lifetime.
MAX_OUTGOING = 4


class ConnectionOwner(Struct, frozen=True, kw_only=True):
    """Whose connection it is.

    subject   as it was read or made in this request
    """

    subject: Subject
    sub: str
    client_id: str
    connection_id: str
    user_key: bytes
    account_id: str


class _New(Struct, frozen=True, kw_only=True):
    """What a sign-in stores as the connection, whatever is stored there already."""

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
    is_void: Callable[[int], bool],
) -> Connection:
    """Write what the provider gave, sealed; the connection as it stands afterwards.

    is_void   whether a mark has ended what was connected at that time

    Raises TemporarilyUnavailable where others keep writing in between.
    Raises PageError where the connection was revoked after this was decided: only a later decision may renew it.
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
            now=broker.clock.now(),
            is_void=read is not None and is_void(read.connected_at),
            moved=read is not None and _open_metadata(broker, owner, read) != provider.metadata,
        )
        if isinstance(decision, KeepStored):
            unstored.give_back()
            return decision.stored
        if read is None:
            note_connection(broker, owner.subject, owner.connection_id)
        result = broker.store.put_connection(_build(broker, new, decision, read))
        if not isinstance(result, Refused):
            unstored.mark_stored()
            return result.item
        read = result.found
    raise TemporarilyUnavailable("connection_keeps_changing")


def insert_connection(
    broker: Broker, owner: ConnectionOwner, brought: ProviderSignIn, *, connected_at: int
) -> Written[Connection] | Refused[Connection]:
    """Write what another system held, sealed, where no connection has ever stood; else what stands there."""
    anew, connected_by = Replace(generation=1, keep_refresh_token=False), broker.entropy.token_bytes(12).hex()
    new = _New(owner=owner, brought=brought, status="active", connected_at=connected_at, connected_by=connected_by)
    note_connection(broker, owner.subject, owner.connection_id)
    return broker.store.put_connection(_build(broker, new, anew, None))


def revoke_replaced_tokens(broker: Broker, owner: ConnectionOwner, provider: Provider, connection: Connection) -> None:
    """Revoke the refresh tokens that sign-ins replaced, then forget them; what fails, or would keep the user waiting,
    stays noted in the item for the next sign-in."""
    if not connection.outgoing or provider.definition.revocation.ends == "app":
        return
    place, began = encryption_context_of(connection), broker.clock.now()
    try:
        tokens = [open_value(owner.user_key, one, "outgoing", place=place).decode() for one in connection.outgoing]
    except DecryptionFailed:
        broker.log.event("outgoing_does_not_open", connection_id=connection.connection_id)
        return
    for token in tokens:
        in_time = broker.clock.now() - began < REVOCATION_SECONDS
        if not in_time or not revoke_at_provider(broker, provider, token, "refresh_token"):
            return
    broker.store.clear_outgoing(connection)


def _build(broker: Broker, new: _New, decision: Replace, read: Connection | None) -> Connection:
    owner, provider, tokens, now = new.owner, new.brought.provider, new.brought.tokens, broker.clock.now()
    place = EncryptionContext(
        connection_id=owner.connection_id,
        sub=owner.sub,
        client_id=owner.client_id,
        provider_id=provider.record.provider_id,
        generation=decision.generation,
        epoch=broker.settings.epoch,
    )

    def sealed(value: bytes, attribute: Attribute) -> bytes:
        return seal_value(owner.user_key, value, attribute, place=place, salt=broker.entropy.token_bytes(32))

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
    """The refresh token that is stored from now on, and those that it replaces, which have to be revoked."""
    owner, provider, tokens = new.owner, new.brought.provider, new.brought.tokens
    ours = read if read is not None and provider.record.issued(read.connected_at) else None
    old = _open_refresh_token(broker, owner, ours)
    refresh = old if decision.keep_refresh_token else tokens.refresh_token
    outgoing = _open_outgoing(broker, owner, ours, provider)
    if old and refresh != old:
        outgoing = (*outgoing, old)[-MAX_OUTGOING:]
    # One that came back is no replaced one any more.
    return refresh, tuple(token for token in outgoing if token != refresh)


def _profile(
    broker: Broker, owner: ConnectionOwner, brought: ProviderSignIn, read: Connection | None
) -> dict[str, object]:
    """What is known of the user now. What only a first sign-in tells in its callback is kept from then."""
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
    """None where it no longer opens: then nobody can say what the stored tokens are for."""
    try:
        return open_metadata(owner.user_key, read)
    except DecryptionFailed:
        broker.log.event("metadata_does_not_open", connection_id=read.connection_id)
        return None


def _open_outgoing(
    broker: Broker, owner: ConnectionOwner, read: Connection | None, provider: Provider
) -> tuple[str, ...]:
    """What earlier sign-ins replaced and no call has ended yet; nothing where no call ever will."""
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
    """The stored refresh token; None where there is none or it no longer opens (an older key: nothing to keep)."""
    if read is None or not read.sealed_refresh_token:
        return None
    try:
        return open_value(
            owner.user_key, read.sealed_refresh_token, "refresh_token", place=encryption_context_of(read)
        ).decode()
    except DecryptionFailed:
        broker.log.event("refresh_token_does_not_open", connection_id=read.connection_id)
        return None
