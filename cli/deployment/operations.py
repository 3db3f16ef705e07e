"""The operator's actions on a deployment, as functions that the command and the local stack share."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from types import EllipsisType
from typing import Any, TypeVar

import msgspec

from chalicelib.adapters.aws.transport import AwsRefusal, Transport, call_with_repeats
from chalicelib.adapters.dynamodb.codec import decode_item, encode, encode_item, is_empty
from chalicelib.adapters.dynamodb.codec import key as item_key
from chalicelib.adapters.dynamodb.store import DynamoStore
from chalicelib.adapters.kms.keyring import TableKeyRing
from chalicelib.adapters.kms.keys import PURPOSES, KmsKeys
from chalicelib.adapters.process.system import RequestDeadline, SystemEntropy, SystemSleeper
from chalicelib.contention import paced_tries
from chalicelib.encryption import seal_provider_secret
from chalicelib.ports import Clock, ItemUnreadable
from chalicelib.protocol.client_authentication import secret_hash
from chalicelib.protocol.own_jwt import new_signing_key, public_jwk
from chalicelib.records.client import Client, SecretHash
from chalicelib.records.deployment import Deployment as DeploymentRecord
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    keyset_item_key,
    provider_item_key,
    resource_item_key,
)
from chalicelib.records.keyset import Purpose, WrappedKey
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.resource import Resource
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import KeysetItem
from cli.deployment.aws import BotoTransport, TableClock

T = TypeVar("T", bound=msgspec.Struct)

KEY_BYTES = 32
CACHED_SECONDS = 10  # so long the record of a provider, client or deployment may be used as it was
ROTATION_SECONDS = 7 * 86400


class OperationError(Exception):
    """A command cannot be done; `hint` says what to type next, `details` adds facts for programs."""

    def __init__(self, message: str, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.details = dict(details or {})


class Deployment:
    """One deployment's tables and key, as the operator's credentials reach them."""

    def __init__(self, settings: Settings, *, dynamodb: Transport | None = None, kms: Transport | None = None) -> None:
        self.settings = settings
        self.dynamodb = dynamodb or BotoTransport("dynamodb", endpoint_url=settings.endpoint_url)
        self.clock: Clock = TableClock(self.dynamodb)
        self.entropy = SystemEntropy()
        self.kms = kms or BotoTransport("kms", endpoint_url=settings.endpoint_url)
        self.store = DynamoStore(
            self.dynamodb, table=settings.table, keys_table=settings.keys_table, entropy=self.entropy
        )
        self.keys = KmsKeys(self.store, self.kms, self.clock, deployment=settings.deployment, key_id=settings.kms_key)
        self.ring = TableKeyRing(settings, dynamodb=self.dynamodb, kms=self.kms, entropy=self.entropy)

    def time_of_mark(self) -> int:
        """The later of the time here and at AWS, epoch seconds.

        A cutoff from a slow clock would miss recent consents.
        """
        asked = {self.settings.table: {"Keys": [item_key(DEPLOYMENT.pk)], "ProjectionExpression": "pk"}}
        answer = call_with_repeats(self.dynamodb, "BatchGetItem", {"RequestItems": asked})
        told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        there = int(parsedate_to_datetime(told).timestamp()) + 1 if told else 0
        return max(self.clock.now(), there)

    def write_tries(self) -> Iterator[int]:
        """The tries of one compare-and-swap write, with random pauses between them."""
        return paced_tries(self.entropy, SystemSleeper(), RequestDeadline())

    def put_if_absent(self, place: ItemKey[Any], record: msgspec.Struct, *, purge_at: int | None = None) -> bool:
        """True if the item was written; False if it existed.

        purge_at   when DynamoDB may delete it (TTL), epoch seconds; None: never
        """
        vanishing = {} if purge_at is None else {"purge_at": purge_at}
        payload = {
            "TableName": self.settings.table,
            "Item": encode_item(place.pk, record, **vanishing),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        try:
            call_with_repeats(self.dynamodb, "PutItem", payload)
        except AwsRefusal as refusal:
            if refusal.code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def put(self, place: ItemKey[Any], record: msgspec.Struct) -> None:
        """Write, and overwrite any existing item."""
        item = encode_item(place.pk, record)
        call_with_repeats(self.dynamodb, "PutItem", {"TableName": self.settings.table, "Item": item})

    def put_fields(
        self, place: ItemKey[T], record: T, *names: str, read: T | None = None, unchanged: Iterable[str] = ()
    ) -> T | None:
        """Write these fields in one step and leave the others unchanged, above all cutoffs: a kill switch that was set
        earlier or meanwhile must stay set.

        read        the record as it was read: these fields must be unchanged; None if they may have any value
        unchanged   further fields that must be as they were read

        The record as now stored; None if it was changed since it was read.
        """
        new, written = encode_item(place.pk, record), ("schema", *names)
        short = {name: f"f{number}" for number, name in enumerate(dict.fromkeys([*written, *unchanged]))}
        put, dropped = [name for name in written if name in new], [name for name in written if name not in new]
        update = "SET " + ", ".join(f"#{short[name]} = :{short[name]}" for name in put)
        update += " REMOVE " + ", ".join(f"#{short[name]}" for name in dropped) if dropped else ""
        payload: dict[str, Any] = {
            "TableName": self.settings.table,
            "Key": item_key(place.pk),
            "UpdateExpression": update,
            "ExpressionAttributeNames": {f"#{short[name]}": name for name in written},
            "ExpressionAttributeValues": {f":{short[name]}": new[name] for name in put},
            "ReturnValues": "ALL_NEW",
        }
        if read is not None:
            old, checked = encode_item(place.pk, read), [name for name in short if name != "schema"]
            absent = _values_of_absent(read)
            stand = (_stands(short[name], old.get(name), absent.get(name)) for name in checked)
            payload["ConditionExpression"] = " AND ".join(("attribute_exists(pk)", *stand))
            payload["ExpressionAttributeNames"] |= {f"#{short[name]}": name for name in checked}
            payload["ExpressionAttributeValues"] |= {f":o_{short[name]}": old[name] for name in checked if name in old}
        try:
            answer = call_with_repeats(self.dynamodb, "UpdateItem", payload)
        except AwsRefusal as refusal:
            if refusal.code != "ConditionalCheckFailedException":
                raise
            return None
        return decode_item(answer["Attributes"], place.record)

    def delete(self, place: ItemKey[Any]) -> bool:
        """True if the item existed."""
        payload = {"TableName": self.settings.table, "Key": item_key(place.pk), "ReturnValues": "ALL_OLD"}
        return bool(call_with_repeats(self.dynamodb, "DeleteItem", payload).get("Attributes"))

    def scan(self, prefix: str, record: type[Any]) -> list[Any]:
        """Every record of one kind; for the operator and for jobs, never for a request."""
        return self._list("Scan", record, FilterExpression="begins_with(pk, :key)", key=prefix)

    def query(self, pk: str, record: type[Any]) -> list[Any]:
        """Every record with that partition key, in the order of the sort keys."""
        return self._list("Query", record, KeyConditionExpression="pk = :key", key=pk)

    def _list(self, operation: str, record: type[Any], *, key: str, **condition: str) -> list[Any]:
        found: list[Any] = []
        start: dict[str, Any] = {}
        while True:
            payload = {
                "TableName": self.settings.table,
                **condition,
                "ExpressionAttributeValues": {":key": {"S": key}},
                "ConsistentRead": True,
                **({"ExclusiveStartKey": start} if start else {}),
            }
            answer = call_with_repeats(self.dynamodb, operation, payload)
            found += [_read_item(item, record) for item in answer.get("Items", [])]
            start = answer.get("LastEvaluatedKey") or {}
            if not start:
                return found


def _read_item(item: dict[str, Any], record: type[Any]) -> Any:
    """Raises OperationError with the item's key: no item is skipped, because it could be the one that is searched."""
    try:
        return decode_item(item, record)
    except ItemUnreadable:
        place = f"{item['pk']['S']} {item['sk']['S']}"
        raise OperationError(f"the item {place} cannot be read", "docs/runbooks/sealed-value-altered.md") from None


