"""Store methods for an erasure: end a user, and encrypt the remaining jobs under an expiring key."""

from chalicelib.adapters.dynamodb.tables import Tables, equal
from chalicelib.ports import Refused, Written
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, job_key_item_key, subject_item_key, user_key_item_key
from chalicelib.records.revocation import Revocation
from chalicelib.records.small_items import JobKey, UserKey
from chalicelib.records.subject import Subject

SEALED = (
    "sealed_access_token", "sealed_refresh_token", "sealed_previous", "sealed_profile", "sealed_metadata", "outgoing",
)  # fmt: skip
SKEW = 120


class ErasureVerbs(Tables):
    """The writes of an erasure."""

    def erase_subject(self, subject: Subject, *, now: int) -> None:
        """Disable the user permanently. A later sign-in with the same login creates a new user."""
        marks = Revocation(disabled=True, not_before=now + 1)
        for sub in dict.fromkeys((subject.sub, subject.login or subject.sub)):
            self._update(subject_item_key(sub), "SET marks = :marks", [], {":marks": marks})
        self._update(
            subject_item_key(subject.login or subject.sub),
            "SET erased = :next",
            ["(attribute_not_exists(erased) OR erased < :next)"],
            {":next": subject.life + 1},
        )

    def set_logins(
        self, subject: Subject, logins: dict[str, str], *, salt: bytes
    ) -> Written[Subject] | Refused[Subject]:
        """Only if the logins are as read, and the user is not erased."""
        conditions = [
            equal("logins", ":read", subject.logins),
            "(attribute_not_exists(marks.disabled) OR marks.disabled = :no)",
        ]
        values = {":logins": logins, ":read": subject.logins, ":salt": salt, ":no": False}
        return self._update(
            subject_item_key(subject.sub), "SET logins = :logins, session_salt = :salt", conditions, values
        )

    def put_job_key(self, left: JobKey, *, now: int) -> Written[JobKey] | Refused[JobKey]:
        """Insert if absent or expired, in the table without backups, which deletes it after its expiry."""
        condition = "attribute_not_exists(pk) OR expires_at <= :now"
        return self._put(job_key_item_key(left.sub), left, condition, {":now": now}, purge_at=left.expires_at + SKEW)

    def reseal_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Replace the encrypted values of this exact tombstone, if its results are as read."""
        sealed = {name: getattr(connection, name) for name in SEALED}
        kept = {f":{name}": value for name, value in sealed.items() if value}
        conditions = [
            "#status = :revoked",
            "token_generation = :generation",
            equal("endings", ":read", connection.endings),
        ]
        return self._update(
            connection_item_key(connection.connection_id),
            ", ".join(("SET idle_since = :zero", *(f"{name[1:]} = {name}" for name in kept))),
            conditions,
            {
                **kept,
                ":zero": 0,
                ":revoked": "revoked",
                ":generation": connection.token_generation,
                ":read": connection.endings,
            },
            remove=", ".join(name for name, value in sealed.items() if not value),
        )

    def destroy_user_key(self, sub: str) -> None:
        """Empty the item but do not delete it, so that no request creates another key there."""
        self._put(user_key_item_key(sub), UserKey(sub=sub), "attribute_exists(pk) OR attribute_not_exists(pk)")
