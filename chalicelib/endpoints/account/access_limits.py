"""What the buttons of a user's own page limit: an app pauses, ends by itself after a day, or may do less than before.

All of it stands in the consent, which whatever the app does next reads; nothing here ever adds to what it may do.
"""

from collections.abc import Callable

import msgspec

from chalicelib.contention import write_tries
from chalicelib.endpoints.account.access import AccountAccess, ButtonPress, read_account_access
from chalicelib.endpoints.account.apps import ALWAYS, is_standing
from chalicelib.endpoints.account.revoke import check_unchanged
from chalicelib.endpoints.browser.urls import account_uri
from chalicelib.jobs.access_expiry import enqueue_expiry
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import consent_item_key
from chalicelib.responses import Response, redirect_response

DAY = 86400


def pause(broker: Broker, press: ButtonPress) -> Response:
    """Nothing goes on from now on, and nothing is lost: refresh tokens are not taken meanwhile, so none is used up."""
    held = read_account_access(broker, press.holder)
    now = broker.clock.now()
    paused = _change(broker, held, press, lambda read: _replace(read, paused_at=read.paused_at or now))
    _pause_grants(broker, held, paused.client_id, paused=True)
    broker.log.event("app_paused", client_id=paused.client_id)
    return redirect_response(account_uri(broker))


def resume(broker: Broker, press: ButtonPress) -> Response:
    """Grants first: who dies in between has paused it still, and says so."""
    held = read_account_access(broker, press.holder)
    if press.target in held.consents:
        _pause_grants(broker, held, press.target, paused=False)
    resumed = _change(broker, held, press, lambda read: _replace(read, paused_at=0))
    broker.log.event("app_resumed", client_id=resumed.client_id)
    return redirect_response(account_uri(broker))


def expire_in_24h(broker: Broker, press: ButtonPress) -> Response:
    """All that was decided until then is void in 24 hours; a duty ends the connections at the providers then."""
    held, ends_at = read_account_access(broker, press.holder), broker.clock.now() + DAY
    limited = _change(broker, held, press, lambda read: _replace(read, ends_at=read.ends_at or ends_at))
    enqueue_expiry(broker, limited)
    broker.log.event("access_limited", client_id=limited.client_id, ends_at=limited.ends_at)
    return redirect_response(account_uri(broker))


def clear_expiry(broker: Broker, press: ButtonPress) -> Response:
    """The app keeps what it has."""
    held = read_account_access(broker, press.holder)
    kept = _change(broker, held, press, lambda read: _replace(read, ends_at=0))
    broker.log.event("access_limit_lifted", client_id=kept.client_id)
    return redirect_response(account_uri(broker))


def reduce_scopes(broker: Broker, press: ButtonPress) -> Response:
    """What was unticked is allowed no more; what the form ticks beyond that adds nothing."""
    held = read_account_access(broker, press.holder)
    kept = press.ticked | ALWAYS
    now = broker.clock.now()
    narrowed = _change(broker, held, press, lambda read: _reduce(read, kept, now))
    broker.log.event("consent_narrowed", client_id=narrowed.client_id)
    return redirect_response(account_uri(broker))


def _reduce(read: Consent, kept: frozenset[str], now: int) -> Consent:
    """Decisions that are on their way to a provider were made before this one."""
    if read.scopes <= kept:
        return read
    return _replace(read, scopes=read.scopes & kept, reduced_at=max(now, read.decided_at) + 1)


def _replace(read: Consent, **fields: object) -> Consent:
    return msgspec.structs.replace(read, **fields)


def _change(broker: Broker, held: AccountAccess, press: ButtonPress, change: Callable[[Consent], Consent]) -> Consent:
    """Write another consent over the one that the page has shown; nothing where nothing changes.

    Raises PageError: it is not this user's, it has ended, or something was allowed since.
    Raises TemporarilyUnavailable where others keep writing in between.
    """
    read = held.consents.get(press.target)
    item_key = consent_item_key(press.holder.sub, press.target)
    for _ in write_tries(broker):
        if read is None or not is_standing(broker, read):
            raise PageError("account_no_such_app", page="account_again", status=403, link=account_uri(broker))
        check_unchanged(broker, press, [], read.decided_at)
        changed = change(read)
        if changed == read:
            return read
        changed = msgspec.structs.replace(changed, version=read.version + 1)
        if not isinstance(broker.store.put_consent(changed, expected_version=read.version), Refused):
            return changed
        read = broker.store.read(item_key).get(item_key)
    raise TemporarilyUnavailable("consent_keeps_changing", retry_after=1)


def _pause_grants(broker: Broker, held: AccountAccess, client_id: str, *, paused: bool) -> None:
    now = broker.clock.now()
    for grant in held.grants:
        if grant.client_id == client_id and not grant.is_over(now) and grant.paused != paused:
            broker.store.pause_grant(grant.grant_id, sub=grant.sub, paused=paused)
