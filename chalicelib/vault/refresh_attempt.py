"""One refresh attempt under a lease: the request to the provider, its response, and the recorded outcome."""

from typing import NoReturn

import msgspec

from chalicelib.encryption import encryption_context_of, open_value
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidGrant, TemporarilyUnavailable
from chalicelib.provider_client import TOKEN_SECONDS, Provider
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import recovery_item_key
from chalicelib.upstream.callback import callback_uri
from chalicelib.upstream.http import HttpResponse, ProviderUnavailable
from chalicelib.upstream.refresh import Ended, NotDone, Renewed, Unknown, Unread, is_success, read_refresh_response
from chalicelib.upstream.token import build_refresh_request
from chalicelib.vault.connection_events import log_reauth_required
from chalicelib.vault.journal_log import ANSWER_BYTES
from chalicelib.vault.refresh_journal import Attempt, commit_answer, write_journal
from chalicelib.vault.rules.refresh_decision import LEAST_LEASE_SECONDS, back_off, is_answer_for


def open_refresh_token(connection: Connection, user_key: bytes) -> str:
    context = encryption_context_of(connection)
    return open_value(user_key, connection.sealed_refresh_token, "refresh_token", place=context).decode()


def ask_provider(broker: Broker, attempt: Attempt, provider: Provider, secret: str | None) -> None:
    """Send the one refresh request of this lease, and act on its response."""
    leased, held = attempt.connection, attempt.held
    if leased.lease_until - broker.clock.now() < LEAST_LEASE_SECONDS or broker.deadline.left() < LEAST_LEASE_SECONDS:
        _fail(broker, attempt, NotDone(reason="lease_too_old"), by_us=True)
    request = build_refresh_request(
        held.definition,
        provider.endpoints,
        client_id=held.record.client_id,
        client_secret=secret,
        refresh_token=open_refresh_token(leased, held.user_key),
        redirect_uri=callback_uri(broker.settings.issuer, held.definition.provider_id),
        scopes=leased.granted,
    )
    try:
        response = broker.fetcher.fetch(request, timeout_seconds=TOKEN_SECONDS, max_bytes=ANSWER_BYTES)
    except ProviderUnavailable as error:
        broker.breaker.note(held.record.provider_id, worked=False, now=broker.clock.now())
        _fail(broker, attempt, Unknown(reason=error.reason) if error.sent else NotDone(reason=error.reason))
    _read(broker, attempt, response)


def _read(broker: Broker, attempt: Attempt, response: HttpResponse) -> None:
    """Store a successful response as received, before parsing it."""
    held, now = attempt.held, broker.clock.now()
    kept = write_journal(broker, attempt, response, now) if is_success(response) else None
    answer = read_refresh_response(held.definition, response, granted=attempt.connection.granted, now=now)
    broker.breaker.note(held.record.provider_id, worked=isinstance(answer, (Renewed, Ended)), now=now)
    if isinstance(answer, Renewed):
        broker.log.count("ProviderRefreshes")
        if kept is not None and kept.siblings is not None:
            commit_answer(broker, attempt, kept.recovery, siblings=kept.siblings)
        return
    if kept is not None and not isinstance(answer, Unread):
        broker.store.empty_recovery(kept.recovery)
    if isinstance(answer, Ended):
        refuse_attempt(broker, attempt, answer.reason)
    else:
        _fail(broker, attempt, answer)


def refuse_attempt(broker: Broker, attempt: Attempt, reason: str) -> None:
    """Record the attempt as refused. In doubt, first commit the response that an earlier lease holder may have
    stored."""
    if attempt.doubt:
        item_key = recovery_item_key(attempt.connection.connection_id)
        recovery = broker.store.read(item_key).get(item_key)
        mine = recovery if recovery is not None and is_answer_for(recovery, attempt.connection) else None
        if mine is not None and commit_answer(broker, attempt, mine) is None:
            return
    _fail(broker, attempt, Ended(reason))


def _fail(
    broker: Broker, attempt: Attempt, answer: Ended | NotDone | Unknown | Unread, *, by_us: bool = False
) -> NoReturn:
    """Record how the attempt ended, then raise the matching error.

    by_us   the provider was not called, so this does not count as one of its failures
    """
    leased, now = attempt.connection, broker.clock.now()
    broker.log.event("refresh_failed", provider_id=leased.provider_id, reason=answer.reason)
    chance = broker.entropy.token_bytes(1)[0]
    failures = leased.failures + (not by_us)
    retry_at = now if by_us else back_off(failures, now=now, chance=chance)
    changes: dict[str, object] = {"failures": failures, "retry_at": retry_at}
    if isinstance(answer, Ended):
        changes |= {"status": "reauth_required", "retry_at": 0}
    elif isinstance(answer, Unread):  # nothing is lost: the response is in the recovery item
        changes |= {"status": "in_doubt"}
    elif isinstance(answer, Unknown):
        changes |= {"status": "in_doubt", "lost": max(leased.lost, 1), "retry_at": max(retry_at, answer.retry_at)}
    else:  # an attempt that began in doubt stays in doubt, because nothing was learned
        doubt = {"status": "in_doubt"} if attempt.doubt else {"doubt_since": 0}
        changes |= {"retry_at": max(retry_at, answer.retry_at), **doubt}
    failed = msgspec.structs.replace(leased, **changes)
    broker.store.record_refresh_failure(failed, owner=attempt.owner)
    if isinstance(answer, Ended):
        log_reauth_required(broker, leased, answer.reason)
        raise InvalidGrant("reauth_required", members={"reason": "reauth_required"})
    raise TemporarilyUnavailable("provider_did_not_refresh", retry_after=max(1, failed.retry_at - now))