def _stands(short: str, old: dict[str, Any] | None, absent: dict[str, Any] | None) -> str:
    """The condition that a field is unchanged.

    old      its value; None if the item does not have it
    absent   its value where an item does not have it, because it was written before the field existed
    """
    if old is None:
        return f"attribute_not_exists(#{short})"
    same = f"#{short} = :o_{short}"
    return f"(attribute_not_exists(#{short}) OR {same})" if old == absent else same


def _values_of_absent(record: msgspec.Struct) -> dict[str, dict[str, Any]]:
    """Field -> its default, encoded."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(record)}
    defaults |= {
        field.name: field.default_factory()
        for field in msgspec.structs.fields(record)
        if field.default_factory is not msgspec.NODEFAULT
    }
    return {
        name: encode(value)
        for name, value in defaults.items()
        if value is not msgspec.NODEFAULT and not is_empty(value)
    }


def init_keysets(deployment: Deployment) -> list[str]:
    """Create every missing keyset and return the created purposes. Never called by a request.

    Also creates the record of the deployment, because a process can cache only an item that exists.
    """
    deployment.put_if_absent(DEPLOYMENT, DeploymentRecord())
    there = deployment.store.read(*(keyset_item_key(purpose) for purpose in PURPOSES))
    missing = [purpose for purpose in PURPOSES if there.get(keyset_item_key(purpose)) is None]
    return [purpose for purpose in missing if _init_keyset(deployment, purpose)]


def _init_keyset(deployment: Deployment, purpose: Purpose) -> bool:
    """False if another process was faster: a keyset is never replaced."""
    signing = purpose == "signing"
    plain = new_signing_key() if signing else deployment.entropy.token_bytes(KEY_BYTES)
    wrapped = wrap_key(deployment, purpose, 1, plain)
    key = WrappedKey(
        version=1,
        state="signing" if signing else "current",
        created_at=deployment.clock.now(),
        wrapped=wrapped,
        public_jwk=public_jwk(plain) if signing else None,
    )
    return deployment.put_if_absent(keyset_item_key(purpose), KeysetItem(purpose=purpose, keys=(key,)))


def wrap_key(deployment: Deployment, purpose: str, version: int, plain: bytes) -> bytes:
    """One key as stored: only KMS decrypts it, and only for this deployment, purpose and version."""
    return deployment.ring.wrap(purpose, version, plain)


def new_client_id() -> str:
    """32 hex characters: public, unguessable, unique."""
    return secrets.token_hex(16)


def new_client_secret(deployment: Deployment) -> tuple[str, SecretHash]:
    """256 bits as 64 hex characters, shown once, and the hash that is stored."""
    secret = secrets.token_hex(32)
    pepper = deployment.keys.get("pepper").current
    kept = SecretHash(
        hash=secret_hash(secret, pepper.secret), pepper_version=pepper.version, created_at=deployment.clock.now()
    )
    return secret, kept


Keep = Callable[[Client, str], None]  # stores a new client's secret, before the client is registered


def create_client(deployment: Deployment, client: Client, *, keep: Keep | None = None) -> tuple[Client, str | None]:
    """Register a client under a new id (or its own) and return its secret, if its method has one.

    keep   called with the secret before the client is registered, so that a killed process leaves no client without one

    Raises OperationError if the id exists.
    """
    secret = None
    if client.has_secret:
        secret, kept = new_client_secret(deployment)
        client = msgspec.structs.replace(client, secrets=(kept,))
    client = msgspec.structs.replace(
        client, client_id=client.client_id or new_client_id(), created_at=deployment.clock.now()
    )
    if keep is not None and secret is not None:
        keep(client, secret)
    if not deployment.put_if_absent(client_item_key(client.client_id), client):
        raise OperationError(f"client {client.client_id} already exists", "broker client show CLIENT_ID")
    return client, secret


def rotate_client_secret(deployment: Deployment, client_id: str, *, overlap_seconds: int) -> tuple[Client, str]:
    """Create a second secret; the first one expires after the overlap. At most two are valid.

    Raises OperationError, also if another process rotates the secret.
    """
    client = find_client(deployment, client_id)
    if not client.has_secret:
        raise OperationError(f"client {client_id} has no secret", "public clients and clients with keys have no secret")
    now = deployment.clock.now()
    secret, kept = new_client_secret(deployment)
    newest = client.secrets[-1:] if overlap_seconds > 0 else ()
    ending = tuple(msgspec.structs.replace(one, expires_at=now + overlap_seconds) for one in newest)
    changed = msgspec.structs.replace(client, secrets=(*ending, kept))
    written = deployment.put_fields(client_item_key(client_id), changed, "secrets", read=client)
    if written is None:
        raise OperationError(f"client {client_id} was changed by another process", "broker client show CLIENT_ID")
    return written, secret


def change_keys(deployment: Deployment, client: Client, changed: Client) -> Client:
    """Replace the keys and remove the secret; the revision rises, so users are asked for consent again.

    client    as it was read

    Raises OperationError if another process changes the client.
    """
    changed = msgspec.structs.replace(changed, secrets=(), revision=client.revision + 1)
    fields = ("token_endpoint_auth_method", "secrets", "jwks", "jwks_uri", "token_endpoint_auth_signing_alg")
    written = deployment.put_fields(client_item_key(client.client_id), changed, *fields, "revision", read=client)
    if written is None:
        raise OperationError(
            f"client {client.client_id} was changed by another process", "broker client show CLIENT_ID"
        )
    return written


# Which fields of a client no command of the operator sets; they may change while one of its commands runs.
_NOT_SET = frozenset({"client_id", "created_at", "expires_at", "fetched_at", "fresh_until", "marks", "secrets"})


def update_client(deployment: Deployment, client: Client, *, alone: bool = False, **fields: Any) -> Client:
    """Change these fields, effective at the next request. Raises OperationError if they have changed meanwhile.

    alone   or any other field that an operator sets
    """
    changed = msgspec.structs.replace(client, **fields)
    others = set(client.__struct_fields__) - _NOT_SET if alone else ()
    written = deployment.put_fields(client_item_key(client.client_id), changed, *fields, read=client, unchanged=others)
    if written is None:
        raise OperationError(
            f"client {client.client_id} was changed by another process", "broker client show CLIENT_ID"
        )
    return written


def find_client(deployment: Deployment, client_id: str) -> Client:
    """The client. Raises OperationError if it does not exist."""
    place = client_item_key(client_id)
    client = deployment.store.read(place).get(place)
    if client is None:
        raise OperationError(f"no such client: {client_id}", "broker client list")
    return client


def list_clients(deployment: Deployment) -> list[Client]:
    """All clients, by name, including those named by the URL of a document."""
    found: list[Client] = [*deployment.scan("CLIENT#", Client), *deployment.scan("CIMD#", Client)]
    return sorted(found, key=lambda client: (client.client_name, client.client_id))


def delete_client(deployment: Deployment, client_id: str) -> None:
    """Disable every grant type of the client, also for its valid refresh tokens. Raises OperationError."""
    if not deployment.delete(client_item_key(client_id)):
        raise OperationError(f"no such client: {client_id}", "broker client list")


def set_provider(
    deployment: Deployment,
    provider_id: str,
    *,
    client_id: str,
    client_secret: str | None,
    issuer: str | None = None,
    variables: Mapping[str, str] | None = None,
    moves: ProviderRecord | None = None,
    read: ProviderRecord | EllipsisType | None = ...,
) -> ProviderRecord:
    """Enable a provider with the broker's registration there; its secret is encrypted before it is stored.

    variables   already checked against the file's rules
    moves       the record as it was read, if requests go to other hosts from now on: present connections end, and their
                tokens are not sent there
    read        the record as it was read, or None if there was none; then nobody else may have set it meanwhile

    Its cutoffs stay: a new secret restores nothing that was ended and enables nothing that was disabled.

    Raises OperationError.
    """
    record = ProviderRecord(
        provider_id=provider_id,
        client_id=client_id,
        public=not client_secret,
        issuer=issuer,
        variables=dict(variables or {}),
    )
    vault, salt = deployment.keys.get("vault"), deployment.entropy.token_bytes(32)
    sealed = seal_provider_secret(vault, client_secret or "", record=record, salt=salt)
    record = msgspec.structs.replace(record, sealed_secret=sealed)
    fields = ["provider_id", "client_id", "sealed_secret", "public", "issuer", "variables"]
    if moves is not None:
        moved_at = max(deployment.clock.now() + CACHED_SECONDS, moves.marks.not_before or 0)
        marks = msgspec.structs.replace(moves.marks, not_before=moved_at)
        record = msgspec.structs.replace(record, marks=marks, moved_at=moved_at)
        fields += ["marks", "moved_at"]
    return _put_provider(deployment, record, fields, read)


def _put_provider(
    deployment: Deployment, record: ProviderRecord, fields: list[str], read: ProviderRecord | EllipsisType | None
) -> ProviderRecord:
    place = provider_item_key(record.provider_id)
    if read is None:
        written = record if deployment.put_if_absent(place, record) else None
    else:
        written = deployment.put_fields(place, record, *fields, read=None if read is ... else read)
    if written is None:
        raise OperationError(f"provider {record.provider_id} was changed by another process", "broker provider list")
    return written


def list_providers(deployment: Deployment) -> list[ProviderRecord]:
    """All enabled providers."""
    found: list[ProviderRecord] = deployment.scan("PROVIDER#", ProviderRecord)
    return sorted(found, key=lambda record: record.provider_id)


def create_resource(deployment: Deployment, resource: Resource) -> Resource:
    """Register an API of the team. Raises OperationError: it is the issuer, under the issuer, or already registered."""
    issuer = deployment.settings.issuer
    if resource.audience == issuer or resource.audience.startswith(issuer.rstrip("/") + "/"):
        raise OperationError("a resource may not be the issuer or a path below it", "use the address of your API")
    resource = msgspec.structs.replace(resource, created_at=deployment.clock.now())
    if not deployment.put_if_absent(resource_item_key(resource.audience), resource):
        raise OperationError(f"resource {resource.audience} already exists", "broker resource list")
    return resource


def list_resources(deployment: Deployment) -> list[Resource]:
    """All resources, by audience."""
    found: list[Resource] = deployment.scan("RESOURCE#", Resource)
    return sorted(found, key=lambda resource: resource.audience)
