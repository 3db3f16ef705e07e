"""What an authorization code and a device code share: the one write that redeems, and the tokens that come of it."""

from typing import Any

from chalicelib.grant_types.asked import Asked, audience_uri
from chalicelib.issuing import choose_audience, issue_grant_tokens
from chalicelib.ports import Broker, Redemption, Refused, Written
from chalicelib.protocol.handles import Handle, secret_hash, successor_secret
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant


def redeem(
    broker: Broker,
    client: Client,
    presented: Handle,
    *,
    code_challenge: str | None,
    redirect_hash: str | None,
    resource: str | None,
    jkt: str | None,
    now: int,
) -> Written[Grant] | Refused[Grant]:
    """issued(0) -> active(1), with every binding of the code; the arguments are those of `Redemption`.

    jkt   a public client's refresh tokens are bound to this key (RFC 9449 section 5)
    """
    salt = broker.entropy.token_bytes(16)
    return broker.store.redeem_code(
        Redemption(
            grant_id=presented.grant_id,
            client_id=client.client_id,
            secret_hash=secret_hash(presented.secret),
            code_challenge=code_challenge,
            redirect_hash=redirect_hash,
            resource=resource,
            successor_hash=secret_hash(successor_secret(presented.secret, salt)),
            successor_salt=salt,
            key_version=broker.keys.get("handle").current.version,
            epoch=broker.settings.epoch,
            now=now,
            jkt=jkt,
            binds=jkt is not None and not client.is_confidential,
        )
    )


def issue_redeemed(
    broker: Broker,
    grant: Grant,
    presented: Handle,
    asked: Asked,
    *,
    jkt: str | None,
    now: int,
    profile: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The tokens of a grant that has just been redeemed. Raises InvalidTarget.

    profile   claims that the ID token carries beside its own
    """
    audience = choose_audience(broker, audience_uri(broker, asked, grant.resources), grant.scopes)
    secret = successor_secret(presented.secret, grant.salt)
    return issue_grant_tokens(
        broker, grant, refresh_secret=secret, audience=audience, now=now, jkt=jkt, profile=profile
    )
