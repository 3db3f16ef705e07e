"""An answer of a provider to a refresh: kept before anything else is done with it, committed, or ended there.

No write here destroys an answer that still lives at the provider, and none is forgotten: where the table refuses to
keep one, the sealed answer is written to the log, and `broker vault recover` brings it back.
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
    """What one look brought, after every mark and permission in it was found good.

    definition   with the values of operator and connection in it
    user_key     opened, so that no key has to be opened once the provider has answered
    grant_id     of the grant that asks; "" where the broker itself does
    """

    connection: Connection
    recovery: Recovery | None
    record: ProviderRecord
    definition: ProviderDefinition
    user_key: bytes
    grant_id: str = ""


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt under a lease. `connection` is what the lease returned."""

    held: LeasedConnection
    connection: Connection
    owner: str
    doubt: bool


class Kept(Struct, frozen=True, kw_only=True):
    """An answer as it was put into the recovery item.

    siblings   refresh tokens of answers that it replaced, which a job ends; None where a newer one stays, and this one
               is ended
    """

    recovery: Recovery
    siblings: tuple[str, ...] | None


def write_journal(broker: Broker, attempt: Attempt, response: HttpResponse, now: int) -> Kept:
    """Put the answer into the recovery item, as it came.

    Raises StoreUnavailable: the table refused every time; the sealed answer is in the log.
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
    """Try again until little time is left: what is lost here only the user can bring back."""
    for pause in KEEP_PAUSES:
        try:
            return write()
        except StoreUnavailable:
            if broker.deadline.left() < pause + LEAST_SECONDS:
                raise
            broker.sleeper.sleep(pause)
    return write()


def store_answer(broker: Broker, attempt: Attempt, mine: Recovery) -> tuple[str, ...] | None:
    """Keep it without destroying another that still lives at the provider.

    The refresh tokens of answers that it replaces, which a job ends; None where a newer one stays, and mine is ended.
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
            if choice.duty and theirs is None:
                broker.log.event("unread_answer_replaced", connection_id=leased.connection_id)
            elif choice.duty and theirs:
                enqueue_revocation(broker, leased, key, theirs)
                siblings += tuple(token for token, kind in theirs if kind == "refresh_token")
            result = broker.store.put_recovery(mine, replacing=found)
            continue
        if choice.duty and ours:
            enqueue_revocation(broker, leased, key, ours)
            return None
        break
    return siblings


def _content_type(response: HttpResponse) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name == "content-type"}


def resume_from_journal(broker: Broker, held: LeasedConnection, recovery: Recovery) -> Unread | None:
    """Go on from an answer that somebody else has received; what it is where it cannot be read yet."""
    attempt = Attempt(held=held, connection=held.connection, owner="", doubt=True)
    return commit_answer(broker, attempt, recovery)


def commit_answer(
    broker: Broker, attempt: Attempt, recovery: Recovery, *, siblings: tuple[str, ...] = ()
) -> Unread | None:
    """Write the next generation; what may not be written is left where it is found, or ended at the provider.

    An answer that cannot be read yet stays, and is returned; one that brings nothing is forgotten.
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
    """The commit met a tombstone: what was received is ended at the provider too, now or by a job."""
    held, owner = attempt.held, attempt.connection
    if held.definition.revocation.ends == "app":
        return  # the tombstone's own call ends it, or must not be made
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
    """Of a user who was erased while the provider was asked: the job that waits for the answer must open it."""
    if not isinstance(key, ErasureKeys):
        return
    with contextlib.suppress(DecryptionFailed):  # it cannot be opened with any key: the job gives it up with an alarm
        answer = open_answer(key, recovery, owner=owner)
        sealed = seal_answer(key, answer, recovery=recovery, owner=owner, salt=broker.entropy.token_bytes(32))
        broker.store.put_recovery(msgspec.structs.replace(recovery, sealed=sealed), replacing=recovery)


def _end_unless_kept(broker: Broker, attempt: Attempt, recovery: Recovery) -> None:
    """Overtaken where each token lives for itself: mine is ended unless the newer holder finds it in the item."""
    item_key = recovery_item_key(attempt.connection.connection_id)
    kept, held = broker.store.read(item_key).get(item_key), attempt.held
    mine = tokens_of_response(broker, held.definition, recovery, attempt.connection, held.user_key)
    theirs = kept and tokens_of_response(broker, held.definition, kept, attempt.connection, held.user_key)
    if mine and mine != theirs:
        revoke_received(broker, attempt, recovery)
