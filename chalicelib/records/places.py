"""Where each kind of item stands: one key per thing, one item per key."""

import hashlib
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from chalicelib.records.client import Client
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.consent import Consent
from chalicelib.records.deployment import Deployment
from chalicelib.records.grant import Grant
from chalicelib.records.initial_token import InitialToken
from chalicelib.records.link import ConnectClaim
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.reseal import Reseal
from chalicelib.records.resource import Resource
from chalicelib.records.stored import JobKey, KeysetItem, RevokedToken, Seen, StoredRequest, UserKey
from chalicelib.records.subject import Subject
from chalicelib.records.sweep import Sweep

T = TypeVar("T")


class Place(Generic[T]):
    """A key in one of the two tables, and the record that stands there. Equal places have equal keys."""

    __slots__ = ("pk", "record", "table")

    def __init__(self, pk: str, record: type[T], table: Literal["broker", "keys"] = "broker") -> None:
        self.pk = pk
        self.record = record
        self.table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and (self.pk, self.table) == (other.pk, other.table)

    def __hash__(self) -> int:
        return hash((self.pk, self.table))

    def __repr__(self) -> str:
        return f"Place({self.table}: {self.pk})"


DEPLOYMENT = Place("DEPLOYMENT", Deployment)
SWEEP = Place("SWEEP", Sweep)
RESEAL = Place("RESEAL", Reseal)


def client_place(client_id: str) -> Place[Client]:
    """CLIENT#<client_id>, or CIMD#<hash of the URL>: neither kind of id is ever looked up as the other (REG-06)."""
    kind = "CIMD" if is_url(client_id) else "CLIENT"
    return Place(f"{kind}#{_short(client_id)}", Client)


def is_url(client_id: str) -> bool:
    """Generated ids are hexadecimal; every other client is named by the URL of its document."""
    return client_id.startswith("https:")


def _short(client_id: str) -> str:
    """A generated id as it is; of a URL its SHA-256, 64 hex characters, so that keys stay small."""
    return hashlib.sha256(client_id.encode()).hexdigest() if is_url(client_id) else client_id


def initial_token_place(token_hash: str) -> Place[InitialToken]:
    """IAT#<SHA-256 of the token>."""
    return Place(f"IAT#{token_hash}", InitialToken)


def provider_place(provider_id: str) -> Place[ProviderRecord]:
    """PROVIDER#<provider_id>."""
    return Place(f"PROVIDER#{provider_id}", ProviderRecord)


def resource_place(audience: str) -> Place[Resource]:
    """RESOURCE#<audience>."""
    return Place(f"RESOURCE#{audience}", Resource)


def grant_place(grant_id: str) -> Place[Grant]:
    """GRANT#<grant_id>."""
    return Place(f"GRANT#{grant_id}", Grant)


def subject_place(sub: str) -> Place[Subject]:
    """SUBJECT#<sub>."""
    return Place(f"SUBJECT#{sub}", Subject)


def consent_place(sub: str, client_id: str) -> Place[Consent]:
    """CONSENT#<sub>#<client_id, or the hash of its URL>."""
    return Place(f"CONSENT#{sub}#{_short(client_id)}", Consent)


def place_of_key(key: str) -> Place[Any] | None:
    """Where that stands, of the kinds that a user is shown; None for any other."""
    kinds: dict[str, type[Any]] = {"CONNECTION": Connection, "CONSENT": Consent, "GRANT": Grant}
    record = kinds.get(key.partition("#")[0])
    return None if record is None else Place(key, record)


def consenting_client_place(consent_key: str) -> Place[Client]:
    """Whose consent it is, by its key, which holds the hash of a URL and not the URL."""
    named = consent_key.rpartition("#")[2]
    return Place(f"{'CIMD' if len(named) == 64 else 'CLIENT'}#{named}", Client)


def connection_place(connection_id: str) -> Place[Connection]:
    """CONNECTION#<connection_id>."""
    return Place(f"CONNECTION#{connection_id}", Connection)


def recovery_place(connection_id: str) -> Place[Recovery]:
    """RECOVERY#<connection_id>."""
    return Place(f"RECOVERY#{connection_id}", Recovery)


def keyset_place(purpose: str) -> Place[KeysetItem]:
    """KEYSET#<purpose>."""
    return Place(f"KEYSET#{purpose}", KeysetItem)


def keyset_copy_place(purpose: str) -> Place[KeysetItem]:
    """KEYSET#<purpose> in the table without backups, beside the keys of users that it opens."""
    return Place(f"KEYSET#{purpose}", KeysetItem, "keys")


def revoked_token_place(jti: str) -> Place[RevokedToken]:
    """REVOKED#<jti>."""
    return Place(f"REVOKED#{jti}", RevokedToken)


def seen_place(mark: str) -> Place[Seen]:
    """SEEN#<hash of what was used>."""
    return Place(f"SEEN#{mark}", Seen)


def stored_request_place(request_id: str) -> Place[StoredRequest]:
    """PAR#<id>."""
    return Place(f"PAR#{request_id}", StoredRequest)


def connect_claim_place(claim_id: str) -> Place[ConnectClaim]:
    """CONNECT#<id>."""
    return Place(f"CONNECT#{claim_id}", ConnectClaim)


def user_key_place(sub: str) -> Place[UserKey]:
    """USER#<sub>, in the table without backups."""
    return Place(f"USER#{sub}", UserKey, "keys")


def job_key_place(sub: str) -> Place[JobKey]:
    """JOBKEY#<sub>, in the table without backups."""
    return Place(f"JOBKEY#{sub}", JobKey, "keys")


# Records that say themselves what they are called: one that was copied under another key is none of ours there.
OWN_PLACES: dict[type[Any], Callable[[Any], Place[Any]]] = {
    Client: lambda client: client_place(client.client_id),
    Connection: lambda connection: connection_place(connection.connection_id),
    Consent: lambda consent: consent_place(consent.sub, consent.client_id),
    Grant: lambda grant: grant_place(grant.grant_id),
    InitialToken: lambda token: initial_token_place(token.token_hash),
    JobKey: lambda key: job_key_place(key.sub),
    ProviderRecord: lambda record: provider_place(record.provider_id),
    Recovery: lambda recovery: recovery_place(recovery.connection_id),
    Resource: lambda resource: resource_place(resource.audience),
    Subject: lambda subject: subject_place(subject.sub),
    UserKey: lambda key: user_key_place(key.sub),
}
