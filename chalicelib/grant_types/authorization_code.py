"""grant_type=authorization_code (RFC 6749 section 4.1.3, RFC 7636 section 4.6): one conditional write redeems."""

from typing import Any

from chalicelib.grant_types.code_redemption import issue_redeemed, redeem
from chalicelib.grant_types.token_request import TokenRequest
from chalicelib.ports import Broker, Written
from chalicelib.proof_of_possession import consume_proof
from chalicelib.protocol.errors import InvalidGrant
from chalicelib.protocol.grant_refusals import CodeRequest, explain_code_refusal
from chalicelib.protocol.handles import parse_handle
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.pkce import check_verifier_syntax, s256
from chalicelib.protocol.redirect_uri import redirect_hash
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant


def answer(broker: Broker, client: Client, parameters: Parameters, asked: TokenRequest) -> dict[str, Any]:
    """Redeem one code; a second fully valid redemption ends the grant and everything under it.

    Raises InvalidGrant, InvalidTarget: nothing changed but for a replay.
    """
    settings, now = broker.settings, asked.now
    broker.keys.get("signing")  # a code is not used up while nothing could be signed for it
    presented = parse_handle(
        parameters.require("code"), "code", broker.keys.get("handle"), epoch=settings.epoch, homes=settings.homes
    )
    verifier = parameters.get("code_verifier")
    check_verifier_syntax(verifier)
    redirect_uri = parameters.get("redirect_uri")
    jkt = consume_proof(broker, asked.proof)
    request = CodeRequest(
        client_id=client.client_id,
        epoch=settings.epoch,
        code_challenge=s256(verifier or ""),
        redirect_hash=redirect_hash(redirect_uri) if redirect_uri else None,
        resource=asked.resource(settings.issuer),
        jkt=jkt,
    )
    result = redeem(
        broker,
        client,
        presented,
        code_challenge=request.code_challenge,
        redirect_hash=request.redirect_hash,
        resource=request.resource,
        jkt=jkt,
        now=now,
    )
    if not isinstance(result, Written):
        try:
            replay = explain_code_refusal(result.found, presented, request, now=now)
        except InvalidGrant as refusal:
            raise refusal.noting(redirect_uri=redact(redirect_uri), **_describe(result.found, now)) from None
        broker.store.revoke_grant(replay.grant_id, client_id=client.client_id)
        broker.log.event("replay_detected", grant_id=replay.grant_id, reason=replay.reason, client_id=client.client_id)
        raise InvalidGrant(replay.reason)
    return issue_redeemed(broker, result.item, presented, asked, jkt=jkt)


def _describe(grant: Grant | None, now: int) -> dict[str, str]:
    """For the operator: whose code it was, and how long ago it expired."""
    if grant is None:
        return {"standing": "no such code is kept"}
    over = f", over for {now - grant.expires_at} seconds" if grant.is_over(now) else ""
    return {"standing": grant.status + over, "code_of": grant.client_id}
