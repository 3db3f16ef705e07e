"""Refreshes a connection's tokens. At most one refresh is in flight per connection.

Order: decrypt the keys, take the lease, call the provider, store the response in the recovery item, commit the new
tokens, read every revocation again. If a process crashes in between, the next caller finds the expired lease and
continues from the stored state.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NoReturn

from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import InvalidGrant, TemporarilyUnavailable
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.provider_client import Provider, ProviderFailure, discover_endpoints, open_credential
from chalicelib.records.connection import Connection
from chalicelib.vault.connection_events import alarm_undecryptable
from chalicelib.vault.refresh_attempt import ask_provider, open_refresh_token, refuse_attempt
from chalicelib.vault.refresh_journal import Attempt, LeasedConnection, resume_from_journal
from chalicelib.vault.rules.refresh_decision import (
    LEASE_SECONDS,
    LEAST_FUNCTION_SECONDS,
    Decision,
    Lease,
    Refuse,
    Serve,
    Wait,
    decide_refresh,
    is_alive,
)

# Pauses of a caller that did not get the lease, between reads: five seconds in total.
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.0, 1.25, 1.25)
STEPS = 16


Look = Callable[[], LeasedConnection]


def ensure_fresh(broker: Broker, held: LeasedConnection, look: Look, *, refused: int | None = None) -> LeasedConnection:
    """Return the connection with an access token that is still valid for a while, refreshed if necessary.

    look      reads and checks everything again, revocations included; raises if access is refused
    refused   token generation that the provider's API refused: it is replaced if that is safe, else served again

    Raises InvalidGrant (the user must sign in again), TemporarilyUnavailable (a retry can succeed).
    """
    pauses, asked = iter(PAUSES), False
    unread: dict[bytes, int] = {}
    for _ in range(STEPS):
        connection = held.connection
        decision = _decide(broker, held, refused, unread)
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
        elif (answer := resume_from_journal(broker, held, decision.recovery)) is not None:
            unread[decision.recovery.sealed] = decision.recovery.received_at if answer.may_hold_tokens else 0
            continue  # nothing was written, so there is no need to read again
        held = look()
    raise TemporarilyUnavailable("connection_keeps_changing", retry_after=1)


def _decide(broker: Broker, held: LeasedConnection, refused: int | None, unread: dict[bytes, int]) -> Decision:
    """The next step of this request.

    unread   stored responses that this request could not read -> time of receipt, or 0 if they cannot hold a token
    """
    kept = held.recovery
    is_unread = kept is not None and kept.sealed in unread
    return decide_refresh(
        held.connection,
        None if is_unread else kept,
        held.definition,
        epoch=broker.settings.epoch,
        now=broker.clock.now(),
        refused=refused,
        unread_at=unread[kept.sealed] if kept is not None and is_unread else 0,
    )


def _refuse(refusal: Refuse) -> NoReturn:
    if refusal.reason == "reauth_required":
        raise InvalidGrant("reauth_required", members={"reason": "reauth_required"})
    raise TemporarilyUnavailable(refusal.reason, retry_after=max(1, refusal.retry_after))


def _after_own(broker: Broker, connection: Connection) -> Serve | Refuse:
    """Decide after this request's own refresh. A request calls the provider once, even if the new token has nearly
    expired."""
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
    broker: Broker, held: LeasedConnection, decision: Lease
) -> Literal["serve", "look_and_serve", "wait", "look", "asked"]:
    """Take the lease and call the provider. If another caller has the lease, serve the valid token or read again.

    look_and_serve   discovery or the lease write may have taken seconds, so every revocation is read once more
                     (VLT-11)
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
        refuse_attempt(broker, attempt, "in_doubt_and_not_safe_to_try")
    else:
        ask_provider(broker, attempt, provider, secret)
    return "asked"


def _still_lives(broker: Broker, held: LeasedConnection) -> bool:
    """Check again after the second read: the lease holder may have failed meanwhile, which puts this token in doubt."""
    swaps = held.definition.refresh.kind == "swap"
    return is_alive(held.connection, epoch=broker.settings.epoch, now=broker.clock.now(), swaps=swaps)


def _is_certain(found: Connection | None) -> bool:
    return found is not None and found.status in ("active", "partial")


def _blocked(broker: Broker, held: LeasedConnection) -> TemporarilyUnavailable | None:
    """The reason not to call the provider now: too little time left for its response, or an open circuit breaker."""
    if broker.deadline.left() < LEAST_FUNCTION_SECONDS:
        return TemporarilyUnavailable("too_little_time_left", retry_after=1)
    now = broker.clock.now()
    until = broker.breaker.retry_at(held.record.provider_id, now)
    return TemporarilyUnavailable("provider_left_alone", retry_after=until - now) if until else None


def _prepare(broker: Broker, held: LeasedConnection, *, lives: bool) -> tuple[Provider | None, str | None]:
    """Load endpoints and open every key before the lease, so that only the table is needed after it."""
    try:
        open_refresh_token(held.connection, held.user_key)
    except DecryptionFailed as broken:
        alarm_undecryptable(broker, held.connection, str(broken))
    try:
        provider = discover_endpoints(broker, held.record, held.definition)
        return provider, open_credential(broker, provider)
    except ProviderFailure as error:
        broker.log.event("provider_unavailable", provider_id=held.record.provider_id, reason=error.reason)
        if lives:
            return None, None
        raise TemporarilyUnavailable("provider_unavailable", retry_after=5) from None
