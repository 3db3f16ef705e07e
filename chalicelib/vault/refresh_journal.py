"""Stores a provider's refresh response before using it, then commits it or revokes its tokens at the provider.

No write here destroys a response that still has valid tokens at the provider. If the table refuses to store a
response, its encrypted form goes to the log, and `broker vault recover` restores it.
"""

import contextlib
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Struct

from chalicelib.encryption import ErasureKeys, OwnKey, open_answer, seal_answer
from chalicelib.ports import Broker, Refused, StoreUnavailable, Written
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.provider_client import ProviderFailure, discover_endpoints
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.item_keys import recovery_item_key
from chalicelib.records.provider import ProviderRecord
from chalicelib.upstream.http import HttpResponse
from chalicelib.upstream.refresh import Unread, weigh
from chalicelib.vault.erasure_keys import find_unexpired_key
from chalicelib.vault.journal_log import write_to_log
from chalicelib.vault.journal_tokens import read_journal, tokens_of, tokens_of_response
from chalicelib.vault.outbox import enqueue_revocation, revoke_tokens
from chalicelib.vault.rules.journal_decision import Replace, decide_recovery
from chalicelib.vault.rules.renewed_connection import NoTokens, SealingInputs, keeps_lost, seal_renewed

T = TypeVar("T")
KEEP_PAUSES = (0.5, 1.0, 2.0, 2.0)
LEAST_SECONDS = 1.0


