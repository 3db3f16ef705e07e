"""Gives a client access to a connection, as a provider token (hand-out) or as a proxied call.

One read loads every record that can refuse the request. The read and the checks are repeated after each wait and each
refresh (VLT-11).
"""

import hashlib
from collections.abc import Callable

from msgspec import Struct

from chalicelib.access_token_check import PresentedToken
from chalicelib.bff_sessions import Session
from chalicelib.encryption import encryption_context_of, open_metadata, open_value
from chalicelib.issuers.verification import VerifiedIssuerToken
from chalicelib.ports import Broker, OverLimit
from chalicelib.protocol.errors import (
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    TemporarilyUnavailable,
    TooManyRequests,
)
from chalicelib.protocol.redirect_uri import takes_any_port
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.provider_client import is_as_registered, is_configured
from chalicelib.providers.definition import ProviderDefinition, ValueRefused
from chalicelib.records.audit import AuditEvent
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import user_key_item_key
from chalicelib.records.provider import ProviderRecord
from chalicelib.vault.connect_links import LinkRequest, build_connect_uri
from chalicelib.vault.connection_events import alarm_undecryptable
from chalicelib.vault.lookup import ConnectionLookup, find_connection
from chalicelib.vault.refresh import ensure_fresh
from chalicelib.vault.refresh_journal import LeasedConnection
from chalicelib.vault.rules.handout_permission import check_handout
from chalicelib.vault.rules.refusal_advice import decide_advice
from chalicelib.vault.user_keys import open_key_of


class HandoutRequest(Struct, frozen=True, kw_only=True):
    """A client's request for a provider token or a proxied call.

    presented     the broker's access token, the browser session of an app, or a trusted issuer's token
    client_id     the client that must own the token; None accepts the client named in the token
    audience      a provider id (the user's default account there) or a connection id
    scopes        in the provider's names, with or without its prefix; empty means every granted scope
    provider_id   the provider that the connection must belong to; None accepts any
    permit        checks the client and the token's scopes before everything else, and raises to refuse
    """

    presented: PresentedToken | Session | VerifiedIssuerToken
    client_id: str | None
    audience: str
    scopes: frozenset[str] = frozenset()
    provider_id: str | None = None
    permit: Callable[[Client, frozenset[str]], None] | None = None


def get_token(broker: Broker, wanted: HandoutRequest) -> LeasedConnection:
    """Return the connection with an access token that is still valid for a while, and count the use.

    Raises InvalidToken if the presented token is not the broker's, has expired or was revoked, or belongs to another
        client.
    Raises InvalidTarget, InvalidScope if there is no such connection, or the request exceeds what was allowed.
    Raises InvalidGrant if the user must sign in again, TemporarilyUnavailable if a retry can succeed.
    Raises TooManyRequests if this user or this client has reached its limit.
    """
    return _hold(broker, wanted, None)


def get_newer_token(broker: Broker, wanted: HandoutRequest, held: LeasedConnection) -> LeasedConnection:
    """Return the connection with a newer access token, after the provider's API refused the one in `held`.

    All concurrent callers share one refresh. The token stays the same if replacing it would be unsafe
    (`decide_refresh`). Raises the same errors as `get_token`, except TooManyRequests.
    """
    return _hold(broker, wanted, held)


def _hold(broker: Broker, wanted: HandoutRequest, refused: LeasedConnection | None) -> LeasedConnection:
    seen: list[ConnectionLookup] = []

    def look_at(*, again: bool) -> ConnectionLookup:
        return find_connection(broker, wanted.presented, wanted.audience, client_id=wanted.client_id, again=again)

    def again() -> LeasedConnection:
        seen[:] = [look_at(again=bool(seen) or refused is not None)]
        return _permit(broker, seen[0], wanted)

    try:
        if refused is not None:
            return ensure_fresh(broker, refused, again, refused=refused.connection.token_generation)
        held = again()
        _count_use(broker, held.connection)
        return ensure_fresh(broker, held, again)
    except (InvalidTarget, InvalidScope, InvalidGrant) as refusal:
        last = seen[0] if seen else look_at(again=True)
        _note(refusal, last)
        refusal.members |= _find_way_out(broker, last, wanted, str(refusal.members.get("reason")))
        raise


