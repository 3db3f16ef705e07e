"""What the buttons of a user's own page limit: an app pauses, ends by itself after a day, or may do less than before.

All of it stands in the consent, which whatever the app does next reads; nothing here ever adds to what it may do.
"""

from collections.abc import Callable

import msgspec

from chalicelib.contention import write_tries
from chalicelib.custody.limiting import leave_time_up
from chalicelib.endpoints.account_acts import check_shown
from chalicelib.endpoints.account_apps import ALWAYS, is_standing
from chalicelib.endpoints.account_held import Held, Pressed, read_held
from chalicelib.endpoints.answers import account_uri
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.records.consent import Consent
from chalicelib.records.places import consent_place
from chalicelib.replies import Reply, redirect_reply

DAY = 86400


def pause(broker: Broker, pressed: Pressed) -> Reply:
    """Nothing goes on from now on, and nothing is lost: refresh tokens are not taken meanwhile, so none is used up."""
    held = read_held(broker, pressed.holder)
    now = broker.clock.now()
    paused = _change(broker, held, pressed, lambda read: _replace(read, paused_at=read.paused_at or now))
    _pause_grants(broker, held, paused.client_id, paused=True)
    broker.log.event("app_paused", client_id=paused.client_id)
    return redirect_reply(account_uri(broker))


def resume(broker: Broker, pressed: Pressed) -> Reply:
    """Grants first: who dies in between has paused it still, and says so."""
    held = read_held(broker, pressed.holder)
    if pressed.target in held.consents:
        _pause_grants(broker, held, pressed.target, paused=False)
    resumed = _change(broker, held, pressed, lambda read: _replace(read, paused_at=0))
    broker.log.event("app_resumed", client_id=resumed.client_id)
    return redirect_reply(account_uri(broker))


def end_in_a_day(broker: Broker, pressed: Pressed) -> Reply:
    """All that was decided until then is void in 24 hours; a duty ends the connections at the providers then."""
    held, ends_at = read_held(broker, pressed.holder), broker.clock.now() + DAY
    limited = _change(broker, held, pressed, lambda read: _replace(read, ends_at=read.ends_at or ends_at))
    leave_time_up(broker, limited)
    broker.log.event("access_limited", client_id=limited.client_id, ends_at=limited.ends_at)
    return redirect_reply(account_uri(broker))


def end_no_more(broker: Broker, pressed: Pressed) -> Reply:
    """The app keeps what it has."""
    held = read_held(broker, pressed.holder)
    kept = _change(broker, held, pressed, lambda read: _replace(read, ends_at=0))
    broker.log.event("access_limit_lifted", client_id=kept.client_id)
    return redirect_reply(account_uri(broker))


def narrow(broker: Broker, pressed: Pressed) -> Reply:
    """What was unticked is allowed no more; what the form ticks beyond that adds nothing."""
    held = read_held(broker, pressed.holder)
    kept = pressed.ticked | ALWAYS
    now = broker.clock.now()
    narrowed = _change(broker, held, pressed, lambda read: _reduce(read, kept, now))
    broker.log.event("consent_narrowed", client_id=narrowed.client_id)
    return redirect_reply(account_uri(broker))


def _reduce(read: Consent, kept: frozenset[str], now: int) -> Consent:
    """Decisions that are on their way to a provider were made before this one."""
    if read.scopes <= kept:
        return read
    return _replace(read, scopes=read.scopes & kept, reduced_at=max(now, read.decided_at) + 1)


def _replace(read: Consent, **fields: object) -> Consent:
    return msgspec.structs.replace(read, **fields)


def _change(broker: Broker, held: Held, pressed: Pressed, change: Callable[[Consent], Consent]) -> Consent:
    """Write another consent over the one that the page has shown; nothing where nothing changes.

    Raises PageError: it is not this user's, it has ended, or something was allowed since.
    Raises TemporarilyUnavailable where others keep writing in between.
    """
    read = held.consents.get(pressed.target)
    place = consent_place(pressed.holder.sub, pressed.target)
    for _ in write_tries(broker):
        if read is None or not is_standing(broker, read):
            raise PageError("account_no_such_app", page="account_again", status=403, link=account_uri(broker))
        check_shown(broker, pressed, [], read.decided_at)
        changed = change(read)
        if changed == read:
            return read
        changed = msgspec.structs.replace(changed, version=read.version + 1)
        if not isinstance(broker.store.put_consent(changed, expected_version=read.version), Refused):
            return changed
        read = broker.store.read(place).get(place)
    raise TemporarilyUnavailable("consent_keeps_changing", retry_after=1)


def _pause_grants(broker: Broker, held: Held, client_id: str, *, paused: bool) -> None:
    now = broker.clock.now()
    for grant in held.grants:
        if grant.client_id == client_id and not grant.is_over(now) and grant.paused != paused:
            broker.store.pause_grant(grant.grant_id, sub=grant.sub, paused=paused)
