"""Pure decisions about one user's connections together: which share an account, and which scopes a consent loses with
one."""

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
    """True if ending every grant of the broker's app at this account would end another client's active connection.

    An older item may not name its account, so it may be the same account.
    """
    if other.connection_id == connection.connection_id or other.status not in LIVE:
        return False
    if (other.sub, other.provider_id) != (connection.sub, connection.provider_id):
        return False
    return "" in (other.account_id, connection.account_id) or other.account_id == connection.account_id


def still_lives(connection: Connection, others: Iterable[Connection]) -> bool:
    """True for a revoked connection with tokens that may still be valid at the provider.

    This includes tokens kept because another connected app shares the account, as long as that app is connected.

    others   all connections of this user
    """
    kept = connection.status == "revoked" and worst_result(connection.endings) == "kept_shared"
    return is_alive_there(connection) or (kept and any(shares_account(connection, other) for other in others))


def without_connection(consent: Consent, tombstone: Connection, others: Iterable[Connection]) -> Consent | None:
    """The consent without this connection; None if it does not mention it, or was given after the revocation.

    The provider's scopes stay if the same app has another account of that provider connected. The redirect URIs that
    the user has seen are removed, so that the next sign-in shows the consent page.
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
    reduced = msgspec.structs.replace(
        consent, scopes=consent.scopes - gone, default_connections=defaults, redirect_hashes=frozenset()
    )
    if reduced == consent:
        return None
    reduced_at = max(consent.reduced_at, tombstone.revoked_at + 1)
    return msgspec.structs.replace(reduced, reduced_at=reduced_at, version=consent.version + 1)


def is_used_by(consent: Consent | None, connection: Connection, definition: ProviderDefinition, *, epoch: int) -> bool:
    """True if an earlier consent continues with this connection: it names the connection and covers all of its
    scopes."""
    if consent is None or consent.epoch != epoch or consent.marks.void(consent.decided_at):
        return False
    if consent.default_connections.get(connection.provider_id) != connection.connection_id:
        return False
    allowed = provider_scopes(consent.scopes, connection.provider_id)
    return not excess_scopes(definition, granted=connection.granted, allowed=allowed)
