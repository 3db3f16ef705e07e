"""The DynamoDB store: methods for grants, connections and refreshes from the base classes, and all others."""

from typing import Any

from chalicelib.adapters.dynamodb.codec import SCHEMA, decode_item, encode, encode_item, key
from chalicelib.adapters.dynamodb.connections import ConnectionVerbs
from chalicelib.adapters.dynamodb.devices import DeviceVerbs
from chalicelib.adapters.dynamodb.erasures import ErasureVerbs
from chalicelib.adapters.dynamodb.grants import GrantVerbs
from chalicelib.adapters.dynamodb.job_queue import place_of_job
from chalicelib.adapters.dynamodb.refreshes import RefreshVerbs
from chalicelib.adapters.dynamodb.standing_grants import StandingGrantVerbs
from chalicelib.adapters.dynamodb.withheld_tokens import WithheldTokenVerbs
from chalicelib.ports import Refused, Written
from chalicelib.records.audit import RETENTION_SECONDS, AuditEvent, Trace, Traces
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.initial_token import InitialToken
from chalicelib.records.item_keys import (
    client_item_key,
    connect_claim_item_key,
    consent_item_key,
    initial_token_item_key,
    revoked_token_item_key,
    seen_item_key,
    stored_request_item_key,
    subject_item_key,
    user_key_item_key,
)
from chalicelib.records.job import Job
from chalicelib.records.link import ConnectClaim
from chalicelib.records.revocation import NOT_REVOKED
from chalicelib.records.seal import shard_name
from chalicelib.records.small_items import RevokedToken, StoredRequest, UsedOnce, UserKey
from chalicelib.records.subject import Subject

SKEW = 120
LOOKED_AT = 500
PURGED_AFTER = 90 * 86400  # the item of a deleted client outlives every job that revokes its access


