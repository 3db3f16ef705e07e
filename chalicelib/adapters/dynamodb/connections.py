"""Verbs of a connection, other than those of a refresh: sign-ins and revocation."""

from collections.abc import Mapping

from chalicelib.adapters.dynamodb.tables import Tables, equal
from chalicelib.ports import Refused, Written
from chalicelib.records.connection import Connection, Ending
from chalicelib.records.item_keys import connection_item_key, subject_item_key
from chalicelib.records.subject import Subject


class ConnectionVerbs(Tables):
    """What a sign-in and a revocation write."""

    def put_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """A sign-in is a generation too: only if absent, or if the generation below still stands, whatever the lease.

        The attempt is compared too, so that the item keeps count of what was begun. A tombstone keeps its generation,
        so its time is compared as well: revoking meanwhile is never undone.
        """
        item_key = connection_item_key(connection.connection_id)
        if connection.token_generation == 1:
            result = self._put(item_key, connection, "attribute_not_exists(pk)")
        else:
            values: dict[str, object] = {
                ":below": connection.token_generation - 1,
                ":decided": connection.connected_at,
                ":attempt": connection.attempt,
            }
            later = "(attribute_not_exists(revoked_at) OR revoked_at < :decided)"
            attempt = equal("attempt", ":attempt", connection.attempt)
            result = self._put(item_key, connection, f"token_generation = :below AND {attempt} AND {later}", values)
        if isinstance(result, Refused) and result.found and result.found.connected_by == connection.connected_by:
            return Written(result.found)
        return result

    def note_connections(self, subject: Subject, noted: Mapping[str, int]) -> Written[Subject] | Refused[Subject]:
        """Only over what was read, and never for a user who is switched off or erased."""
        conditions = [
            equal("new_connections", ":read", subject.new_connections),
            "(attribute_not_exists(marks.disabled) OR marks.disabled = :no)",
        ]
        values = {":noted": dict(noted), ":read": subject.new_connections, ":no": False}
        return self._update(subject_item_key(subject.sub), "SET new_connections = :noted", conditions, values)

    def forget_new_connections(self, sub: str) -> None:
        """They are in the index by now, or were never stored."""
        self._update(subject_item_key(sub), "SET new_connections = :none", [], {":none": {}})

    def clear_outgoing(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Forget the replaced refresh tokens, if no other sign-in or refresh has written since."""
        return self._update(
            connection_item_key(connection.connection_id),
            "SET outgoing = :none",
            ["token_generation = :generation", "connected_by = :by"],
            {":none": (), ":generation": connection.token_generation, ":by": connection.connected_by},
        )

    def revoke_connection(self, connection: Connection, *, now: int) -> Written[Connection] | Refused[Connection]:
        """any -> revoked, whatever a refresh has written meanwhile; a sign-in since it was read stands."""
        return self._update(
            connection_item_key(connection.connection_id),
            "SET #status = :revoked, revoked_at = :now, revoked_generation = token_generation",
            [equal("line", ":line", connection.line), "#sub = :sub"],
            {":revoked": "revoked", ":now": now, ":line": connection.line, ":sub": connection.sub},
        )

    def record_endings(
        self, connection: Connection, endings: Mapping[str, Ending], *, settled_at: int = 0
    ) -> Written[Connection] | Refused[Connection]:
        """Only on that very tombstone, and only where it still says what was read."""
        values: dict[str, object] = {
            ":revoked": "revoked",
            ":generation": connection.token_generation,
            ":read": connection.endings,
            ":endings": dict(endings),
        }
        update = "SET endings = :endings"
        if settled_at:
            update, values[":settled"] = update + ", settled_at = :settled", settled_at
        conditions = [
            "#status = :revoked",
            "token_generation = :generation",
            equal("endings", ":read", connection.endings),
        ]
        return self._update(connection_item_key(connection.connection_id), update, conditions, values)

    def note_idle(self, connection: Connection, *, since: int) -> Written[Connection] | Refused[Connection]:
        """If nobody has signed in or taken it back since it was read."""
        return self._update(
            connection_item_key(connection.connection_id),
            "SET idle_since = :since",
            [equal("line", ":line", connection.line), "#status <> :revoked"],
            {":since": since, ":line": connection.line, ":revoked": "revoked"},
        )

    def demand_sign_in(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """active, partial -> reauth_required, at the generation that was read."""
        values = {":active": "active", ":partial": "partial", ":reauth": "reauth_required"}
        return self._update(
            connection_item_key(connection.connection_id),
            "SET #status = :reauth",
            ["token_generation = :generation", "#status IN (:active, :partial)"],
            {**values, ":generation": connection.token_generation},
        )
