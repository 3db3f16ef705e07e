"""grant_type=refresh_token (RFC 6749 section 6, RFC 9700 section 4.14.2): one conditional write advances the chain."""

from typing import Any, NoReturn

from chalicelib.contention import write_tries
from chalicelib.grant_types.revocations import check_marks, read_marks
from chalicelib.grant_types.token_request import TokenRequest, audience_uri
from chalicelib.ports import Advance, Broker, Written
from chalicelib.proof_of_possession import consume_proof
from chalicelib.protocol.errors import InvalidGrant, TemporarilyUnavailable
from chalicelib.protocol.grant_refusals import (
    FROM_THE_FUTURE,
    PAUSED,
    PAUSED_MEMBERS,
    RefreshRequest,
    Repeat,
    RevokeGrant,
    Withheld,
    came_of_pause,
    check_registered,
    explain_refusal,
)
from chalicelib.protocol.handles import Handle, parse_handle, secret_hash
from chalicelib.protocol.parameters import Parameters
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import DEPLOYMENT, client_item_key, consent_item_key, grant_item_key
from chalicelib.token_issuer import choose_audience, issue_grant_tokens


def answer(broker: Broker, client: Client, parameters: Parameters, asked: TokenRequest) -> dict[str, Any]:
    """Give the one successor of a refresh token; inside the grace the same again, after it the grant ends.

    Under the FAPI 2.0 Security Profile nothing rotates: the token stays the same, for who has it cannot use it without
    the client's key (section 5.3.2.1 number 9).

    Raises InvalidGrant, InvalidScope, InvalidTarget; asking for too much leaves the token good.
    """
    now = asked.now
    broker.keys.get("signing")  # a token is not used up while nothing could be signed for it
    handle = parse_handle(
        parameters.require("refresh_token"),
        "refresh",
        broker.keys.get("handle"),
        epoch=broker.settings.epoch,
        homes=broker.settings.homes,
    )
    if broker.settings.refresh_grace_seconds == 0:
        _read_first(broker, handle, client, now)
    resource = asked.resource(broker.settings.issuer)
    check_registered(resource, client.resources)
    jkt = consume_proof(broker, asked.proof)
    request = RefreshRequest(
        client_id=client.client_id,
        epoch=broker.settings.epoch,
        scopes=asked.scopes - client.named_scopes,
        resource=resource,
        registered=client.resources if asked.audience is None else None,
        jkt=jkt,
    )
    grant = _advance(broker, handle, request, now, binds=jkt is not None and not client.is_confidential)
    scopes = _check_marks(broker, grant, handle, now)
    uri = audience_uri(broker, asked, grant.resources)
    audience = choose_audience(broker, uri, (asked.scopes & scopes) or scopes)
    return issue_grant_tokens(broker, grant, refresh_secret=handle.secret, audience=audience, now=now, jkt=jkt)


def _advance(broker: Broker, handle: Handle, request: RefreshRequest, now: int, *, binds: bool) -> Grant:
    """The grant after this refresh: advanced by us, or by whoever was first inside the grace."""
    result = broker.store.advance_grant(
        Advance(
            grant_id=handle.grant_id,
            client_id=request.client_id,
            generation=handle.generation,
            secret_hash=secret_hash(handle.secret),
            scopes=request.scopes,
            resource=request.resource,
            registered=request.registered,
            key_version=broker.keys.get("handle").current.version,
            epoch=request.epoch,
            now=now,
            jkt=request.jkt,
            binds=binds,
            rotates=not broker.settings.is_fapi2,
        )
    )
    if isinstance(result, Written):
        return result.item
    return _answer_refused(broker, result.found, handle, request, now)