def open_token(broker: Broker, held: LeasedConnection) -> str:
    """Decrypt the access token. If it does not decrypt, raise an alarm and ServerError."""
    connection = held.connection
    try:
        opened = open_value(
            held.user_key, connection.sealed_access_token, "access_token", place=encryption_context_of(connection)
        )
    except DecryptionFailed as broken:
        alarm_undecryptable(broker, connection, str(broken))
    return opened.decode()


def audit_use(broker: Broker, held: LeasedConnection, event: str, token: str, *, method: str = "") -> None:
    """Write the audit record before the use. If the write fails, nothing is handed out (VLT-05).

    method   HTTP method of a proxied call; the path is not recorded, because it may identify people
    """
    connection = held.connection
    broker.store.append_audit(
        AuditEvent(
            event=event,
            at=broker.clock.now(),
            request_id=broker.entropy.token_bytes(12).hex(),
            sub=connection.sub,
            client_id=connection.client_id,
            provider_id=connection.provider_id,
            connection_id=connection.connection_id,
            grant_id=held.grant_id,
            scopes=connection.granted,
            token_id=hashlib.sha256(token.encode()).hexdigest(),
            method=method,
        )
    )
    broker.log.count("HandOuts")


def _count_use(broker: Broker, connection: Connection) -> None:
    """Check the limit per user and client, then the limit per client. One user's flood fails at the first (VLT-06)."""
    settings, client_id = broker.settings, connection.client_id
    limits = (
        ("user", f"{client_id}#{connection.sub}", settings.handouts_per_user),
        ("client", client_id, settings.handouts_per_client),
    )
    for whose, name, limit in limits:
        verdict = broker.limiter.spend(f"{whose}#{name}", limit=limit, now=broker.clock.now()) if limit else None
        if isinstance(verdict, OverLimit):
            if verdict.first:
                broker.log.event(
                    "alarm",
                    kind="handout_limit",
                    whose=whose,
                    client_id=client_id,
                    sub=connection.sub if whose == "user" else None,
                    limit=limit,
                )
            raise TooManyRequests(
                f"handout_limit_of_{whose}", members={"reason": "handout_limit"}, retry_after=verdict.retry_after
            )


def _permit(broker: Broker, seen: ConnectionLookup, wanted: HandoutRequest) -> LeasedConnection:
    definition, record, use = broker.catalog.get(seen.provider_id), _record(broker, seen), seen.use
    if wanted.permit is not None:
        wanted.permit(use.client, use.scopes)
    if definition is None or wanted.provider_id not in (None, definition.provider_id):
        raise InvalidTarget("no_such_connection", members={"reason": "not_connected"})
    if not use.client.may_use(definition.provider_id):
        raise InvalidTarget("provider_not_for_client", members={"reason": "not_connected"})
    allowed = check_handout(
        seen.connection,
        seen.grant,
        record,
        definition,
        asked=_asked(wanted, definition.provider_id),
        token_scopes=use.scopes,
    )
    sealed = use.found.get(user_key_item_key(allowed.sub))
    if sealed is None or record is None:
        raise InvalidTarget("user_key_gone", members={"reason": "not_connected"})
    key = open_key_of(broker, sealed)
    return LeasedConnection(
        connection=allowed,
        recovery=seen.recovery,
        record=record,
        definition=_fill(broker, definition, record, allowed, key),
        user_key=key,
        grant_id=seen.grant.grant_id,
    )


