"""What the table's refusal to redeem a device code means (RFC 8628 section 3.5): pure, total, in a fixed order.

As for every handle: what is not otherwise fully valid changes nothing.
"""

import hmac

from msgspec import Struct

from chalicelib.protocol.errors import AccessDenied, ExpiredToken, InvalidGrant
from chalicelib.protocol.grant_refusals import RevokeGrant, check_narrower
from chalicelib.protocol.handles import Handle, secret_hash, successor_secret
from chalicelib.records.grant import DeviceRequest, Grant

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
WAITING = ("device_pending", "exchanging")


class DeviceCodeRequest(Struct, frozen=True, kw_only=True):
    """What a poll asks beside its device code."""

    client_id: str
    epoch: int
    resource: str | None = None


class StillWaiting(Struct, frozen=True):
    """Nobody has decided yet, or who has is still at the provider."""

    device: DeviceRequest


def explain_device_refusal(
    grant: Grant | None, presented: Handle, request: DeviceCodeRequest, *, now: int
) -> StillWaiting | RevokeGrant:
    """Say why there are no tokens.

    Raises ExpiredToken: too late, or nothing came of the sign-in. AccessDenied: the user said no. InvalidGrant: not
    this client's or key's, or redeemed. InvalidTarget: asked for more; the device code stays good.
    """
    if grant is None or grant.device is None:
        raise ExpiredToken("device_code_unknown")
    if not _belongs(grant, presented, request):
        raise InvalidGrant("device_code_of_another_client_or_key")
    if grant.status == "device_denied":
        raise AccessDenied("user_denied")
    if grant.generation == 0 and grant.is_over(now):
        raise ExpiredToken("device_code_over")
    if grant.is_over(now):
        raise InvalidGrant("grant_over")
    check_narrower(frozenset(), request.resource, grant)
    if grant.status in WAITING:
        return StillWaiting(grant.device)
    if grant.status == "issued":
        raise InvalidGrant("device_code_not_redeemable")
    return RevokeGrant(grant.grant_id, "device_code_replayed")


def _belongs(grant: Grant, presented: Handle, request: DeviceCodeRequest) -> bool:
    secret = successor_secret(presented.secret, grant.salt) if grant.generation else presented.secret
    known = hmac.compare_digest(grant.secret_hash, secret_hash(secret))
    return known and grant.client_id == request.client_id and grant.epoch == request.epoch