def _answer_refused(broker: Broker, found: Grant | None, handle: Handle, request: RefreshRequest, now: int) -> Grant:
    """The grant whose successor is delivered again, or for the first time after a pause."""
    for _ in write_tries(broker):
        decision = _explain(broker, found, handle, request, now)
        if isinstance(decision, Repeat):
            return decision.grant
        if isinstance(decision, RevokeGrant):
            _end_replayed(broker, found, handle, request.client_id, decision.reason)
        if _read_pause(broker, decision.grant):  # it stays withheld
            raise InvalidGrant(PAUSED, members=PAUSED_MEMBERS)
        version = broker.keys.get("handle").current.version
        delivered = broker.store.deliver_withheld(decision.grant, key_version=version, now=now)
        if isinstance(delivered, Written):
            return delivered.item
        found = delivered.found
    raise TemporarilyUnavailable("grant_keeps_changing", retry_after=1)


def _end_replayed(broker: Broker, found: Grant | None, handle: Handle, client_id: str, reason: str) -> NoReturn:
    """A token whose successor no client has received, because of a pause, is not replayed, even after a crash."""
    is_next = found is not None and found.generation == handle.generation + 1
    if found and is_next and came_of_pause(found, paused_at=_read_pause(broker, found)):
        _withhold(broker, found, handle)
    broker.store.revoke_grant(handle.grant_id, client_id=client_id)
    broker.log.event("replay_detected", grant_id=handle.grant_id, reason=reason, client_id=client_id)
    raise InvalidGrant(reason)


def _read_pause(broker: Broker, grant: Grant) -> int:
    """Since when the user has paused the app, whatever the grant says: the index may not have shown the grant."""
    item_key = consent_item_key(grant.sub, grant.client_id)
    consent = broker.store.read(item_key).get(item_key)
    return consent.paused_at if consent else 0


def _withhold(broker: Broker, grant: Grant, handle: Handle) -> NoReturn:
    """Refuse a paused app. The presented token stays valid: it gets the successor that exists by now, later."""
    if grant.generation > handle.generation:
        broker.store.withhold_token(grant)
    raise InvalidGrant(PAUSED, members=PAUSED_MEMBERS)


def _explain(
    broker: Broker, found: Grant | None, handle: Handle, request: RefreshRequest, now: int
) -> Repeat | Withheld | RevokeGrant:
    """A generation that was never issued, under a right MAC and secret, means that the handle key has leaked."""
    try:
        return explain_refusal(found, handle, request, now=now)
    except InvalidGrant as refusal:
        if refusal.reason == FROM_THE_FUTURE:
            broker.log.event("alarm", kind="handle_from_the_future", grant_id=handle.grant_id)
        raise


def _read_first(broker: Broker, handle: Handle, client: Client, now: int) -> None:
    """Without a grace a refresh whose read fails after the advance costs an honest client its grant: one read comes
    before it, so that a table that cannot be read stops here. What decides is read after the advance all the same, for
    a mark acknowledged in between must bite."""
    item_key, client_record = grant_item_key(handle.grant_id), client_item_key(client.client_id)
    found = broker.store.read(item_key, client_record, DEPLOYMENT)
    grant = found.get(item_key)
    if grant is None or grant.is_over(now) or grant.client_id != client.client_id or found.get(client_record) is None:
        raise InvalidGrant("refresh_token_unknown_or_over")


def _check_marks(broker: Broker, grant: Grant, handle: Handle, now: int) -> frozenset[str]:
    """The scopes that consent and registration still cover; a revocation ends the grant, a pause withholds the token.

    The grant is read again: a repeat inside the grace writes nothing, so another request may have revoked it.
    """
    item_key = grant_item_key(grant.grant_id)
    found = read_marks(broker, grant, item_key)
    current = found.get(item_key)
    if current is None or current.is_over(now):
        raise InvalidGrant("grant_over_by_now")
    try:
        scopes = check_marks(broker, found, grant, now)
    except InvalidGrant as refusal:
        if refusal.reason == PAUSED:
            _withhold(broker, grant, handle)
        raise
    if "offline_access" not in scopes:
        broker.store.revoke_grant(grant.grant_id, client_id=grant.client_id)
        raise InvalidGrant("offline_access_withdrawn")
    return scopes