class DynamoStore(
    GrantVerbs, StandingGrantVerbs, WithheldTokenVerbs, DeviceVerbs, ConnectionVerbs, RefreshVerbs, ErasureVerbs
):
    """Implements all store methods."""

    def put_consent(self, consent: Consent, *, expected_version: int) -> Written[Consent] | Refused[Consent]:
        """Compare and swap on the version that was read."""
        item_key = consent_item_key(consent.sub, consent.client_id)
        if expected_version == 0:
            return self._put(item_key, consent, "attribute_not_exists(pk)")
        return self._put(item_key, consent, "version = :version", {":version": expected_version})

    def claim_connect(self, claim_id: str, *, purge_at: int) -> Written[ConnectClaim] | Refused[ConnectClaim]:
        """Insert if absent."""
        return self._put(connect_claim_item_key(claim_id), ConnectClaim(purge_at=purge_at), "attribute_not_exists(pk)")

    def put_job(self, job: Job) -> None:
        """Insert a job under its id, so that the same job exists once. The key starts with the time, which orders
        lists."""
        item = {**encode_item(f"JOB#{job.kind}", job), **place_of_job(job)}
        self._call("PutItem", {"TableName": self._tables["broker"], "Item": item})

    def put_subject(self, subject: Subject) -> Written[Subject] | Refused[Subject]:
        """Insert if absent."""
        return self._put(subject_item_key(subject.sub), subject, "attribute_not_exists(pk)")

    def put_user_key(self, sub: str, sealed: bytes) -> Written[bytes] | Refused[bytes]:
        """Insert if absent, in the table without backups."""
        result = self._put(user_key_item_key(sub), UserKey(sub=sub, sealed=sealed), "attribute_not_exists(pk)")
        if isinstance(result, Written):
            return Written(result.item.sealed)
        return Refused(result.found.sealed if result.found else None)

    def put_client(self, client: Client, *, expected_revision: int | None) -> Written[Client] | Refused[Client]:
        """Insert if absent, or compare and swap on the revision."""
        item_key = client_item_key(client.client_id)
        more: dict[str, Any] = {} if client.expires_at is None else {"purge_at": client.expires_at + PURGED_AFTER}
        if expected_revision is None:
            return self._put(item_key, client, "attribute_not_exists(pk)", **more)
        return self._put(item_key, client, "revision = :revision", {":revision": expected_revision}, **more)

    def change_client(self, client: Client, *, read: Client) -> Written[Client] | Refused[Client]:
        """One update of the fields that differ; empty fields are removed."""
        item_key = client_item_key(client.client_id)
        new, old = encode_item(item_key.pk, client), encode_item(item_key.pk, read)
        names = sorted(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))
        put = [name for name in names if name in new]
        values: dict[str, object] = {f":{name}": getattr(client, name) for name in put}
        values |= {":read_revision": read.revision, ":read_token": read.management.present if read.management else b""}
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in put)
        if client.deleted_at is not None:
            update += ", purge_at = :purge"
            values[":purge"] = client.deleted_at + PURGED_AFTER
        conditions = [
            "revision = :read_revision",
            "management.present = :read_token",
            "attribute_not_exists(deleted_at)",
        ]
        named = {f"#{name}": name for name in names}
        gone = ", ".join(f"#{name}" for name in names if name not in new)
        return self._update(item_key, update, conditions, values, remove=gone, names=named)

    def use_initial_token(
        self, token_hash: str, *, now: int, epoch: int
    ) -> Written[InitialToken] | Refused[InitialToken]:
        """Count one use. A repeat after a lost response is refused and recognized by its nonce, so it counts once."""
        conditions = [
            "(uses = :any OR used < uses)",
            "expires_at > :now",
            "epoch = :epoch",
            "(attribute_not_exists(written_by) OR written_by <> :by_us)",
        ]
        values = {":now": now, ":epoch": epoch, ":one": 1, ":any": 0}
        return self._update(initial_token_item_key(token_hash), "SET used = used + :one", conditions, values)

    def extend_client(self, client: Client, *, expires_at: int) -> Written[Client] | Refused[Client]:
        """Change only the expiry, so that a secret that was rotated meanwhile stays."""
        update, conditions = "SET expires_at = :end", ["expires_at = :read"]
        values: dict[str, object] = {":end": expires_at, ":read": client.expires_at or 0}
        if vanishing := _vanishing(client, expires_at):
            update = f"{update}, purge_at = :purge"
            values[":purge"] = vanishing["purge_at"]
        if client.registered_by == "document":
            conditions.append("marks = :marks")
            values[":marks"] = client.marks
        return self._update(client_item_key(client.client_id), update, conditions, values)

    def put_document(self, client: Client, *, read: Client | None) -> Written[Client] | Refused[Client]:
        """Insert if absent, or compare and swap on the last fetch, the revision, and everything that the
        operator sets."""
        item_key, vanishing = client_item_key(client.client_id), _vanishing(client, client.expires_at or 0)
        if read is None:
            return self._put(item_key, client, "attribute_not_exists(pk)", **vanishing)
        condition = "fetched_at = :fetched AND revision = :revision AND marks = :marks AND proxy_rules = :rules"
        values = {":fetched": read.fetched_at, ":revision": read.revision, ":marks": read.marks}
        values[":rules"] = read.proxy_rules
        if read.may_be_acted_by:
            condition += " AND may_be_acted_by = :actors"
            values[":actors"] = read.may_be_acted_by
        else:  # an empty set is not stored
            condition += " AND attribute_not_exists(may_be_acted_by)"
        return self._put(item_key, client, condition, values, **vanishing)

    def put_revoked_token(self, jti: str, *, expires_at: int) -> None:
        """Unconditional: repeating it changes nothing."""
        record = RevokedToken(expires_at=expires_at)
        self._put_plain(revoked_token_item_key(jti), record, purge_at=expires_at + SKEW)

    def claim_once(self, mark: str, *, now: int, expires_at: int) -> Written[UsedOnce] | Refused[UsedOnce]:
        """Insert if absent or expired."""
        condition = "attribute_not_exists(pk) OR expires_at <= :now"
        return self._put(
            seen_item_key(mark), UsedOnce(expires_at=expires_at), condition, {":now": now}, purge_at=expires_at + SKEW
        )

    def put_stored_request(self, request_id: str, stored: StoredRequest) -> None:
        """Insert if absent, under a new random id. A late repeat does not reset a request that a browser has opened."""
        purge_at = stored.expires_at + SKEW
        self._put(stored_request_item_key(request_id), stored, "attribute_not_exists(pk)", purge_at=purge_at)

    def open_stored_request(
        self, request_id: str, *, client_id: str, browser: str, now: int, bound_until: int, expires_at: int
    ) -> Written[StoredRequest] | Refused[StoredRequest]:
        """The first opening sets `bound_until` and both expiries; later openings do not change them."""
        update = (
            "SET browser = :browser, "
            "expires_at = if_not_exists(bound_until, :bound) + :rest, "
            "purge_at = if_not_exists(bound_until, :bound) + :kept, "
            "bound_until = if_not_exists(bound_until, :bound)"
        )
        conditions = [
            "client_id = :client",
            "((attribute_not_exists(browser) AND expires_at > :now) OR (browser = :browser AND bound_until > :now))",
        ]
        values: dict[str, object] = {
            ":client": client_id,
            ":browser": browser,
            ":now": now,
            ":bound": bound_until,
            ":rest": expires_at - bound_until,
            ":kept": expires_at - bound_until + SKEW,
        }
        return self._update(stored_request_item_key(request_id), update, conditions, values)

    def append_audit(self, event: AuditEvent) -> None:
        """One item per act, ordered by time under its user.

        The user is in the partition key. The index's `sub` attribute holds the window in which the record is sealed.
        So the index lists each record once, to the process that seals.
        """
        item = encode_item(f"AUDIT#{event.sub}", event, purge_at=event.at + RETENTION_SECONDS)
        item["sk"] = encode(f"{event.at:012d}#{event.request_id}")
        item["sub"] = encode(shard_name(event.at, event.request_id))
        self._call("PutItem", {"TableName": self._tables["broker"], "Item": item})

    def list_traces(self, sub: str, connection_id: str | None, *, since: int) -> Traces:
        """DynamoDB counts before it filters, so at most `LOOKED_AT` records are read."""
        one = connection_id is not None
        answer = self._look_at_uses(
            sub,
            since,
            {":connection": encode(connection_id)} if one else {},
            **({"FilterExpression": "connection_id = :connection"} if one else {}),
            ProjectionExpression="#event, #at, connection_id, client_id, actor_id, audience",
            ExpressionAttributeNames={"#event": "event", "#at": "at"},
        )
        found = tuple(decode_item(item, Trace) for item in answer.get("Items", []))
        return Traces(found=found, is_cut=bool(answer.get("LastEvaluatedKey")))

    def list_events(self, sub: str, *, since: int, most: int) -> tuple[tuple[AuditEvent, ...], bool]:
        """Read page by page until there are enough."""
        found: list[AuditEvent] = []
        start: dict[str, Any] = {}
        while len(found) < most:
            answer = self._look_at_uses(sub, since, {}, **({"ExclusiveStartKey": start} if start else {}))
            found += map(read_event, answer.get("Items", []))
            start = answer.get("LastEvaluatedKey") or {}
            if not start:
                return tuple(found), True
        return tuple(found[:most]), False

    def _look_at_uses(self, sub: str, since: int, values: dict[str, Any], **more: Any) -> dict[str, Any]:
        """One page of a user's audit records, the newest first."""
        payload = {
            "TableName": self._tables["broker"],
            "KeyConditionExpression": "pk = :whose AND sk >= :since",
            "ExpressionAttributeValues": {
                ":whose": encode(f"AUDIT#{sub}"),
                ":since": encode(f"{since:012d}"),
                **values,
            },
            "ScanIndexForward": False,
            "Limit": LOOKED_AT,
            "ConsistentRead": True,
            **more,
        }
        return self._call("Query", payload)

    def count(self, name: str, *, amount: int, window_ends_at: int) -> int:
        """Atomic ADD. The window is part of the key, so no counter needs a reset."""
        answer = self._call(
            "UpdateItem",
            {
                "TableName": self._tables["broker"],
                "Key": key(f"RATE#{name}#{window_ends_at}"),
                "UpdateExpression": "SET purge_at = :purge, #schema = :schema ADD used :amount",
                "ExpressionAttributeNames": {"#schema": "schema"},  # a reserved word of DynamoDB
                "ExpressionAttributeValues": {
                    ":amount": encode(amount),
                    ":purge": encode(window_ends_at + SKEW),
                    ":schema": encode(SCHEMA),
                },
                "ReturnValues": "UPDATED_NEW",
            },
        )
        return int(answer["Attributes"]["used"]["N"])


def read_event(item: dict[str, Any]) -> AuditEvent:
    """The record of one item."""
    return decode_item({**item, "sub": encode(item["pk"]["S"].partition("#")[2])}, AuditEvent)


def _vanishing(client: Client, expires_at: int) -> dict[str, Any]:
    """When the table may delete the item of an expiring client.

    A revoked client with a client document keeps its item, because its revocation would be deleted too.
    """
    stays = client.registered_by == "document" and client.marks != NOT_REVOKED
    return {} if stays else {"purge_at": expires_at + PURGED_AFTER}
