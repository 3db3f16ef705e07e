"""Pure checks: may this client have this connection's access token, and may it make this call?"""

from chalicelib.protocol.errors import InsufficientScope, InvalidScope, InvalidTarget
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.client import Client, ProxyRule
from chalicelib.records.connection import Connection
from chalicelib.records.grant import Grant
from chalicelib.records.provider import ProviderRecord
from chalicelib.upstream.granted_scopes import excess_scopes, missing_scopes
from chalicelib.upstream.proxy_path import decode_segment
from chalicelib.upstream.proxy_request import Call
from chalicelib.vault.rules.connection_merge import provider_scopes


def check_handout(
    connection: Connection | None,
    grant: Grant,
    provider: ProviderRecord | None,
    definition: ProviderDefinition,
    *,
    asked: frozenset[str],
    token_scopes: frozenset[str],
) -> Connection:
    """Return the connection if this grant may have its access token. Anything uncertain is refused.

    This does not check whether the token is valid now: see vault/rules/refresh_decision.py.

    asked          scopes of the request, in the provider's names; empty for all
    token_scopes   of the presented access token, without those that the consent or the registration has lost since

    Raises InvalidTarget if this user and client have no such connection, or may not use it.
    Raises InvalidScope if the connection has fewer scopes than requested, or more than were allowed.
    """
    allowed = provider_scopes(token_scopes, definition.provider_id)
    if connection is None or not _is_theirs(connection, grant) or not allowed:
        raise InvalidTarget("no_such_connection", members={"reason": "not_connected"})
    if provider is None or provider.marks.void(connection.connected_at) or connection.status == "revoked":
        raise InvalidTarget("connection_over", members={"reason": "not_connected"})
    _check_scopes(connection, definition, allowed, asked)
    return connection


def check_call(client: Client, token_scopes: frozenset[str], provider_id: str, call: Call) -> None:
    """Check that this client may make proxied calls, and this one under this grant. Its proxy rules only restrict.

    token_scopes   of the access token, as far as still granted, with the provider's prefix

    Raises InsufficientScope.
    """
    if client.handout == "none":
        raise InsufficientScope("proxy_not_registered", members={"reason": "handout_none"})
    rules = client.proxy_rules
    if rules and not any(_is_within(rule, token_scopes, provider_id, call) for rule in rules):
        raise InsufficientScope("proxy_rule", members={"reason": "call_not_allowed"})


def _is_within(rule: ProxyRule, token_scopes: frozenset[str], provider_id: str, call: Call) -> bool:
    """Compare decoded path segments one by one: a prefix of a segment does not match."""
    stands_for = {call.method, "GET"} if call.method == "HEAD" else {call.method}
    asked = tuple(decode_segment(segment) for segment in call.segments)
    prefix = tuple(part for part in rule.path_prefix.split("/") if part)
    return (
        (rule.provider_id, rule.host) == (provider_id, call.host or "")
        and (not rule.methods or bool(stands_for & rule.methods))
        and (not rule.scope or f"{provider_id}:{rule.scope}" in token_scopes)
        and asked[: len(prefix)] == prefix
    )


def _is_theirs(connection: Connection, grant: Grant) -> bool:
    """Compare user and client for equality, never by prefix (VLT-01). Other accounts of the same user and client match
    too."""
    return (connection.sub, connection.client_id) == (grant.sub, grant.client_id)


def _check_scopes(
    connection: Connection, definition: ProviderDefinition, allowed: frozenset[str], asked: frozenset[str]
) -> None:
    if excess_scopes(definition, granted=connection.granted, allowed=allowed):
        raise InvalidScope("token_exceeds_allowed", members={"reason": "more_than_allowed"})
    if not asked <= definition.expand(allowed | frozenset(definition.sign_in_scopes)):
        raise InvalidScope("more_than_allowed_asked", members={"reason": "not_allowed"})
    missing = missing_scopes(definition, granted=connection.granted, needed=asked)
    if missing:
        raise InvalidScope(
            "connected_with_less", members={"reason": "missing_scopes", "missing_scopes": sorted(missing)}
        )
