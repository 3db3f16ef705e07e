"""Revokes a connection: queue a job, write a tombstone, revoke the tokens at the provider, record the results.

Every step can be repeated, by a second request or by the job: it finds the tombstone and continues from there. At
some providers one call ends every grant of the broker's app at an account. There the tombstone is written before the
other connections are read, so that of two apps revoked at once, the one that reads last finds no other and makes the
call.
"""

from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.contention import write_tries
from chalicelib.encryption import Attribute, OwnKey, encryption_context_of, open_value
from chalicelib.ports import Broker, Items, Refused, Written
from chalicelib.protocol.errors import TemporarilyUnavailable
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.provider_client import ProviderFailure, load_provider, usable_metadata
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection, Ending, Unended
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import ItemKey, consent_item_key, provider_item_key, recovery_item_key
from chalicelib.upstream.revocation import TokenKind, renewing_kind
from chalicelib.vault.journal_tokens import tokens_of_response
from chalicelib.vault.new_connections import read_all_connections
from chalicelib.vault.outbox import (
    Token,
    ask_for_each,
    enqueue_completion,
    enqueue_open_attempt,
    enqueue_revocation,
)
from chalicelib.vault.rules.journal_decision import answer_of, awaited_attempts
from chalicelib.vault.rules.revocation_results import merge_endings
from chalicelib.vault.rules.shared_accounts import shares_account, without_connection

LEAST_SECONDS = 8  # time to revoke one connection's tokens; with less left, the job does it


class UserContext(Struct, frozen=True, kw_only=True):
    """One read, made after the tombstones were written: the user's other connections, and the records that the calls
    need."""

    found: Items
    others: tuple[Connection, ...]


def revoke_connection(broker: Broker, connection: Connection, user_key: OwnKey) -> Connection | None:
    """Revoke the connection here at once, and at the provider as far as possible. Returns the tombstone with the
    results.

    Returns None, without any change, if the user signed in again after the connection was read.
    """
    tombstone = write_tombstone(broker, connection)
    if tombstone is None or tombstone.endings:
        return tombstone
    return complete_revocation(broker, tombstone, load_user_context(broker, tombstone), user_key)


def revoke_connections(broker: Broker, connections: list[Connection], user_key: OwnKey) -> list[Connection]:
    """Revoke several connections of one user. Returns their tombstones.

    Every tombstone is written before any call, so that no connection counts as sharing an account with another one of
    them. The jobs finish what there is no time for.
    """
    written = [write_tombstone(broker, connection) for connection in connections]
    tombstones = [one for one in written if one is not None]
    if all(one.endings for one in tombstones):
        return tombstones
    around = load_user_context(broker, *tombstones)
    ended = []
    for tombstone in tombstones:
        in_time = not tombstone.endings and broker.deadline.left() > LEAST_SECONDS
        ended.append(complete_revocation(broker, tombstone, around, user_key) if in_time else tombstone)
    return ended


def read_connections(broker: Broker, sub: str, *known: str) -> list[Connection]:
    """All connections of one user, tombstones too.

    known   ids that the caller has from another source than the index
    """
    return list(read_all_connections(broker, sub, known=known)[1])


def write_tombstone(broker: Broker, connection: Connection) -> Connection | None:
    """Queue the job first: if the process crashes after this point, the job finishes the revocation."""
    if connection.status == "revoked":
        return connection
    enqueue_completion(broker, connection)
    result = broker.store.revoke_connection(connection, now=broker.clock.now())
    return result.item if isinstance(result, Written) else None


def load_user_context(broker: Broker, *tombstones: Connection) -> UserContext:
    """Read everything of one user that the next steps depend on, after the tombstones were written."""
    sub = tombstones[0].sub
    needed: list[ItemKey[Any]] = []
    for one in tombstones:
        needed += [
            recovery_item_key(one.connection_id),
            provider_item_key(one.provider_id),
            consent_item_key(sub, one.client_id),
        ]
    found, others = read_all_connections(broker, sub, *needed)
    return UserContext(found=found, others=others)


def complete_revocation(broker: Broker, tombstone: Connection, around: UserContext, user_key: OwnKey) -> Connection:
    """Reduce the consent so that the next sign-in asks again, call the provider, then record the results."""
    reduce_consent(broker, tombstone, around)
    record = around.found.get(provider_item_key(tombstone.provider_id))
    definition = broker.catalog.get(tombstone.provider_id)
    if definition is None or record is None or definition.revocation.kind == "none":
        return _write_down(broker, tombstone, _same(broker, tombstone, "not_supported"))
    if not record.issued(tombstone.connected_at):
        return abandon_revocation(broker, tombstone)
    if definition.revocation.ends == "app" and any(shares_account(tombstone, other) for other in around.others):
        return _write_down(broker, tombstone, _same(broker, tombstone, "kept_shared"))
    tokens, rows = _stored_tokens(broker, tombstone, definition, user_key)
    recovery = answer_of(tombstone, around.found.get(recovery_item_key(tombstone.connection_id)))
    brought = tokens_of_response(broker, definition, recovery, tombstone, user_key) if recovery else ()
    if waits := awaited_attempts(tombstone, definition, recovery, unread=brought is None):
        for attempt in waits:
            enqueue_open_attempt(broker, tombstone, attempt)
        rows.append(("running_refresh", "pending"))
    if definition.refresh.replaces and tombstone.lost:
        rows.append(("lost_answer", "lost"))
    tokens += brought or ()
    try:
        provider = load_provider(broker, record, usable_metadata(broker, record, tombstone, user_key))
    except ProviderFailure as error:
        broker.log.event("revocation_failed", provider_id=record.provider_id, reason=error.reason)
        provider = None
    called = ask_for_each(broker, provider, tuple(dict.fromkeys(tokens)))
    rows += called.rows
    if called.alive:
        enqueue_revocation(broker, tombstone, user_key, called.alive, settles=True)
    elif recovery is not None and brought is not None:
        broker.store.empty_recovery(recovery)
    return _write_down(broker, tombstone, merge_endings(_with_family(rows, tombstone)), settled=not called.alive)


