"""Lists all connections of a user, including the newest.

The index may lag behind the table. So a connection is noted in its user's item before it is stored, and the user's
item is read with strong consistency.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.contention import write_tries
from chalicelib.ports import Broker, Items, Written
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import ItemKey, connection_item_key, subject_item_key
from chalicelib.records.subject import Subject

NOTED_SECONDS = 86400  # far longer than an index has ever lagged
FRESH_SECONDS = 3600  # if a sign-in crashes after its note, the next attempt writes the note again after this time
MOST_NOTED = 32  # keeps the user's item, which every request reads, below 4 KB


def note_connection(broker: Broker, subject: Subject, connection_id: str) -> None:
    """Note a connection that is about to be stored for the first time. If there is a fresh note, nothing is written.

    Raises PageError if the user was erased or disabled after being read.
    Raises TemporarilyUnavailable if concurrent writes keep winning.
    """
    for _ in write_tries(broker):
        if subject.marks.disabled:
            raise PageError("user_ended_meanwhile", page="sign_in_over", status=403)
        now, noted_at = broker.clock.now(), subject.new_connections.get(connection_id)
        if noted_at is not None and now - noted_at < FRESH_SECONDS:
            return
        noted = add_note(subject.new_connections, connection_id, now=now)
        result = broker.store.note_connections(subject, noted)
        if isinstance(result, Written):
            return
        if result.found is None:
            break
        subject = result.found
    raise TemporarilyUnavailable("subject_keeps_changing", retry_after=1)


def add_note(noted: Mapping[str, int], connection_id: str, *, now: int) -> dict[str, int]:
    """The notes with a new one. Expired notes go, then the oldest, until `MOST_NOTED` remain."""
    young = sorted((at, name) for name, at in noted.items() if now - at < NOTED_SECONDS)
    others = {name: at for at, name in young if name != connection_id}
    return {**dict(list(others.items())[1 - MOST_NOTED :]), connection_id: now}


def read_all_connections(
    broker: Broker, sub: str, *needed: ItemKey[Any], known: Iterable[str] = ()
) -> tuple[Items, tuple[Connection, ...]]:
    """Returns (the `needed` items, all connections of this user, tombstones too).

    Costs one query and one read, and a second read if a connection is noted and the index does not show it.

    known   ids of connections that the caller has from another source
    """
    names = tuple(dict.fromkeys((*broker.store.list_subject(sub, "CONNECTION"), *known)))
    subject_at = subject_item_key(sub)
    found = broker.store.read(subject_at, *needed, *map(connection_item_key, names))
    subject = found.get(subject_at)
    unseen = tuple(name for name in subject.new_connections if name not in names) if subject else ()
    late = broker.store.read(*map(connection_item_key, unseen)) if unseen else found
    connections = [found.get(connection_item_key(name)) for name in names]
    connections += [late.get(connection_item_key(name)) for name in unseen]
    return found, tuple(one for one in connections if one is not None and one.sub == sub)
