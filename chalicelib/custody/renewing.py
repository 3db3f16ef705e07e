"""Exactly one refresh is in flight.

Order of one refresh: keys open, lease, the provider, the answer into the recovery item, commit, every mark read again.
Whatever dies in between, the next caller finds the expired lease and goes on from what is written.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NoReturn

import msgspec

from chalicelib.access import note_reauth, refuse_unreadable
from chalicelib.asking import TOKEN_SECONDS, ProviderFailure, Registered, open_credential, reach
from chalicelib.custody.keeping import Attempt, Held, commit_answer, finish_answer, keep_answer
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import InvalidGrant, TemporarilyUnavailable
from chalicelib.protocol.sealing import SealBroken
from chalicelib.records.connection import Connection
from chalicelib.records.places import recovery_place
from chalicelib.upstream.callback import callback_uri
from chalicelib.upstream.http import HttpResponse, ProviderUnavailable
from chalicelib.upstream.refresh import Ended, NotDone, Renewed, Unknown, read_refresh_response
from chalicelib.upstream.token import build_refresh_request
from chalicelib.vault.refreshing import (
    LEASE_SECONDS,
    LEAST_FUNCTION_SECONDS,
    LEAST_LEASE_SECONDS,
    Lease,
    Refuse,
    Serve,
    Wait,
    back_off,
    decide_refresh,
    is_alive,
    is_answer_for,
)
from chalicelib.vault.sealed import open_value, place_of

# A loser looks again after these pauses: five seconds in all.
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.0, 1.25, 1.25)
STEPS = 16


Look = Callable[[], Held]


def hold_fresh(broker: Broker, held: Held, look: Look, *, refused: int | None = None) -> Held:
    """What was held or has been looked at since, with an access token that has some life left.

    look      reads and checks everything again, marks included; raises what refuses
    refused   token generation whose access token the provider's API refuses: another one where it can be had without
              risk, else the same

    Raises InvalidGrant (the user has to sign in again), TemporarilyUnavailable (it passes by itself).
    """
    pauses = iter(PAUSES)
    asked = False
    for _ in range(STEPS):
        connection = held.connection
        decision = decide_refresh(
            connection,
            held.recovery,
            held.definition,
            epoch=broker.settings.epoch,
            now=broker.clock.now(),
            refused=refused,
        )
        if isinstance(decision, Lease) and asked:
            decision = _after_own(broker, connection)
        if isinstance(decision, Serve):
            return held
        if isinstance(decision, Refuse):
            _refuse(decision)
        if isinstance(decision, Lease):
            outcome = _try_lease(broker, held, decision)
            if outcome == "serve" or (outcome == "look_and_serve" and _still_lives(broker, held := look())):
                return held
            asked = outcome == "asked"
            if outcome == "wait":
                _pause(broker, pauses)
        elif isinstance(decision, Wait):
            _pause(broker, pauses)
        else:
            finish_answer(broker, held, decision.recovery)
        held = look()
    raise TemporarilyUnavailable("connection_keeps_changing", retry_after=1)


def _refuse(refusal: Refuse) -> NoReturn:
    if refusal.reason == "reauth_required":
        raise InvalidGrant("reauth_required", members={"reason": "reauth_required"})
    raise TemporarilyUnavailable(refusal.reason, retry_after=max(1, refusal.retry_after))


def _after_own(broker: Broker, connection: Connection) -> Serve | Refuse:
    """One request asks the provider once, even where it gives tokens that are as good as over."""
    end = connection.access_expires_at
    alive = connection.status in ("active", "partial") and (end is None or end > broker.clock.now())
    return Serve() if alive else Refuse(reason="token_over_at_once", retry_after=1)


def _pause(broker: Broker, pauses: Iterator[float]) -> None:
    pause = next(pauses, None)
    if pause is None or broker.deadline.left() < pause + 1:
        raise TemporarilyUnavailable("refresh_in_flight", retry_after=1)
    broker.log.count("LeaseWaits")
    broker.sleeper.sleep(pause)


def _try_lease(
    broker: Broker, held: Held, decision: Lease
) -> Literal["serve", "look_and_serve", "wait", "look", "asked"]:
    """Take the lease and ask; where somebody else has it, use the token that still lives or look again.

    look_and_serve   discovery or the write of the lease may have taken seconds: every mark is read once more (VLT-11)
    """
    blocked = _blocked(broker, held)
    if blocked is not None:
        if decision.lives:
            return "serve"
        raise blocked
    provider, secret = _prepare(broker, held, lives=decision.lives)
    if provider is None:
        return "look_and_serve"
    now, owner = broker.clock.now(), broker.entropy.token_bytes(12).hex()
    result = broker.store.lease_connection(
        held.connection, owner=owner, doubt=bool(decision.doubt), now=now, until=now + LEASE_SECONDS
    )
    if isinstance(result, Refused):
        same = result.found is not None and result.found.token_generation == held.connection.token_generation
        may_serve = decision.lives and not decision.waits and _is_certain(result.found)
        return "look" if not same else "look_and_serve" if may_serve else "wait"
    attempt = Attempt(held=held, connection=result.item, owner=owner, doubt=bool(decision.doubt))
    if decision.doubt == "ask":
        _refused_by_provider(broker, attempt, "in_doubt_and_not_safe_to_try")
    else:
        _ask(broker, attempt, provider, secret)
    return "asked"


def _still_lives(broker: Broker, held: Held) -> bool:
    """After another look: whoever asks the provider may have failed meanwhile, and then this token is in doubt."""
    swaps = held.definition.refresh.kind == "swap"
    return is_alive(held.connection, epoch=broker.settings.epoch, now=broker.clock.now(), swaps=swaps)


def _is_certain(found: Connection | None) -> bool:
    return found is not None and found.status in ("active", "partial")


def _blocked(broker: Broker, held: Held) -> TemporarilyUnavailable | None:
    """Why the provider is not asked now: no time left for its answer, or it fails most of its calls."""
    if broker.deadline.left() < LEAST_FUNCTION_SECONDS:
        return TemporarilyUnavailable("too_little_time_left", retry_after=1)
    now = broker.clock.now()
    until = broker.breaker.retry_at(held.record.provider_id, now)
    return TemporarilyUnavailable("provider_left_alone", retry_after=until - now) if until else None


def _prepare(broker: Broker, held: Held, *, lives: bool) -> tuple[Registered | None, str | None]:
    """Endpoints and every key, before the lease: afterwards only the table is needed."""
    try:
        _refresh_token(held.connection, held.user_key)
    except SealBroken as broken:
        refuse_unreadable(broker, held.connection, str(broken))
    try:
        provider = reach(broker, held.record, held.definition)
        return provider, open_credential(broker, provider)
    except ProviderFailure as error:
        broker.log.event("provider_unavailable", provider_id=held.record.provider_id, reason=error.reason)
        if lives:
            return None, None
        raise TemporarilyUnavailable("provider_unavailable", retry_after=5) from None


def _refresh_token(connection: Connection, user_key: bytes) -> str:
    place = place_of(connection)
    return open_value(user_key, connection.sealed_refresh_token, "refresh_token", place=place).decode()


def _ask(broker: Broker, attempt: Attempt, provider: Registered, secret: str | None) -> None:
    """The one request to the provider under this lease, and what follows from its answer."""
    leased, held = attempt.connection, attempt.held
    if leased.lease_until - broker.clock.now() < LEAST_LEASE_SECONDS or broker.deadline.left() < LEAST_LEASE_SECONDS:
        _fail(broker, attempt, NotDone(reason="lease_too_old"), by_us=True)
    request = build_refresh_request(
        held.definition,
        provider.endpoints,
        client_id=held.record.client_id,
        client_secret=secret,
        refresh_token=_refresh_token(leased, held.user_key),
        redirect_uri=callback_uri(broker.settings.issuer, held.definition.provider_id),
        scopes=leased.granted,
    )
    try:
        response = broker.fetcher.fetch(request, timeout_seconds=TOKEN_SECONDS)
    except ProviderUnavailable as error:
        broker.breaker.note(held.record.provider_id, worked=False, now=broker.clock.now())
        _fail(broker, attempt, Unknown(reason=error.reason) if error.sent else NotDone(reason=error.reason))
    _read(broker, attempt, response)


def _read(broker: Broker, attempt: Attempt, response: HttpResponse) -> None:
    """Only an answer with tokens is kept, and it is kept as it came, before anything else is done with it."""
    held, now = attempt.held, broker.clock.now()
    answer = read_refresh_response(held.definition, response, granted=attempt.connection.granted, now=now)
    broker.breaker.note(held.record.provider_id, worked=isinstance(answer, (Renewed, Ended)), now=now)
    if isinstance(answer, Renewed):
        broker.log.count("ProviderRefreshes")
        keep_answer(broker, attempt, response, now)
    elif isinstance(answer, Ended):
        _refused_by_provider(broker, attempt, answer.reason)
    else:
        _fail(broker, attempt, answer)


def _refused_by_provider(broker: Broker, attempt: Attempt, reason: str) -> None:
    """Refused in doubt, an earlier holder may have left its answer meanwhile: it is finished instead."""
    if attempt.doubt:
        place = recovery_place(attempt.connection.connection_id)
        recovery = broker.store.read(place).get(place)
        if recovery is not None and is_answer_for(recovery, attempt.connection):
            commit_answer(broker, attempt, recovery)
            return
    _fail(broker, attempt, Ended(reason))


def _fail(broker: Broker, attempt: Attempt, answer: Ended | NotDone | Unknown, *, by_us: bool = False) -> NoReturn:
    """Record how the attempt ended, and say so.

    by_us   the provider has not been asked: it is no reason to leave it alone
    """
    leased, now = attempt.connection, broker.clock.now()
    broker.log.event("refresh_failed", provider_id=leased.provider_id, reason=answer.reason)
    chance = broker.entropy.token_bytes(1)[0]
    failures = leased.failures + (not by_us)
    retry_at = now if by_us else back_off(failures, now=now, chance=chance)
    changes: dict[str, object] = {"failures": failures, "retry_at": retry_at}
    if isinstance(answer, Ended):
        changes |= {"status": "reauth_required", "retry_at": 0}
    elif isinstance(answer, Unknown):
        changes |= {"status": "in_doubt", "lost": max(leased.lost, 1), "retry_at": max(retry_at, answer.retry_at)}
    else:  # in doubt before, it stays so: nothing has been learnt
        doubt = {"status": "in_doubt"} if attempt.doubt else {"doubt_since": 0}
        changes |= {"retry_at": max(retry_at, answer.retry_at), **doubt}
    failed = msgspec.structs.replace(leased, **changes)
    broker.store.record_refresh_failure(failed, owner=attempt.owner)
    if isinstance(answer, Ended):
        note_reauth(broker, leased, answer.reason)
        raise InvalidGrant("reauth_required", members={"reason": "reauth_required"})
    raise TemporarilyUnavailable("provider_did_not_refresh", retry_after=max(1, failed.retry_at - now))
