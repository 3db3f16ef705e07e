"""grant_type=...:device_code (RFC 8628 section 3.4): a poll redeems in one conditional write, or learns why not."""

from typing import Any

from chalicelib.grant_types.code_redemption import issue_redeemed, redeem
from chalicelib.grant_types.token_request import TokenRequest
from chalicelib.ports import Broker, DevicePoll, Written
from chalicelib.proof_of_possession import consume_proof
from chalicelib.protocol.device_code import DeviceCodeRequest, StillWaiting, explain_device_refusal
from chalicelib.protocol.errors import AuthorizationPending, InvalidGrant, OAuthError, PollTooEarly
from chalicelib.protocol.handles import Handle, parse_handle, secret_hash
from chalicelib.protocol.parameters import Parameters
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant

SLOWER_BY = 5


def answer(broker: Broker, client: Client, parameters: Parameters, asked: TokenRequest) -> dict[str, Any]:
    """The tokens, once the user has allowed it; a second fully valid redemption ends the grant.

    Raises AuthorizationPending, PollTooEarly, AccessDenied, ExpiredToken, InvalidGrant, InvalidTarget.
    """
    settings, now = broker.settings, asked.now
    broker.keys.get("signing")  # a code is not used up while nothing could be signed for it
    presented = parse_handle(
        parameters.require("device_code"),
        "device",
        broker.keys.get("handle"),
        epoch=settings.epoch,
        homes=settings.homes,
    )
    jkt = consume_proof(broker, asked.proof)
    request = DeviceCodeRequest(
        client_id=client.client_id, epoch=settings.epoch, resource=asked.resource(settings.issuer)
    )
    result = redeem(
        broker,
        client,
        presented,
        code_challenge=None,
        redirect_hash=None,
        resource=request.resource,
        jkt=jkt,
        now=now,
    )
    if not isinstance(result, Written):
        raise _explain(broker, result.found, presented, request, now)
    return issue_redeemed(broker, result.item, presented, asked, jkt=jkt)


def _explain(
    broker: Broker, found: Grant | None, presented: Handle, request: DeviceCodeRequest, now: int
) -> OAuthError:
    decision = explain_device_refusal(found, presented, request, now=now)
    if isinstance(decision, StillWaiting):
        return _note_poll(broker, decision, presented, request, now)
    broker.store.revoke_grant(decision.grant_id, client_id=request.client_id)
    broker.log.event("replay_detected", grant_id=decision.grant_id, reason=decision.reason, client_id=request.client_id)
    return InvalidGrant(decision.reason)


def _note_poll(
    broker: Broker, waiting: StillWaiting, presented: Handle, request: DeviceCodeRequest, now: int
) -> OAuthError:
    """Start the interval again. Of polls at one moment, one is in time and the others lengthen the interval."""
    poll = DevicePoll(
        grant_id=presented.grant_id,
        client_id=request.client_id,
        secret_hash=secret_hash(presented.secret),
        epoch=request.epoch,
        now=now,
    )
    if waiting.device.poll_after <= now and isinstance(broker.store.note_poll(poll, early_by=0), Written):
        return AuthorizationPending("user_has_not_finished")
    if isinstance(broker.store.note_poll(poll, early_by=SLOWER_BY), Written):
        return PollTooEarly("poll_too_early")
    return AuthorizationPending("decided_just_now")