def abandon_revocation(broker: Broker, tombstone: Connection) -> Connection:
    """Record that the provider will not be called again, so that a later decision may replace the tombstone."""
    return _write_down(broker, tombstone, _same(broker, tombstone, "given_up"))


def reduce_consent(broker: Broker, tombstone: Connection, around: UserContext) -> None:
    """Remove this connection's permissions from the consent, so that the next sign-in shows the consent page.

    A decision made after the revocation is not touched.
    """
    item_key = consent_item_key(tombstone.sub, tombstone.client_id)
    read: Consent | None = around.found.get(item_key)
    for _ in write_tries(broker):
        reduced = None if read is None else without_connection(read, tombstone, around.others)
        if read is None or reduced is None:
            return
        result = broker.store.put_consent(reduced, expected_version=read.version)
        if not isinstance(result, Refused):
            return
        read = broker.store.read(item_key).get(item_key)
    broker.log.event("consent_keeps_changing", connection_id=tombstone.connection_id)


def revoke_consent(broker: Broker, sub: str, client_id: str, consent: Consent | None, *decided_at: int) -> None:
    """Revoke in one write everything decided so far: every grant and token under this consent fails at its next use.

    decided_at   decisions that this write must cover even if this process's clock is behind the clock that set them

    Raises TemporarilyUnavailable, without any change, if concurrent writes keep winning.
    """
    item_key = consent_item_key(sub, client_id)
    for _ in write_tries(broker):
        read = consent or Consent(sub=sub, client_id=client_id)
        until = max(broker.clock.now(), read.decided_at, *decided_at) + 1
        marks = msgspec.structs.replace(read.marks, not_before=max(until, read.marks.not_before or 0))
        ended = Consent(sub=sub, client_id=client_id, version=read.version + 1, epoch=read.epoch, marks=marks)
        if not isinstance(broker.store.put_consent(ended, expected_version=read.version), Refused):
            return
        consent = broker.store.read(item_key).get(item_key)
    raise TemporarilyUnavailable("consent_keeps_changing", retry_after=1)


def _write_down(
    broker: Broker, tombstone: Connection, endings: dict[str, Ending], *, settled: bool = True
) -> Connection:
    """Record the results. If another process recorded its results first, return those."""
    settled_at = broker.clock.now() if settled else 0
    result = broker.store.record_endings(tombstone, endings, settled_at=settled_at)
    if isinstance(result, Written):
        return result.item
    return result.found or msgspec.structs.replace(tombstone, endings=endings)


def _same(broker: Broker, tombstone: Connection, ending: Unended) -> dict[str, Ending]:
    definition = broker.catalog.get(tombstone.provider_id)
    renewing = renewing_kind(definition) if definition else "refresh_token"
    sealed = ((renewing, tombstone.sealed_refresh_token), ("access_token", tombstone.sealed_access_token))
    return {kind: ending for kind, value in sealed if value}


def _with_family(rows: list[tuple[str, Ending]], tombstone: Connection) -> list[tuple[str, Ending]]:
    """An access token without a call of its own gets the result of its refresh token."""
    spoken = {part for part, _ in rows}
    if "access_token" in spoken or not tombstone.sealed_access_token:
        return rows
    return [*rows, *(("access_token", ending) for part, ending in rows if part == "refresh_token")]


def _stored_tokens(
    broker: Broker, tombstone: Connection, definition: ProviderDefinition, user_key: OwnKey
) -> tuple[tuple[Token, ...], list[tuple[str, Ending]]]:
    """The tokens to revoke, and the results of those that no longer decrypt (`lost`: the broker cannot revoke them).

    These are the refresh tokens, replaced ones included. The access token is added if there is no refresh token, or
    if it would outlive the refresh token's revocation.
    """
    per_token = definition.revocation.ends == "token"
    context, lost = encryption_context_of(tombstone), list[tuple[str, Ending]]()

    renewing = renewing_kind(definition)

    def opened(sealed: bytes, attribute: Attribute, kind: TokenKind) -> list[str]:
        try:
            return [open_value(user_key, sealed, attribute, place=context).decode()] if sealed else []
        except DecryptionFailed as broken:
            broker.log.event(
                "alarm", kind="vault_does_not_open", connection_id=context.connection_id, reason=str(broken)
            )
            lost.append((kind, "lost"))
            return []

    refresh = opened(tombstone.sealed_refresh_token, "refresh_token", renewing)
    refresh += [token for sealed in tombstone.outgoing for token in opened(sealed, "outgoing", renewing)]
    if per_token:
        refresh += opened(tombstone.sealed_previous, "previous", renewing)
    ends_with_refresh = refresh and not per_token and renewing in definition.revocation.accepts
    access = [] if ends_with_refresh else opened(tombstone.sealed_access_token, "access_token", "access_token")
    tokens = (*((token, renewing) for token in refresh), *((token, "access_token") for token in access))
    return tuple(dict.fromkeys(tokens)), lost
