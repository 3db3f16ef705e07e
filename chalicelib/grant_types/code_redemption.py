"""What an authorization code and a device code share: the one write that redeems, the read of revocations after it,
and the tokens."""

from typing import Any

from chalicelib.grant_types.revocations import check_marks, read_marks
from chalicelib.grant_types.token_request import TokenRequest, audience_uri
from chalicelib.ports import Broker, Redemption, Refused, Written
from chalicelib.protocol.errors import InvalidGrant
from chalicelib.protocol.handles import Handle, secret_hash, successor_secret
from chalicelib.protocol.token_claims import userinfo_claims
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from chalicelib.token_issuer import choose_audience, is_as_issued, issue_grant_tokens
from chalicelib.vault.user_keys import profile_item_keys, read_profile


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
    broker: Broker, grant: Grant, presented: Handle, asked: TokenRequest, *, jkt: str | None
) -> dict[str, Any]:
    """The tokens of a grant that has just been redeemed, unless a revocation has ended it since the user decided.

    The read comes after the write, so a kill switch thrown just before the write counts. If the read fails, the code
    is used up and the user signs in again. The grant itself is not read: exactly one request redeems a code.

    Raises InvalidGrant, InvalidClient, InvalidTarget, StoreUnavailable.
    """
    if not is_as_issued(broker, grant):  # before the read, which might refuse without the alarm
        raise InvalidGrant("grant_does_not_verify")
    wants_claims = bool(grant.id_token_claims) and "openid" in grant.scopes
    found = read_marks(broker, grant, *(profile_item_keys(grant) if wants_claims else ()))
    scopes = check_marks(broker, found, grant, asked.now)
    audience = choose_audience(broker, audience_uri(broker, asked, grant.resources), scopes)
    secret = successor_secret(presented.secret, grant.salt)
    profile = _choose_claims(read_profile(broker, found, grant), grant, scopes) if wants_claims else None
    return issue_grant_tokens(
        broker, grant, refresh_secret=secret, audience=audience, now=asked.now, jkt=jkt, profile=profile
    )


def _choose_claims(profile: dict[str, Any], grant: Grant, scopes: frozenset[str]) -> dict[str, Any]:
    """The claims that `claims` requests for the ID token and that the scopes allow."""
    opened = userinfo_claims(profile, scopes)
    return {name: value for name, value in opened.items() if name in grant.id_token_claims}
