"""The store on DynamoDB: each verb is one conditional write, so every 'exactly once' is a compare-and-swap."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from chalicelib.adapters.aws import AwsRefusal, Transport, call_with_repeats
from chalicelib.adapters.items import decode_item, encode, encode_item, key
from chalicelib.ports import Advance, Entropy, Redemption, Refused, StoreUnavailable, Written
from chalicelib.records.audit import AuditEvent
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.places import (
    Place,
    client_place,
    connection_place,
    consent_place,
    grant_place,
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
        """A sign-in is a generation too: only if absent, or if the generation below still stands.

        A tombstone keeps its generation, so its time is compared as well: revoking meanwhile is never undone.
        """
        place = connection_place(connection.connection_id)
        if connection.token_generation == 1:
            result = self._put(place, connection, "attribute_not_exists(pk)")
        else:
            values = {":below": connection.token_generation - 1, ":decided": connection.connected_at}
            later = "(attribute_not_exists(revoked_at) OR revoked_at < :decided)"
            result = self._put(place, connection, f"token_generation = :below AND {later}", values)
        if isinstance(result, Refused) and result.found and result.found.connected_by == connection.connected_by:
            return Written(result.found)
        return result

    def clear_outgoing(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Forget the replaced refresh tokens, if no other sign-in or refresh has written since."""
        return self._update(
            connection_place(connection.connection_id),
            "SET outgoing = :none",
            ["token_generation = :generation", "connected_by = :by"],
            {":none": (), ":generation": connection.token_generation, ":by": connection.connected_by},
        )

    def revoke_connection(self, connection: Connection, *, now: int) -> Written[Connection] | Refused[Connection]:
        """any -> revoked, at the generation that was read."""
        return self._update(
            connection_place(connection.connection_id),
            "SET #status = :revoked, revoked_at = :now",
            ["token_generation = :generation", "#sub = :sub"],
            {":revoked": "revoked", ":now": now, ":generation": connection.token_generation, ":sub": connection.sub},
        )

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


def _require_members(conditions: list[str], values: dict[str, object], attribute: str, members: list[str]) -> None:
    """Every asked member must be in the item's set or list; `contains` on a missing attribute is false."""
    for number, member in enumerate(members):
        conditions.append(f"contains({attribute}, :{attribute}{number})")
        values[f":{attribute}{number}"] = member
