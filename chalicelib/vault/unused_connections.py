"""Connections outlive the grants that made them; one that no live grant could use for long is ended at its provider,
and one whose client has ended itself at the next look.

A look at all connections goes on from run to run, once a day, and is worth no more than what the items say that it
finds: the index only says where to look.
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
LEAST_SECONDS = 12  # one user's connections are looked at in that, and ended as far as there is time


def revoke_unused_connections(broker: Broker) -> list[Connection]:
    """Go on with the look at all connections, if it is time; those that were ended, as they stand."""
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
            except ItemUnreadable:  # the users behind this one do not wait for it
                broker.log.event("alarm", kind="job_broken", job_kind="idle", error="item_unreadable", sub=sub)
        now = broker.clock.now()
        if not page.cursor:
            broker.queue.put_sweep(Sweep(due_at=now + DAY), read=sweep)
            return ended
        onward = Sweep(due_at=now + CLAIM_SECONDS, cursor=page.cursor)
        sweep = onward if broker.queue.put_sweep(onward, read=sweep) else None
    return ended


def _look_at(broker: Broker, sub: str, names: list[str]) -> list[Connection]:
    """One user's connections: which of them have a client and a grant to use them, and since when others have none."""
    now, allowed = broker.clock.now(), broker.settings.connection_unused_days * DAY
    read = _read(broker, [connection_item_key(name) for name in names])
    live = [one for one in read if one.sub == sub and one.status != "revoked"]
    if not live:
        return []
    grants_at = tuple(grant_item_key(name) for name in broker.store.list_subject(sub, "GRANT"))
    clients_at = tuple({client_item_key(one.client_id) for one in live})
    found = broker.store.read(*grants_at, *clients_at)
    grants = [grant for place in grants_at if (grant := found.get(place)) is not None]
    clients = [client for place in clients_at if (client := found.get(place)) is not None]
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
    """At each look of the last days before its user has to sign in there again, as far as that is known."""
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
    except OAuthError as error:  # the alarm is in the log; the next look tries again
        broker.log.event("idle_not_ended", sub=sub, reason=error.reason)
        return []
    for one in ended:
        named = {"connection_id": one.connection_id, "result": result_of(one)}
        broker.log.event("connection_ended", **named, by="schedule", since=one.idle_since)
    return ended


def _read(broker: Broker, places: Iterable[ItemKey[Any]]) -> list[Any]:
    """What stands there."""
    at = tuple(dict.fromkeys(places))
    found = broker.store.read(*at)
    return [one for place in at if (one := found.get(place)) is not None]
