"""Store methods for a refresh: lease, stored response, commit. The token generation is the fencing number."""

from chalicelib.adapters.dynamodb.tables import Tables, equal
from chalicelib.ports import Refused, Written
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.item_keys import connection_item_key, recovery_item_key

KEPT_TRIES = 3
SAME_ANSWER = "generation = :g AND attempt = :a AND line = :line"
# Fields written by a refresh, and by the end of an attempt without tokens. Sign-ins and leases write the rest.
COMMITTED = (
    "token_generation", "granted", "is_partial", "sealed_access_token", "access_expires_at", "tokens_at", "reauth_by",
    "sealed_refresh_token", "sealed_previous", "sealed_profile", "sealed_metadata", "outgoing", "doubt_tries",
    "epoch",
)  # fmt: skip
FAILED = ("lost", "failures", "retry_at", "doubt_since")


class RefreshVerbs(Tables):
    """The writes of one refresh attempt."""

    def lease_connection(
        self, connection: Connection, *, owner: str, doubt: bool, now: int, until: int
    ) -> Written[Connection] | Refused[Connection]:
        """Take the lease. Generation and attempt are compared, so the lease holder acts on exactly the connection that
        it read."""
        values: dict[str, object] = {
            ":generation": connection.token_generation,
            ":attempt": connection.attempt,
            ":next": connection.attempt + 1,
            ":active": "active",
            ":partial": "partial",
            ":doubtful": "in_doubt",
            ":owner": owner,
            ":now": now,
            ":until": until,
            ":since": connection.doubt_since or connection.attempt_started or now,
            ":lost": max(connection.lost, int(doubt)),
        }
        conditions = [
            "token_generation = :generation",
            equal("attempt", ":attempt", connection.attempt),
            "#status IN (:active, :partial, :doubtful)",
            "(attribute_not_exists(lease_owner) OR lease_until < :now)",
        ]
        update = (
            "SET lease_owner = :owner, lease_until = :until, attempt = :next, attempt_started = :now, "
            "doubt_since = :since, lost = :lost"
        )
        if doubt:
            update += ", doubt_tries = :tries"
            values[":tries"] = (*connection.doubt_tries, now)[-KEPT_TRIES:]
        return self._update(connection_item_key(connection.connection_id), update, conditions, values)

    def put_recovery(
        self, recovery: Recovery, *, replacing: Recovery | None = None
    ) -> Written[Recovery] | Refused[Recovery]:
        """Store a response. Without `replacing`, it replaces only an absent, emptied, or older one of the same line."""
        mine: dict[str, object] = {":g": recovery.generation, ":a": recovery.attempt, ":line": recovery.line}
        older = "(generation < :g OR (generation = :g AND attempt = :a))"
        condition = f"attribute_not_exists(pk) OR generation < :zero OR (line = :line AND {older})"
        values = {**mine, ":zero": 0}
        if replacing is not None:
            condition = SAME_ANSWER
            values = {":g": replacing.generation, ":a": replacing.attempt, ":line": replacing.line}
        return self._put(recovery_item_key(recovery.connection_id), recovery, condition, values)

    def empty_recovery(self, recovery: Recovery) -> Written[Recovery] | Refused[Recovery]:
        """Empty the item if it still holds this response. The item itself stays."""
        return self._update(
            recovery_item_key(recovery.connection_id),
            "SET generation = :none",
            [SAME_ANSWER],
            {":none": -1, ":g": recovery.generation, ":a": recovery.attempt, ":line": recovery.line},
            remove="sealed",
        )

    def commit_refresh(
        self, connection: Connection, *, owner: str, attempt: int, keeps_lost: bool
    ) -> Written[Connection] | Refused[Connection]:
        """Never overwrite newer tokens or a revocation. An overtaken attempt leaves the commit to the newer one."""
        values: dict[str, object] = {
            ":below": connection.token_generation - 1,
            ":revoked": "revoked",
            ":zero": 0,
            ":mine": owner or attempt,
        }
        conditions = [
            "token_generation = :below",
            "#status <> :revoked",
            f"(attempt_started = :zero OR {'lease_owner' if owner else 'attempt'} = :mine)",
        ]
        changed = {name: getattr(connection, name) for name in COMMITTED}
        changed |= {"attempt_started": 0, "doubt_since": 0, "failures": 0, "retry_at": 0}
        if not keeps_lost:
            changed["lost"] = 0
        gone = [
            "lease_owner",
            *(name for name, value in changed.items() if value is None or value in (b"", frozenset())),
        ]
        kept = {name: value for name, value in changed.items() if name not in gone}
        update = "SET #status = :status, " + ", ".join(f"{name} = :{name}" for name in kept)
        values |= {":status": connection.status, **{f":{name}": value for name, value in kept.items()}}
        item_key = connection_item_key(connection.connection_id)
        return self._update(item_key, update, conditions, values, remove=", ".join(gone))

    def record_refresh_failure(
        self, connection: Connection, *, owner: str
    ) -> Written[Connection] | Refused[Connection]:
        """Only the lease holder records how its attempt ended. The generation stays, so that a late response can be
        committed."""
        values: dict[str, object] = {f":{name}": getattr(connection, name) for name in FAILED}
        values |= {
            ":status": connection.status,
            ":generation": connection.token_generation,
            ":owner": owner,
            ":revoked": "revoked",
            ":zero": 0,
        }
        return self._update(
            connection_item_key(connection.connection_id),
            "SET #status = :status, attempt_started = :zero, " + ", ".join(f"{name} = :{name}" for name in FAILED),
            ["token_generation = :generation", "lease_owner = :owner", "#status <> :revoked"],
            values,
            remove="lease_owner",
        )
