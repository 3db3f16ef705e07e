"""Store methods for connections, except refreshes: sign-ins and revocations."""

from collections.abc import Mapping

from chalicelib.adapters.dynamodb.tables import Tables, equal
from chalicelib.ports import Refused, Written
from chalicelib.records.connection import Connection, Ending
from chalicelib.records.item_keys import connection_item_key, subject_item_key
from chalicelib.records.subject import Subject


class ConnectionVerbs(Tables):
    """The writes of a sign-in and of a revocation."""

    def put_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Insert if absent, or replace the generation below, regardless of any lease: a sign-in is a new generation
        too.

        The attempt is compared too, so that no started refresh attempt is lost from the count. A tombstone keeps
        its generation, so its time is compared as well. A concurrent revocation is never undone.
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
        """Only if the notes are as read, and never for a disabled or erased user."""
        conditions = [
            equal("new_connections", ":read", subject.new_connections),
            "(attribute_not_exists(marks.disabled) OR marks.disabled = :no)",
        ]
        values = {":noted": dict(noted), ":read": subject.new_connections, ":no": False}
        return self._update(subject_item_key(subject.sub), "SET new_connections = :noted", conditions, values)

    def forget_new_connections(self, sub: str) -> None:
        """Delete the notes: the index lists these connections by now, or they were never stored."""
        self._update(subject_item_key(sub), "SET new_connections = :none", [], {":none": {}})

    def clear_outgoing(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Delete the replaced refresh tokens, unless another sign-in or refresh has written since."""
        return self._update(
            connection_item_key(connection.connection_id),
            "SET outgoing = :none",
            ["token_generation = :generation", "connected_by = :by"],
            {":none": (), ":generation": connection.token_generation, ":by": connection.connected_by},
        )

    def revoke_connection(self, connection: Connection, *, now: int) -> Written[Connection] | Refused[Connection]:
        """any -> revoked, even if a refresh has written meanwhile. Refused if a sign-in has written since the read."""
        return self._update(
            connection_item_key(connection.connection_id),
            "SET #status = :revoked, revoked_at = :now, revoked_generation = token_generation",
            [equal("line", ":line", connection.line), "#sub = :sub"],
            {":revoked": "revoked", ":now": now, ":line": connection.line, ":sub": connection.sub},
        )

    def record_endings(
        self, connection: Connection, endings: Mapping[str, Ending], *, settled_at: int = 0
    ) -> Written[Connection] | Refused[Connection]:
        """Only on this exact tombstone, and only if its results are as read."""
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
        """Only if the connection was neither renewed by a sign-in nor revoked since the read."""
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
