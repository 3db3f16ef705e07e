"""Pure forecasts about a connection, made without calling the provider."""

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection, ConnectionStatus
from chalicelib.upstream.token import ProviderTokens
from chalicelib.vault.rules.refresh_decision import Refuse, decide_refresh


def forecast_reauth(
    definition: ProviderDefinition,
    tokens: ProviderTokens,
    *,
    connected_at: int,
    now: int,
    renews: bool,
    before: int | None = None,
) -> int | None:
    """When the user must sign in again if no client requests a token until then (epoch seconds); None: never, or
    unknown.

    Hard expiry counts from the sign-in, idle expiry from the last use. A lifetime in the response takes precedence
    over the provider file's idle expiry. Without a refresh token, or if only a valid token can be swapped, it is the
    end of the access token.

    renews   there is a refresh token
    before   the forecast for a refresh token that stays, used if the response does not mention its lifetime
    """
    rules = definition.refresh
    if not renews or rules.kind in ("none", "swap"):
        return tokens.expires_at
    said = tokens.refresh_expires_at
    if said is None and definition.token.refresh_expires_in_path:
        said = before
    if said is None and rules.idle_expiry_seconds is not None:
        said = now + rules.idle_expiry_seconds
    hard = None if rules.hard_expiry_seconds is None else connected_at + rules.hard_expiry_seconds
    return min((end for end in (said, hard) if end is not None), default=None)


def effective_status(
    connection: Connection, definition: ProviderDefinition | None, *, epoch: int, now: int
) -> ConnectionStatus:
    """The status that the next request for a token would find.

    An expired token that cannot be renewed needs the user, even if no request has recorded that yet.
    """
    if connection.status == "revoked" or definition is None:
        return connection.status
    decision = decide_refresh(connection, None, definition, epoch=epoch, now=now)
    if isinstance(decision, Refuse) and decision.reason == "reauth_required":
        return "reauth_required"
    return "in_doubt" if connection.epoch != epoch else connection.status
