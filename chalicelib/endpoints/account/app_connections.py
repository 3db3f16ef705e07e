"""The connections of one app in My access: what each may do, its state and use, and whether it can be made again."""

from typing import Any

from chalicelib.endpoints.account.access import AccountAccess
from chalicelib.endpoints.authorization.consent.parties import provider_lines
from chalicelib.endpoints.connections.connections import connection_status, open_profile_of
from chalicelib.pages.account_app import AccountConnection
from chalicelib.pages.consent import ScopeLine
from chalicelib.ports import Broker
from chalicelib.provider_client import load_definition
from chalicelib.records.audit import Traces
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import provider_item_key
from chalicelib.vault.rules.account_label import label_of
from chalicelib.vault.rules.connection_merge import provider_scopes
from chalicelib.vault.rules.usage import count_use


def is_standing(consent: Consent, *, epoch: int, now: int) -> bool:
    """True if the consent is still valid."""
    return consent.epoch == epoch and not consent.void(max(consent.decided_at, consent.vouched_at), now)


def find_live_grants(held: AccountAccess, client_id: str) -> list[Grant]:
    """The app's grants that are still valid."""
    consent = held.consents.get(client_id)
    return [
        one
        for one in held.grants
        if one.client_id == client_id
        and not one.is_over(held.now)
        and consent is not None
        and not consent.void(one.decided_at, held.now)
    ]


def may_reconnect(broker: Broker, held: AccountAccess, connection: Connection) -> bool:
    """True if one of the app's grants is valid and may have tokens, so that the user can connect the account again."""
    return find_requesting_grant(broker, held, connection) is not None


def find_requesting_grant(broker: Broker, held: AccountAccess, connection: Connection) -> Grant | None:
    """The newest grant of the app with which the user can connect the account again."""
    client, consent = held.clients.get(connection.client_id), held.consents.get(connection.client_id)
    if client is None or consent is None or client.handout == "none" or not client.may_use(connection.provider_id):
        return None
    if not is_standing(consent, epoch=broker.settings.epoch, now=held.now) or not provider_scopes(
        consent.scopes, connection.provider_id
    ):
        return None
    live = [one for one in find_live_grants(held, connection.client_id) if one.status == "active"]
    return max(live, key=lambda grant: (grant.decided_at, grant.grant_id), default=None)


def build_connection(
    broker: Broker, held: AccountAccess, connection: Connection, allowed: frozenset[str], user_key: bytes
) -> AccountConnection:
    """One connection as its app may use it; `allowed` are all scopes of the app."""
    provider_id = connection.provider_id
    uses = tuple(one for one in held.uses.found if one.connection_id == connection.connection_id)
    counted = count_use(Traces(found=uses, is_cut=held.uses.is_cut), kept_since=held.uses_since, now=held.now)
    status: Any = connection_status(broker, connection, held.now)
    return AccountConnection(
        connection_id=connection.connection_id,
        client_id=connection.client_id,
        app_name=app_name(held, connection.client_id),
        app_verified=is_verified(held, connection.client_id),
        provider_id=provider_id,
        provider_name=provider_name(broker, provider_id),
        account_id=account_key(connection),
        label=label_of(open_profile_of(broker, connection, user_key)),
        status="reauth_required" if _is_void(broker, connection) else status,
        scopes=scope_lines(broker, provider_id, allowed),
        connected_at=connection.connected_at,
        uses=counted["handouts"] + counted["calls"],
        last_used_at=counted.get("last_used_at"),
        renew_by=connection.reauth_by,
        can_reconnect=may_reconnect(broker, held, connection),
    )


def account_key(connection: Connection) -> str:
    """Equal for two connections of one account. An older item may not name its account: it counts as one of its own."""
    return connection.account_id or connection.connection_id


def scope_lines(broker: Broker, provider_id: str, allowed: frozenset[str]) -> tuple[ScopeLine, ...]:
    """The scopes at one provider; none if its file was removed."""
    known = broker.catalog.get(provider_id) is not None
    return provider_lines(broker, provider_id, allowed, frozenset()) if known else ()


def app_name(held: AccountAccess, client_id: str) -> str:
    """The client's name; the id of a deleted client."""
    client = held.clients.get(client_id)
    return client.client_name if client else client_id


def is_verified(held: AccountAccess, client_id: str) -> bool:
    """True if the operator registered the client."""
    client = held.clients.get(client_id)
    return client is not None and client.registered_by == "operator"


def provider_name(broker: Broker, provider_id: str) -> str:
    """The provider's name; its id if the provider file was removed."""
    known = broker.catalog.get(provider_id) is not None
    return load_definition(broker, provider_id).display_name if known else provider_id


def _is_void(broker: Broker, connection: Connection) -> bool:
    item_key = provider_item_key(connection.provider_id)
    record = broker.registry.lookup(item_key).get(item_key)
    return record is None or record.marks.void(connection.connected_at)
