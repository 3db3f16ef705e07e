"""What can be told of a connection before anybody asks the provider: pure."""

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
    """When the user will have to sign in again, if nobody asks for a token until then; None: never, or unknown.

    Hard expiry counts from the sign-in, idle expiry from the last use; the answer's own word on the refresh token goes
    before the file's idle expiry. Without a way to renew it, or where only a live one is swapped, it is the access
    token's own end.

    renews   there is a refresh token
    before   what was forecast of a refresh token that stays, for an answer that does not speak of it
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
    """What whoever asks for its token now would find: a token that is over and that nothing renews needs the user,
    though nobody has asked since and written it down."""
    if connection.status == "revoked" or definition is None:
        return connection.status
    decision = decide_refresh(connection, None, definition, epoch=epoch, now=now)
    if isinstance(decision, Refuse) and decision.reason == "reauth_required":
        return "reauth_required"
    return "in_doubt" if connection.epoch != epoch else connection.status
