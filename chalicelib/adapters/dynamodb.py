"""The store on DynamoDB: each verb is one conditional write, so every 'exactly once' is a compare-and-swap."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from chalicelib.adapters.aws import AwsRefusal, Transport, call_with_repeats
from chalicelib.adapters.items import decode_item, encode, encode_item, key
from chalicelib.ports import Advance, Entropy, Redemption, Refused, StoreUnavailable, Written
from chalicelib.records.audit import AuditEvent
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.job import Job
from chalicelib.records.places import (
    Place,
    client_place,
    connection_place,
    consent_place,
    grant_place,
    recovery_place,
    revoked_token_place,
    stored_request_place,
    subject_place,
    user_key_place,
)
from chalicelib.records.stored import RevokedToken, StoredRequest, UserKey
from chalicelib.records.subject import Subject

T = TypeVar("T")
R = TypeVar("R", bound=msgspec.Struct)
SKEW = 120
# Longer than a page, the cookie after it and a request: while a form of this grant id lives, its item must stand.
KEPT = 3600
RESERVED = ("status", "sub")  # DynamoDB's own words; as names of attributes they need a # in expressions
AUDIT_SECONDS = 400 * 86400
KEPT_TRIES = 3
SAME_ANSWER = "generation = :g AND attempt = :a AND line = :line"
# What a refresh writes, and what the end of an attempt without tokens writes; the rest belongs to sign-ins and leases.
COMMITTED = (
    "token_generation", "granted", "is_partial", "sealed_access_token", "access_expires_at", "tokens_at", "reauth_by",
    "sealed_refresh_token", "sealed_previous", "sealed_profile", "outgoing", "doubt_tries", "epoch",
)  # fmt: skip
FAILED = ("lost", "failures", "retry_at", "doubt_since")


class FoundItems:
    """What one batch read brought, decoded on demand and once."""

    def __init__(self, items: Mapping[tuple[str, str], dict[str, Any]]) -> None:
        self._items = items
        self._records: dict[Place[Any], Any] = {}

    def get(self, place: Place[T]) -> T | None:
        """The record, or None where nothing stands there."""
        if place not in self._records:
            item = self._items.get((place.table, place.pk))
            self._records[place] = None if item is None else decode_item(item, place.record)
        record: T | None = self._records[place]
        return record


class DynamoStore:
    """Both tables over one transport."""

    def __init__(self, transport: Transport, *, table: str, keys_table: str, entropy: Entropy) -> None:
        self._transport = transport
        self._tables = {"broker": table, "keys": keys_table}
        self._entropy = entropy

    def read(self, *places: Place[Any]) -> FoundItems:
        """One strongly consistent BatchGetItem over both tables, keys deduplicated."""
        wanted: dict[str, Any] = {}
        for place in dict.fromkeys(places):
            request = wanted.setdefault(self._tables[place.table], {"Keys": [], "ConsistentRead": True})
            request["Keys"].append(key(place.pk))
        answer = self._call("BatchGetItem", {"RequestItems": wanted})
        if answer.get("UnprocessedKeys"):
            raise StoreUnavailable("unprocessed_keys")
        names = {name: short for short, name in self._tables.items()}
        responses = answer.get("Responses", {})
        return FoundItems(
            {(names[table], item["pk"]["S"]): item for table, items in responses.items() for item in items}
        )

    def claim_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """Insert if absent, nothing else: a claim whose process died is never taken over."""
        return self._put(grant_place(grant.grant_id), grant, "attribute_not_exists(pk)")

    def issue_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """exchanging -> issued."""
        condition = "#status = :exchanging AND client_id = :client AND decided_at = :decided"
        values = {":exchanging": "exchanging", ":client": grant.client_id, ":decided": grant.decided_at}
        return self._put(grant_place(grant.grant_id), grant, condition, values, {"#status": "status"})

    def redeem_code(self, redemption: Redemption) -> Written[Grant] | Refused[Grant]:
        """issued(0) -> active(1): the code is consumed and its successor exists in the same write."""
        conditions = [
            "generation = :zero",
            "#status = :issued",
            "secret_hash = :secret",
            "client_id = :client",
            "code_challenge = :challenge",
            "epoch = :epoch",
            "expires_at > :now",
        ]
        values: dict[str, object] = {
            ":zero": 0,
            ":issued": "issued",
            ":secret": redemption.secret_hash,
            ":client": redemption.client_id,
            ":challenge": redemption.code_challenge,
            ":epoch": redemption.epoch,
            ":now": redemption.now,
            ":active": "active",
            ":one": 1,
            ":successor": redemption.successor_hash,
            ":salt": redemption.successor_salt,
            ":version": redemption.key_version,
            ":kept": KEPT,
        }
        if redemption.redirect_hash is not None:
            conditions.append("redirect_hash = :redirect")
            values[":redirect"] = redemption.redirect_hash
        _require_members(conditions, values, "resources", [redemption.resource] if redemption.resource else [])
        update = (
            "SET generation = :one, #status = :active, secret_hash = :successor, salt = :salt, key_version = :version, "
            "advanced_at = :now, previous_advanced_at = :now, expires_at = idle_seconds + :now, "
            "purge_at = ends_at + :kept"
        )
        return self._update(grant_place(redemption.grant_id), update, conditions, values)

    def advance_grant(self, advance: Advance) -> Written[Grant] | Refused[Grant]:
        """active(n) -> active(n + 1)."""
        conditions = [
            "generation = :generation",
            "#status = :active",
            "secret_hash = :secret",
            "client_id = :client",
            "epoch = :epoch",
            "expires_at > :now",
            "ends_at > :now",
        ]
        values: dict[str, object] = {
            ":generation": advance.generation,
            ":active": "active",
            ":secret": advance.secret_hash,
            ":client": advance.client_id,
            ":epoch": advance.epoch,
            ":now": advance.now,
            ":next": advance.generation + 1,
            ":version": advance.key_version,
        }
        _require_members(conditions, values, "scopes", sorted(advance.scopes))
        _require_members(conditions, values, "resources", [advance.resource] if advance.resource else [])
        update = (
            "SET generation = :next, key_version = :version, previous_advanced_at = advanced_at, advanced_at = :now, "
            "expires_at = idle_seconds + :now"
        )
        return self._update(grant_place(advance.grant_id), update, conditions, values, remove="nonce")

    def revoke_grant(
        self, grant_id: str, *, client_id: str, secret_hash: bytes | None = None
    ) -> Written[Grant] | Refused[Grant]:
        """any -> revoked, only where the grant is that client's, and its present secret the one named."""
        conditions = ["client_id = :client"]
        values: dict[str, object] = {":revoked": "revoked", ":client": client_id}
        if secret_hash is not None:
            conditions.append("secret_hash = :secret")
            values[":secret"] = secret_hash
        return self._update(grant_place(grant_id), "SET #status = :revoked", conditions, values)

    def put_consent(self, consent: Consent, *, expected_version: int) -> Written[Consent] | Refused[Consent]:
        """Compare and swap on the version that was read."""
        place = consent_place(consent.sub, consent.client_id)
        if expected_version == 0:
            return self._put(place, consent, "attribute_not_exists(pk)")
        return self._put(place, consent, "version = :version", {":version": expected_version})

    def put_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """A sign-in is a generation too: only if absent, or if the generation below still stands, whatever the lease.

        The attempt is compared too, so that the item keeps count of what was begun. A tombstone keeps its generation,
        so its time is compared as well: revoking meanwhile is never undone.
        """
        place = connection_place(connection.connection_id)
        if connection.token_generation == 1:
            result = self._put(place, connection, "attribute_not_exists(pk)")
        else:
            values: dict[str, object] = {
                ":below": connection.token_generation - 1,
                ":decided": connection.connected_at,
                ":attempt": connection.attempt,
            }
            later = "(attribute_not_exists(revoked_at) OR revoked_at < :decided)"
            attempt = _equal("attempt", ":attempt", connection.attempt)
            result = self._put(place, connection, f"token_generation = :below AND {attempt} AND {later}", values)
        if isinstance(result, Refused) and result.found and result.found.connected_by == connection.connected_by:
            return Written(result.found)
        return result

    def lease_connection(
        self, connection: Connection, *, owner: str, doubt: bool, now: int, until: int
    ) -> Written[Connection] | Refused[Connection]:
        """The generation fences tokens, the attempt fences this very read: what was read is what the winner acts on."""
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
            _equal("attempt", ":attempt", connection.attempt),
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
        return self._update(connection_place(connection.connection_id), update, conditions, values)

    def put_recovery(
        self, recovery: Recovery, *, replacing: Recovery | None = None
    ) -> Written[Recovery] | Refused[Recovery]:
        """What may be replaced without a second look is absent, emptied, or older and of the same line."""
        mine: dict[str, object] = {":g": recovery.generation, ":a": recovery.attempt, ":line": recovery.line}
        older = "(generation < :g OR (generation = :g AND attempt = :a))"
        condition = f"attribute_not_exists(pk) OR generation < :zero OR (line = :line AND {older})"
        values = {**mine, ":zero": 0}
        if replacing is not None:
            condition = SAME_ANSWER
            values = {":g": replacing.generation, ":a": replacing.attempt, ":line": replacing.line}
        return self._put(recovery_place(recovery.connection_id), recovery, condition, values)

    def empty_recovery(self, recovery: Recovery) -> Written[Recovery] | Refused[Recovery]:
        """Only the very answer that was ended; the place stays, with nothing in it."""
        return self._update(
            recovery_place(recovery.connection_id),
            "SET generation = :none",
            [SAME_ANSWER],
            {":none": -1, ":g": recovery.generation, ":a": recovery.attempt, ":line": recovery.line},
            remove="sealed",
        )

    def commit_refresh(
        self, connection: Connection, *, owner: str, attempt: int, keeps_lost: bool
    ) -> Written[Connection] | Refused[Connection]:
        """Older never overwrites newer, nothing is revived, and who was overtaken leaves it to the newer attempt."""
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
        place = connection_place(connection.connection_id)
        return self._update(place, update, conditions, values, remove=", ".join(gone))

    def record_refresh_failure(
        self, connection: Connection, *, owner: str
    ) -> Written[Connection] | Refused[Connection]:
        """Only the holder of the lease says how its attempt ended; the generation stays, so a late answer may heal."""
        values: dict[str, object] = {f":{name}": getattr(connection, name) for name in FAILED}
        values |= {
            ":status": connection.status,
            ":generation": connection.token_generation,
            ":owner": owner,
            ":revoked": "revoked",
            ":zero": 0,
        }
        return self._update(
            connection_place(connection.connection_id),
            "SET #status = :status, attempt_started = :zero, " + ", ".join(f"{name} = :{name}" for name in FAILED),
            ["token_generation = :generation", "lease_owner = :owner", "#status <> :revoked"],
            values,
            remove="lease_owner",
        )

    def clear_outgoing(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Forget the replaced refresh tokens, if no other sign-in or refresh has written since."""
        return self._update(
            connection_place(connection.connection_id),
            "SET outgoing = :none",
            ["token_generation = :generation", "connected_by = :by"],
            {":none": (), ":generation": connection.token_generation, ":by": connection.connected_by},
        )

    def revoke_connection(self, connection: Connection, *, now: int) -> Written[Connection] | Refused[Connection]:
        """any -> revoked, whatever a refresh has written meanwhile; a sign-in since it was read stands."""
        return self._update(
            connection_place(connection.connection_id),
            "SET #status = :revoked, revoked_at = :now, revoked_generation = token_generation",
            [_equal("line", ":line", connection.line), "#sub = :sub"],
            {":revoked": "revoked", ":now": now, ":line": connection.line, ":sub": connection.sub},
        )

    def settle_connection(self, connection: Connection, *, now: int) -> Written[Connection] | Refused[Connection]:
        """Only that very tombstone."""
        return self._update(
            connection_place(connection.connection_id),
            "SET settled_at = :now",
            ["#status = :revoked", "token_generation = :generation"],
            {":now": now, ":revoked": "revoked", ":generation": connection.token_generation},
        )

    def put_job(self, job: Job) -> None:
        """Its id says which duty it is; the time comes first in the key, so that a list is in order of time."""
        item = {**encode_item(f"JOB#{job.kind}", job), "sk": {"S": job_key(job)}}
        self._call("PutItem", {"TableName": self._tables["broker"], "Item": item})

    def demand_sign_in(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """active, partial -> reauth_required, at the generation that was read."""
        values = {":active": "active", ":partial": "partial", ":reauth": "reauth_required"}
        return self._update(
            connection_place(connection.connection_id),
            "SET #status = :reauth",
            ["token_generation = :generation", "#status IN (:active, :partial)"],
            {**values, ":generation": connection.token_generation},
        )

    def put_subject(self, subject: Subject) -> Written[Subject] | Refused[Subject]:
        """Insert if absent."""
        return self._put(subject_place(subject.sub), subject, "attribute_not_exists(pk)")

    def put_user_key(self, sub: str, sealed: bytes) -> Written[bytes] | Refused[bytes]:
        """Insert if absent, in the table without backups."""
        result = self._put(user_key_place(sub), UserKey(sub=sub, sealed=sealed), "attribute_not_exists(pk)")
        if isinstance(result, Written):
            return Written(result.item.sealed)
        return Refused(result.found.sealed if result.found else None)

    def put_client(self, client: Client, *, expected_revision: int | None) -> Written[Client] | Refused[Client]:
        """Insert if absent, or compare and swap on the revision."""
        place = client_place(client.client_id)
        if expected_revision is None:
            return self._put(place, client, "attribute_not_exists(pk)")
        return self._put(place, client, "revision = :revision", {":revision": expected_revision})

    def extend_client(self, client: Client, *, expires_at: int) -> Written[Client] | Refused[Client]:
        """Only the end is touched: a secret rotated meanwhile stays."""
        return self._update(
            client_place(client.client_id),
            "SET expires_at = :end",
            ["expires_at = :read"],
            {":end": expires_at, ":read": client.expires_at or 0},
        )

    def put_revoked_token(self, jti: str, *, expires_at: int) -> None:
        """Unconditional: saying it twice changes nothing."""
        record = RevokedToken(expires_at=expires_at)
        self._put_plain(revoked_token_place(jti), record, purge_at=expires_at + SKEW)

    def put_stored_request(self, request_id: str, sealed: bytes, *, expires_at: int) -> None:
        """Under a fresh random id."""
        record = StoredRequest(sealed=sealed, expires_at=expires_at)
        self._put_plain(stored_request_place(request_id), record, purge_at=expires_at + SKEW)

    def append_audit(self, event: AuditEvent) -> None:
        """One item per act, ordered by time under its subject."""
        item = encode_item(f"AUDIT#{event.sub}", event, purge_at=event.at + AUDIT_SECONDS)
        item["sk"] = {"S": f"{event.at:012d}#{event.request_id}"}
        self._call("PutItem", {"TableName": self._tables["broker"], "Item": item})

    def count(self, name: str, *, amount: int, window_ends_at: int) -> int:
        """Atomic ADD; the window stands in the key, so nothing has to be reset."""
        answer = self._call(
            "UpdateItem",
            {
                "TableName": self._tables["broker"],
                "Key": key(f"RATE#{name}#{window_ends_at}"),
                "UpdateExpression": "SET purge_at = :purge ADD used :amount",
                "ExpressionAttributeValues": {":amount": encode(amount), ":purge": encode(window_ends_at + SKEW)},
                "ReturnValues": "UPDATED_NEW",
            },
        )
        return int(answer["Attributes"]["used"]["N"])

    def _put(
        self,
        place: Place[R],
        record: R,
        condition: str,
        values: Mapping[str, object] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Written[R] | Refused[R]:
        """PutItem under a condition; a refusal whose old image carries our own nonce is our own lost answer."""
        nonce = self._entropy.token_bytes(12).hex()
        payload: dict[str, Any] = {
            "TableName": self._tables[place.table],
            "Item": {**encode_item(place.pk, record), "written_by": {"S": nonce}},
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            payload["ExpressionAttributeValues"] = {name: encode(value) for name, value in values.items()}
        if names:
            payload["ExpressionAttributeNames"] = dict(names)
        return self._conditionally("PutItem", payload, place, nonce, record)

    def _update(
        self, place: Place[R], update: str, conditions: list[str], values: Mapping[str, object], remove: str = ""
    ) -> Written[R] | Refused[R]:
        """UpdateItem under every condition; the answer is the whole item after it."""
        nonce = self._entropy.token_bytes(12).hex()
        expression = f"{update}, written_by = :by_us" + (f" REMOVE {remove}" if remove else "")
        condition = " AND ".join(["attribute_exists(pk)", *conditions])
        encoded = {name: encode(value) for name, value in values.items()}
        payload: dict[str, Any] = {
            "TableName": self._tables[place.table],
            "Key": key(place.pk),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {**encoded, ":by_us": {"S": nonce}},
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        names = {f"#{word}": word for word in RESERVED if f"#{word} " in f"{expression} {condition}"}
        if names:
            payload["ExpressionAttributeNames"] = names
        return self._conditionally("UpdateItem", payload, place, nonce, None)

    def _conditionally(
        self, operation: str, payload: Mapping[str, Any], place: Place[R], nonce: str, record: R | None
    ) -> Written[R] | Refused[R]:
        try:
            answer = self._call(operation, payload)
        except AwsRefusal as refusal:
            if refusal.code != "ConditionalCheckFailedException":
                raise StoreUnavailable(refusal.code) from None
            if refusal.item is None:
                return Refused(None)
            found = decode_item(refusal.item, place.record)
            ours = refusal.item.get("written_by", {}).get("S") == nonce
            return Written(found) if ours else Refused(found)
        return Written(decode_item(answer["Attributes"], place.record) if record is None else record)

    def _put_plain(self, place: Place[R], record: R, *, purge_at: int) -> None:
        item = encode_item(place.pk, record, purge_at=purge_at)
        self._call("PutItem", {"TableName": self._tables[place.table], "Item": item})

    def _call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return call_with_repeats(self._transport, operation, payload)
        except AwsRefusal as refusal:
            if refusal.code == "ConditionalCheckFailedException":
                raise
            raise StoreUnavailable(refusal.code) from None


def job_key(job: Job) -> str:
    """Due time, then id."""
    return f"{job.due_at:012d}#{job.job_id}"


def _equal(name: str, value: str, stands_for: object) -> str:
    """Equality with what was read, where an attribute that is not there reads as its empty default."""
    plain = f"{name} = {value}"
    return plain if stands_for else f"(attribute_not_exists({name}) OR {plain})"


def _require_members(conditions: list[str], values: dict[str, object], attribute: str, members: list[str]) -> None:
    """Every asked member must be in the item's set or list; `contains` on a missing attribute is false."""
    for number, member in enumerate(members):
        conditions.append(f"contains({attribute}, :{attribute}{number})")
        values[f":{attribute}{number}"] = member
