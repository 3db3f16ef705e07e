"""Revokes connections that no grant can use any longer.

A connection outlives the grants that made it. It is revoked when no active grant could use it for the configured
number of days, or at the next scan after its client was deleted. A scan over all connections runs once a day and
continues from run to run. The index only says which items to read; decisions depend on the items.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from chalicelib.ports import Broker, ItemUnreadable
from chalicelib.protocol.errors import OAuthError
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import (
    ItemKey,
    client_item_key,
    connection_item_key,
    grant_item_key,
    user_key_item_key,
)
from chalicelib.records.sweep import Sweep
from chalicelib.vault.revocation import revoke_connections
from chalicelib.vault.rules.revocation_results import result_of
from chalicelib.vault.user_keys import open_key_of

DAY = 86400
FOREWARNED_SECONDS = 7 * DAY
CLAIM_SECONDS = 60
LEAST_SECONDS = 12  # time to check one user's connections, and to revoke as many of them as fit


def revoke_unused_connections(broker: Broker) -> list[Connection]:
    """Continue the scan over all connections if it is due. Returns the connections that were revoked."""
    ended = list[Connection]()
    sweep = broker.queue.take_sweep(now=broker.clock.now(), seconds=CLAIM_SECONDS)
    while sweep is not None:
        page = broker.queue.list_connections(sweep.cursor)
        for sub, names in page.connections.items():
            if broker.deadline.left() < LEAST_SECONDS:
                broker.queue.put_sweep(msgspec.structs.replace(sweep, due_at=broker.clock.now()), read=sweep)
                return ended
            try:
                ended += _look_at(broker, sub, names)
            except ItemUnreadable:  # one unreadable item must not hold up the other users
                broker.log.event("alarm", kind="job_broken", job_kind="idle", error="item_unreadable", sub=sub)
        now = broker.clock.now()
        if not page.cursor:
            broker.queue.put_sweep(Sweep(due_at=now + DAY), read=sweep)
            return ended
        onward = Sweep(due_at=now + CLAIM_SECONDS, cursor=page.cursor)
        sweep = onward if broker.queue.put_sweep(onward, read=sweep) else None
    return ended


def _look_at(broker: Broker, sub: str, names: list[str]) -> list[Connection]:
    """Check one user's connections: which have a client and an active grant, and since when the others have none."""
    now, allowed = broker.clock.now(), broker.settings.connection_unused_days * DAY
    read = _read(broker, [connection_item_key(name) for name in names])
    live = [one for one in read if one.sub == sub and one.status != "revoked"]
    if not live:
        return []
    grants_at = tuple(grant_item_key(name) for name in broker.store.list_subject(sub, "GRANT"))
    clients_at = tuple({client_item_key(one.client_id) for one in live})
    found = broker.store.read(*grants_at, *clients_at)
    grants = [grant for item_key in grants_at if (grant := found.get(item_key)) is not None]
    clients = [client for item_key in clients_at if (client := found.get(item_key)) is not None]
    deleted = {client.client_id for client in clients if client.deleted_at is not None}
    using = {grant.client_id for grant in grants if grant.sub == sub and not grant.is_over(now)}
    over = list[Connection]()
    for one in live:
        if one.client_id in deleted:
            over.append(one)
        elif one.client_id in using:
            _forewarn(broker, one, now)
            if one.idle_since:
                broker.store.note_idle(one, since=0)
        elif not one.idle_since:
            broker.store.note_idle(one, since=now)
        elif one.idle_since <= now - allowed:
            over.append(one)
    return _end(broker, sub, over)


def _forewarn(broker: Broker, one: Connection, now: int) -> None:
    """Log a warning at each scan of the last days before the user must sign in again, if that time is known."""
    if one.status == "active" and one.reauth_by is not None and now < one.reauth_by <= now + FOREWARNED_SECONDS:
        named = {"connection_id": one.connection_id, "provider_id": one.provider_id, "client_id": one.client_id}
        broker.log.event("reauth_by", **named, sub=one.sub, reauth_by=one.reauth_by)


def _end(broker: Broker, sub: str, over: list[Connection]) -> list[Connection]:
    item_key = user_key_item_key(sub)
    own = broker.store.read(item_key).get(item_key) if over else None
    if own is None:
        return []
    try:
        ended = revoke_connections(broker, over, open_key_of(broker, own))
    except OAuthError as error:  # the alarm is in the log; the next scan tries again
        broker.log.event("idle_not_ended", sub=sub, reason=error.reason)
        return []
    for one in ended:
        named = {"connection_id": one.connection_id, "result": result_of(one)}
        broker.log.event("connection_ended", **named, by="schedule", since=one.idle_since)
    return ended


def _read(broker: Broker, item_keys: Iterable[ItemKey[Any]]) -> list[Any]:
    """The items that exist at these keys."""
    at = tuple(dict.fromkeys(item_keys))
    found = broker.store.read(*at)
    return [one for item_key in at if (one := found.get(item_key)) is not None]
