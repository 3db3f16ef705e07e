"""The item key of each kind of record: one key per thing, one item per key."""

import hashlib
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from chalicelib.records.client import Client
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.consent import Consent
from chalicelib.records.deployment import Deployment
from chalicelib.records.grant import Grant
from chalicelib.records.initial_token import InitialToken
from chalicelib.records.issuer import Issuer
from chalicelib.records.link import ConnectClaim
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.reseal import Reseal
from chalicelib.records.resource import Resource
from chalicelib.records.small_items import JobKey, KeysetItem, RevokedToken, StoredRequest, UsedOnce, UserKey
from chalicelib.records.subject import Subject
from chalicelib.records.sweep import Sweep

T = TypeVar("T")


class ItemKey(Generic[T]):
    """A key in one of the two tables, with the type of its record. Equal keys compare equal."""

    __slots__ = ("pk", "record", "table")

    def __init__(self, pk: str, record: type[T], table: Literal["broker", "keys"] = "broker") -> None:
        self.pk = pk
        self.record = record
        self.table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ItemKey) and (self.pk, self.table) == (other.pk, other.table)

    def __hash__(self) -> int:
        return hash((self.pk, self.table))

    def __repr__(self) -> str:
        return f"ItemKey({self.table}: {self.pk})"


DEPLOYMENT = ItemKey("DEPLOYMENT", Deployment)
SWEEP = ItemKey("SWEEP", Sweep)
RESEAL = ItemKey("RESEAL", Reseal)


def client_item_key(client_id: str) -> ItemKey[Client]:
    """CLIENT#<client_id>, or CIMD#<hash of the URL>. Neither kind of id can be looked up as the other (REG-06)."""
    kind = "CIMD" if is_url(client_id) else "CLIENT"
    return ItemKey(f"{kind}#{_short(client_id)}", Client)


def is_url(client_id: str) -> bool:
    """True if the id is the URL of the client's document. Generated ids are hexadecimal."""
    return client_id.startswith("https:")


def _short(client_id: str) -> str:
    """A generated id unchanged; for a URL its SHA-256, 64 hex characters, so that keys stay short."""
    return hashlib.sha256(client_id.encode()).hexdigest() if is_url(client_id) else client_id


def initial_token_item_key(token_hash: str) -> ItemKey[InitialToken]:
    """IAT#<SHA-256 of the token>."""
    return ItemKey(f"IAT#{token_hash}", InitialToken)


def provider_item_key(provider_id: str) -> ItemKey[ProviderRecord]:
    """PROVIDER#<provider_id>."""
    return ItemKey(f"PROVIDER#{provider_id}", ProviderRecord)


def issuer_id(issuer: str) -> str:
    """The id of a trusted issuer's record: SHA-256 hex of the exact text of its `iss`."""
    return hashlib.sha256(issuer.encode()).hexdigest()


def issuer_item_key(record_id: str) -> ItemKey[Issuer]:
    """ISSUER#<SHA-256 of the issuer>.

    record_id   as `issuer_id` returns it
    """
    return ItemKey(f"ISSUER#{record_id}", Issuer)


def resource_item_key(audience: str) -> ItemKey[Resource]:
    """RESOURCE#<audience>."""
    return ItemKey(f"RESOURCE#{audience}", Resource)


def grant_item_key(grant_id: str) -> ItemKey[Grant]:
    """GRANT#<grant_id>."""
    return ItemKey(f"GRANT#{grant_id}", Grant)


def subject_item_key(sub: str) -> ItemKey[Subject]:
    """SUBJECT#<sub>."""
    return ItemKey(f"SUBJECT#{sub}", Subject)


def consent_item_key(sub: str, client_id: str) -> ItemKey[Consent]:
    """CONSENT#<sub>#<client_id, or the hash of its URL>."""
    return ItemKey(f"CONSENT#{sub}#{_short(client_id)}", Consent)


def item_key_of(key: str) -> ItemKey[Any] | None:
    """The item key for a stored key, for the kinds that users see; None for any other kind."""
    kinds: dict[str, type[Any]] = {"CONNECTION": Connection, "CONSENT": Consent, "GRANT": Grant}
    record = kinds.get(key.partition("#")[0])
    return None if record is None else ItemKey(key, record)


def consenting_client_item_key(consent_key: str) -> ItemKey[Client]:
    """The client of a consent, from the consent's key, which contains the hash of a URL and not the URL."""
    named = consent_key.rpartition("#")[2]
    return ItemKey(f"{'CIMD' if len(named) == 64 else 'CLIENT'}#{named}", Client)


def connection_item_key(connection_id: str) -> ItemKey[Connection]:
    """CONNECTION#<connection_id>."""
    return ItemKey(f"CONNECTION#{connection_id}", Connection)


def recovery_item_key(connection_id: str) -> ItemKey[Recovery]:
    """RECOVERY#<connection_id>."""
    return ItemKey(f"RECOVERY#{connection_id}", Recovery)


def keyset_item_key(purpose: str) -> ItemKey[KeysetItem]:
    """KEYSET#<purpose>."""
    return ItemKey(f"KEYSET#{purpose}", KeysetItem)


def keyset_copy_item_key(purpose: str) -> ItemKey[KeysetItem]:
    """KEYSET#<purpose> in the table without backups, beside the keys of users that it opens."""
    return ItemKey(f"KEYSET#{purpose}", KeysetItem, "keys")


def revoked_token_item_key(jti: str) -> ItemKey[RevokedToken]:
    """REVOKED#<jti>."""
    return ItemKey(f"REVOKED#{jti}", RevokedToken)


def seen_item_key(mark: str) -> ItemKey[UsedOnce]:
    """SEEN#<hash of the value that was used>."""
    return ItemKey(f"SEEN#{mark}", UsedOnce)


def stored_request_item_key(request_id: str) -> ItemKey[StoredRequest]:
    """PAR#<id>."""
    return ItemKey(f"PAR#{request_id}", StoredRequest)


def connect_claim_item_key(claim_id: str) -> ItemKey[ConnectClaim]:
    """CONNECT#<id>."""
    return ItemKey(f"CONNECT#{claim_id}", ConnectClaim)


def user_key_item_key(sub: str) -> ItemKey[UserKey]:
    """USER#<sub>, in the table without backups."""
    return ItemKey(f"USER#{sub}", UserKey, "keys")


def job_key_item_key(sub: str) -> ItemKey[JobKey]:
    """JOBKEY#<sub>, in the table without backups."""
    return ItemKey(f"JOBKEY#{sub}", JobKey, "keys")


# Records that contain their own id: a record copied under another key is rejected there.
OWN_ITEM_KEYS: dict[type[Any], Callable[[Any], ItemKey[Any]]] = {
    Client: lambda client: client_item_key(client.client_id),
    Connection: lambda connection: connection_item_key(connection.connection_id),
    Consent: lambda consent: consent_item_key(consent.sub, consent.client_id),
    Grant: lambda grant: grant_item_key(grant.grant_id),
    InitialToken: lambda token: initial_token_item_key(token.token_hash),
    Issuer: lambda issuer: issuer_item_key(issuer_id(issuer.issuer)),
    JobKey: lambda key: job_key_item_key(key.sub),
    ProviderRecord: lambda record: provider_item_key(record.provider_id),
    Recovery: lambda recovery: recovery_item_key(recovery.connection_id),
    Resource: lambda resource: resource_item_key(resource.audience),
    Subject: lambda subject: subject_item_key(subject.sub),
    UserKey: lambda key: user_key_item_key(key.sub),
}