def _fill(
    broker: Broker, definition: ProviderDefinition, record: ProviderRecord, connection: Connection, key: bytes
) -> ProviderDefinition:
    """Fill the operator's and the connection's values into the provider definition.

    A connection that lacks a required value, or has a value that is no longer allowed, needs a new sign-in.
    """
    if not is_as_registered(broker, record):
        raise TemporarilyUnavailable("provider_does_not_verify")
    try:
        metadata = open_metadata(key, connection)
        return broker.catalog.fill(record, metadata, complete=True) or definition
    except DecryptionFailed as broken:
        if connection.status != "reauth_required":
            alarm_undecryptable(broker, connection, str(broken))
        raise InvalidGrant("reauth_required", members={"reason": "reauth_required"}) from None
    except ValueRefused as refused:
        broker.log.event("connection_value_refused", connection_id=connection.connection_id, value=refused.name)
        raise InvalidGrant("metadata_does_not_fit", members={"reason": "reauth_required"}) from None


def _note(refusal: OAuthError, seen_last: ConnectionLookup) -> None:
    """Add the state of the connection to the log entry of the refusal, for the operator."""
    connection, record = seen_last.connection, seen_last.record
    refusal.noting(
        client_id=seen_last.use.client.client_id,
        provider_id=seen_last.provider_id or None,
        connection_id=connection.connection_id if connection else None,
        connection=connection.status if connection else "none",
        provider="no record" if record is None else "switched off" if record.marks.disabled else "switched on",
        granted=connection.granted if connection else None,
        token_scopes=seen_last.use.scopes,
        handout=seen_last.use.client.handout,
    )


def _asked(wanted: HandoutRequest, provider_id: str) -> frozenset[str]:
    return frozenset(scope.removeprefix(provider_id + ":") for scope in wanted.scopes)


def _find_way_out(broker: Broker, seen: ConnectionLookup, wanted: HandoutRequest, reason: str) -> dict[str, object]:
    """The extension members of a refusal: whether a retry can help, and a connect link if this user can help
    (VLT-08)."""
    use, definition, client = seen.use, broker.catalog.get(seen.provider_id), seen.use.client
    elsewhere = wanted.provider_id not in (None, seen.provider_id)
    if definition is None or elsewhere or not client.may_use(definition.provider_id) or _is_off(broker, seen):
        return {"retry": "never"}
    granted = seen.grant.scopes & (use.consent.scopes if use.consent else frozenset()) & client.scopes
    out = decide_advice(
        reason,
        definition,
        seen.connection,
        asked=_asked(wanted, definition.provider_id),
        token_scopes=use.scopes,
        granted_scopes=granted,
        client_scopes=client.scopes,
    )
    members: dict[str, object] = {"retry": out.retry, "missing_scopes": sorted(out.missing)}
    if out.retry != "after_connect" or client.handout == "none":
        return members
    scopes = frozenset(f"{definition.provider_id}:{scope}" for scope in out.missing)
    wish = LinkRequest(provider_id=definition.provider_id, scopes=scopes, redirect_uri=_only_redirect(client))
    try:
        return {**members, "connect_uri": build_connect_uri(broker, use.claims, client, wish)}
    except (InvalidScope, InvalidRequest):  # more than a link or a grant can hold
        return {**members, "retry": "never"}


def _record(broker: Broker, seen: ConnectionLookup) -> ProviderRecord | None:
    """The provider record; None also if the operator's values do not fit the definition, so that no call goes to a
    wrong host."""
    return seen.record if seen.record is not None and is_configured(broker, seen.record) else None


def _is_off(broker: Broker, seen: ConnectionLookup) -> bool:
    record = _record(broker, seen)
    return record is None or record.marks.disabled


def _only_redirect(client: Client) -> str:
    """The client's only redirect URI, or "" if more than one could be meant."""
    (first, *more) = client.redirect_uris or ("",)
    return "" if more or (client.application_type == "native" and takes_any_port(first)) else first