class LeasedConnection(Struct, frozen=True, kw_only=True):
    """One connection and its related records from one read, after every revocation and permission check.

    definition   with the values of the operator and the connection filled in
    user_key     already decrypted, so that no KMS call is needed after the provider has responded
    grant_id     the grant that the request uses; "" if the broker itself acts
    """

    connection: Connection
    recovery: Recovery | None
    record: ProviderRecord
    definition: ProviderDefinition
    user_key: bytes
    grant_id: str = ""


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt under a lease. `connection` is the record that the lease returned."""

    held: LeasedConnection
    connection: Connection
    owner: str
    doubt: bool


class Kept(Struct, frozen=True, kw_only=True):
    """A response that was written to the recovery item.

    siblings   refresh tokens of the responses that it replaced, which a job revokes; None if a newer response stayed
               and this one is revoked
    """

    recovery: Recovery
    siblings: tuple[str, ...] | None


def write_journal(broker: Broker, attempt: Attempt, response: HttpResponse, now: int) -> Kept:
    """Write the response to the recovery item, as received.

    Raises StoreUnavailable if the table refused every try; the encrypted response is in the log then.
    """
    leased = attempt.connection
    kept = HttpResponse(status=response.status, headers=_content_type(response), body=response.body)
    mine = Recovery(
        connection_id=leased.connection_id,
        generation=leased.token_generation,
        attempt=leased.attempt,
        line=leased.line,
        epoch=broker.settings.epoch,
        received_at=now,
    )
    raw, salt = msgspec.msgpack.encode(kept), broker.entropy.token_bytes(32)
    sealed = seal_answer(attempt.held.user_key, raw, recovery=mine, owner=leased, salt=salt)
    mine = msgspec.structs.replace(mine, sealed=sealed)
    try:
        return Kept(recovery=mine, siblings=_insist(broker, lambda: store_answer(broker, attempt, mine)))
    except StoreUnavailable:
        write_to_log(broker, mine)
        raise


def _insist(broker: Broker, write: Callable[[], T]) -> T:
    """Retry until little time is left: if this response is lost, the user must sign in again."""
    for pause in KEEP_PAUSES:
        try:
            return write()
        except StoreUnavailable:
            if broker.deadline.left() < pause + LEAST_SECONDS:
                raise
            broker.sleeper.sleep(pause)
    return write()


def store_answer(broker: Broker, attempt: Attempt, mine: Recovery) -> tuple[str, ...] | None:
    """Store the response without destroying another one that still has valid tokens at the provider.

    Returns the refresh tokens of the responses that it replaced, which a job revokes. Returns None if a newer
    response stays and this one is revoked.
    """
    leased, key, definition = attempt.connection, attempt.held.user_key, attempt.held.definition
    siblings: tuple[str, ...] = ()
    result = broker.store.put_recovery(mine)
    for _ in range(4):
        found = result.found if isinstance(result, Refused) else None
        if found is None:
            break
        my_read = read_journal(broker, definition, mine, leased, key)
        found_read = read_journal(broker, definition, found, leased, key)
        ours, theirs = tokens_of(definition, my_read), tokens_of(definition, found_read)
        lighter = weigh(my_read) < weigh(found_read)
        choice = decide_recovery(found, mine, definition, same_token=ours == theirs, lighter=lighter)
        if isinstance(choice, Replace):
            if choice.must_revoke and theirs is None:
                broker.log.event("unread_answer_replaced", connection_id=leased.connection_id)
            elif choice.must_revoke and theirs:
                enqueue_revocation(broker, leased, key, theirs)
                siblings += tuple(token for token, kind in theirs if kind == "refresh_token")
            result = broker.store.put_recovery(mine, replacing=found)
            continue
        if choice.must_revoke and ours:
            enqueue_revocation(broker, leased, key, ours)
            return None
        break
    return siblings


def _content_type(response: HttpResponse) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name == "content-type"}


def resume_from_journal(broker: Broker, held: LeasedConnection, recovery: Recovery) -> Unread | None:
    """Continue from a response that another process stored. Returns the response if it cannot be read yet."""
    attempt = Attempt(held=held, connection=held.connection, owner="", doubt=True)
    return commit_answer(broker, attempt, recovery)


def commit_answer(
    broker: Broker, attempt: Attempt, recovery: Recovery, *, siblings: tuple[str, ...] = ()
) -> Unread | None:
    """Write the next token generation from a stored response.

    A response that cannot be read yet stays stored and is returned. A response without tokens is deleted. If the
    commit is refused, the response stays in the recovery item or its tokens are revoked at the provider.
    """
    leased, held = attempt.connection, attempt.held
    given = SealingInputs(
        user_key=held.user_key,
        epoch=broker.settings.epoch,
        siblings=siblings,
        salt=lambda: broker.entropy.token_bytes(32),
    )
    try:
        renewed = seal_renewed(leased, recovery, held.definition, given)
    except DecryptionFailed as broken:
        broker.log.event("alarm", kind="recovery_does_not_open", connection_id=leased.connection_id, reason=str(broken))
        broker.store.empty_recovery(recovery)
        return None
    except NoTokens as without:
        if isinstance(without.answer, Unread):
            return without.answer
        broker.store.empty_recovery(recovery)
        return None
    result = broker.store.commit_refresh(
        renewed, owner=attempt.owner, attempt=leased.attempt, keeps_lost=keeps_lost(leased, held.definition)
    )
    if isinstance(result, Written) or result.found is None:
        return None
    found = result.found
    overtaken = found.token_generation == leased.token_generation and found.attempt_started > 0
    if found.status == "revoked":
        revoke_received(broker, attempt, recovery)
    elif overtaken and attempt.owner and held.definition.revocation.ends == "token":
        _end_unless_kept(broker, attempt, recovery)
    return None


def revoke_received(broker: Broker, attempt: Attempt, recovery: Recovery) -> None:
    """The connection was revoked during the refresh: revoke the received tokens at the provider, now or by a job."""
    held, owner = attempt.held, attempt.connection
    if held.definition.revocation.ends == "app":
        return  # the call for the tombstone ends these tokens too, or must not be made
    key = find_unexpired_key(broker, owner.sub, held.user_key)
    _seal_for_jobs(broker, owner, recovery, key)
    alive = tokens_of_response(broker, held.definition, recovery, owner, key) or ()
    try:
        alive = revoke_tokens(broker, discover_endpoints(broker, held.record, held.definition), alive)
    except ProviderFailure as error:
        broker.log.event("revocation_failed", provider_id=owner.provider_id, reason=error.reason)
    if alive:
        enqueue_revocation(broker, owner, key, alive)


def _seal_for_jobs(broker: Broker, owner: Connection, recovery: Recovery, key: OwnKey) -> None:
    """If the user was erased during the provider call, encrypt the response again under a key that the job can open."""
    if not isinstance(key, ErasureKeys):
        return
    with contextlib.suppress(DecryptionFailed):  # no key opens it: the job gives up with an alarm
        answer = open_answer(key, recovery, owner=owner)
        sealed = seal_answer(key, answer, recovery=recovery, owner=owner, salt=broker.entropy.token_bytes(32))
        broker.store.put_recovery(msgspec.structs.replace(recovery, sealed=sealed), replacing=recovery)


def _end_unless_kept(broker: Broker, attempt: Attempt, recovery: Recovery) -> None:
    """Revoke this attempt's tokens if a newer attempt overtook it and the recovery item does not hold the same tokens.

    Only for providers that revoke token by token.
    """
    item_key = recovery_item_key(attempt.connection.connection_id)
    kept, held = broker.store.read(item_key).get(item_key), attempt.held
    mine = tokens_of_response(broker, held.definition, recovery, attempt.connection, held.user_key)
    theirs = kept and tokens_of_response(broker, held.definition, kept, attempt.connection, held.user_key)
    if mine and mine != theirs:
        revoke_received(broker, attempt, recovery)
