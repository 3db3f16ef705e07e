"""The buttons with which a user limits an app: pause it, end its access after a day, or reduce its scopes.

The limits are in the consent, which every use of the app's access reads. None of them adds to the app's access.
"""

from collections.abc import Callable

import msgspec

from chalicelib.contention import write_tries
from chalicelib.endpoints.account.access import AccountAccess, ButtonPress, read_account_access
from chalicelib.endpoints.account.app_connections import is_standing
from chalicelib.endpoints.account.app_page import app_page_uri
from chalicelib.endpoints.account.apps import ALWAYS
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
    """Pause an app. Refresh tokens are refused meanwhile without being used up, so the app loses nothing."""
    held = read_account_access(broker, press.holder)
    paused = _change(broker, held, press, lambda read: _replace(read, paused_at=read.paused_at or held.now))
    _pause_grants(broker, held, paused.client_id, paused=True)
    broker.log.event("app_paused", client_id=paused.client_id)
    return redirect_response(app_page_uri(broker, press.holder, press.target))


def resume(broker: Broker, press: ButtonPress) -> Response:
    """Resume an app: first the grants, then the consent. After a crash in between the app is still shown as paused."""
    held = read_account_access(broker, press.holder)
    if press.target in held.consents:
        _pause_grants(broker, held, press.target, paused=False)
    resumed = _change(broker, held, press, lambda read: _replace(read, paused_at=0))
    broker.log.event("app_resumed", client_id=resumed.client_id)
    return redirect_response(app_page_uri(broker, press.holder, press.target))


def expire_in_24h(broker: Broker, press: ButtonPress) -> Response:
    """End the app's access in 24 hours. All decisions until then become void, and a job revokes the connections."""
    held = read_account_access(broker, press.holder)
    ends_at = held.now + DAY
    limited = _change(broker, held, press, lambda read: _replace(read, ends_at=read.ends_at or ends_at))
    enqueue_expiry(broker, limited)
    broker.log.event("access_limited", client_id=limited.client_id, ends_at=limited.ends_at)
    return redirect_response(app_page_uri(broker, press.holder, press.target))


def clear_expiry(broker: Broker, press: ButtonPress) -> Response:
    """Remove the end of the app's access."""
    held = read_account_access(broker, press.holder)
    kept = _change(broker, held, press, lambda read: _replace(read, ends_at=0))
    broker.log.event("access_limit_lifted", client_id=kept.client_id)
    return redirect_response(app_page_uri(broker, press.holder, press.target))


def reduce_scopes(broker: Broker, press: ButtonPress) -> Response:
    """Remove the unticked scopes from the consent. Ticked scopes that the app does not have are ignored."""
    held = read_account_access(broker, press.holder)
    kept = press.ticked | ALWAYS
    narrowed = _change(broker, held, press, lambda read: _reduce(read, kept, held.now))
    broker.log.event("consent_narrowed", client_id=narrowed.client_id)
    return redirect_response(app_page_uri(broker, press.holder, press.target))


def _reduce(read: Consent, kept: frozenset[str], now: int) -> Consent:
    """Remove scopes. The new time also voids decisions that are waiting for the provider's callback."""
    removed = read.vouched - read.withheld - kept
    if read.scopes <= kept and not removed:
        return read
    withheld = read.withheld | removed
    return _replace(read, scopes=read.scopes & kept, withheld=withheld, reduced_at=max(now, read.decided_at) + 1)


def _replace(read: Consent, **fields: object) -> Consent:
    return msgspec.structs.replace(read, **fields)


def _change(broker: Broker, held: AccountAccess, press: ButtonPress, change: Callable[[Consent], Consent]) -> Consent:
    """Replace the consent that the page has shown, unless the change has no effect.

    Raises PageError if the consent is not this user's, has ended, or was extended after the page was shown.
    Raises TemporarilyUnavailable if other writers keep changing it.
    """
    read = held.consents.get(press.target)
    item_key = consent_item_key(press.holder.sub, press.target)
    for _ in write_tries(broker):
        if read is None or not is_standing(read, epoch=broker.settings.epoch, now=held.now):
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
    for grant in held.grants:
        if grant.client_id == client_id and not grant.is_over(held.now) and grant.paused != paused:
            broker.store.pause_grant(grant.grant_id, sub=grant.sub, paused=paused)
