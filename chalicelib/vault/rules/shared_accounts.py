"""Connections of one user side by side: who shares an account's grant, what a consent loses with one: pure."""

from collections.abc import Iterable

import msgspec

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.upstream.granted_scopes import excess_scopes
from chalicelib.vault.rules.connection_merge import provider_scopes
from chalicelib.vault.rules.revocation_results import is_alive_there, worst_result

LIVE = frozenset({"active", "partial", "in_doubt"})


def shares_account(connection: Connection, other: Connection) -> bool:
    """True where ending every grant of our app at this account would end a live connection of another app.

    An account that an older item does not name may be the same one.
    """
    if other.connection_id == connection.connection_id or other.status not in LIVE:
        return False
    if (other.sub, other.provider_id) != (connection.sub, connection.provider_id):
        return False
    return "" in (other.account_id, connection.account_id) or other.account_id == connection.account_id


def still_lives(connection: Connection, others: Iterable[Connection]) -> bool:
    """True for a tombstone of which something may be alive at the provider: also what was left for another app's sake,
    as long as that one is connected.

    others   all of this user
    """
    kept = connection.status == "revoked" and worst_result(connection.endings) == "kept_shared"
    return is_alive_there(connection) or (kept and any(shares_account(connection, other) for other in others))


def without_connection(consent: Consent, tombstone: Connection, others: Iterable[Connection]) -> Consent | None:
    """The consent once this connection is gone; None where it says nothing of it, or was given after that.

    Its provider's scopes stay where another account of that provider is connected to the same app. The places that the
    user has seen are forgotten, so that the next sign-in shows its page.
    """
    if consent.decided_at > tombstone.revoked_at:
        return None
    provider_id = tombstone.provider_id
    stays = any(
        other.client_id == tombstone.client_id and other.provider_id == provider_id and other.status in LIVE
        for other in others
        if other.connection_id != tombstone.connection_id
    )
    gone = frozenset() if stays else frozenset(s for s in consent.scopes if s.startswith(provider_id + ":"))
    defaults = {
        name: connection_id
        for name, connection_id in consent.default_connections.items()
        if connection_id != tombstone.connection_id
    }
    narrowed = msgspec.structs.replace(
        consent, scopes=consent.scopes - gone, default_connections=defaults, redirect_hashes=frozenset()
    )
    if narrowed == consent:
        return None
    reduced_at = max(consent.reduced_at, tombstone.revoked_at + 1)
    return msgspec.structs.replace(narrowed, reduced_at=reduced_at, version=consent.version + 1)


def is_used_by(consent: Consent | None, connection: Connection, definition: ProviderDefinition, *, epoch: int) -> bool:
    """True where what the user allowed earlier goes on with this connection: it names it, and covers all of it."""
    if consent is None or consent.epoch != epoch or consent.marks.void(consent.decided_at):
        return False
    if consent.default_connections.get(connection.provider_id) != connection.connection_id:
        return False
    allowed = provider_scopes(consent.scopes, connection.provider_id)
    return not excess_scopes(definition, granted=connection.granted, allowed=allowed)
