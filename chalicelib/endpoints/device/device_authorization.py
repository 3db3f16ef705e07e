"""POST /device_authorization (RFC 8628 section 3.1): a device without a browser requests a code for its user.

One write stores the grant. Its id is derived from the user code, so the code itself is not stored.
"""

from typing import Any

from chalicelib.endpoints.authorization.new_grant import SKEW
from chalicelib.endpoints.authorization.request import load_resources
from chalicelib.endpoints.callers.client_authentication import authenticate_client
from chalicelib.endpoints.callers.clients import OWN_SCOPES, ClientContext, decide_for_client
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.authorization_request import parse_device_request
from chalicelib.protocol.derived_ids import derive_device_grant_id
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.errors import TemporarilyUnavailable, UnauthorizedClient
from chalicelib.protocol.handles import SECRET_BYTES, secret_hash
from chalicelib.protocol.parameters import Parameters, check_no_query
from chalicelib.protocol.request import Request
from chalicelib.protocol.supported import supported
from chalicelib.protocol.user_code import RANDOM_BYTES, draw_user_code, show_user_code
from chalicelib.records.grant import DeviceRequest, Grant
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.responses import Response, json_response
from chalicelib.token_issuer import issue_device_code
from chalicelib.vault.connect_links import check_scope_separator

TRIES = 3  # the chance that a code is taken is one in some billions


def answer(broker: Broker, http: Request) -> Response:
    """Client authentication as at the token endpoint; scope, resource and provider as at /authorize.

    Raises OAuthError.
    """
    check_no_query(http.query)
    parameters = Parameters.parse(http.form, repeatable=frozenset({"resource"}))
    client = authenticate_client(broker, http, parameters, first_contact=True)
    if DEVICE_CODE not in supported(broker.settings).grant_types:
        raise UnauthorizedClient("device_grant_not_offered")
    request = _check(broker, parameters, client.client_id)
    for _ in range(TRIES):
        user_code = draw_user_code(broker.entropy.token_bytes(RANDOM_BYTES))
        secret = broker.entropy.token_bytes(SECRET_BYTES)
        grant = _build_grant(broker, http, request, user_code, secret)
        if not isinstance(broker.store.claim_grant(grant), Refused):
            broker.log.event("device_asked", client_id=client.client_id)
            return json_response(_describe(broker, user_code, issue_device_code(broker, grant, secret)))
    raise TemporarilyUnavailable("user_codes_taken", retry_after=1)


def _check(broker: Broker, parameters: Parameters, client_id: str) -> AuthorizationRequest:
    """The request, checked against its client's registration; a refusal reads the client again without the cache."""
    return decide_for_client(broker, client_id, lambda context: _parse(broker, parameters, context))


def _parse(broker: Broker, parameters: Parameters, context: ClientContext) -> AuthorizationRequest:
    request = parse_device_request(
        parameters,
        context.client,
        provider_ids=frozenset(context.providers),
        own_scopes=OWN_SCOPES,
        resources=load_resources(broker, context),
        issuer=broker.settings.issuer,
        refresh_unasked=broker.settings.refresh_tokens_unasked,
    )
    check_scope_separator(broker, request.scopes)
    if not context.providers:
        raise TemporarilyUnavailable("no_provider_switched_on")
    return request


def _build_grant(broker: Broker, http: Request, request: AuthorizationRequest, user_code: str, secret: bytes) -> Grant:
    """The grant while it waits for the user; the decision sets sub, connection and every later expiry."""
    settings, now = broker.settings, broker.clock.now()
    key = broker.keys.get("user_code").current.secret
    ends_at = now + settings.device_seconds
    return Grant(
        grant_id=derive_device_grant_id(key, user_code=user_code, epoch=settings.epoch),
        status="device_pending",
        client_id=request.client_id,
        decided_at=0,
        expires_at=ends_at,
        purge_at=ends_at + 2 * settings.pending_seconds + settings.code_seconds + SKEW,
        written_by="",
        provider_id=request.provider_id,
        secret_hash=secret_hash(secret),
        key_version=broker.keys.get("handle").current.version,
        scopes=request.scopes,
        resources=request.resources,
        epoch=settings.epoch,
        device=DeviceRequest(
            round=request.device_round,
            ends_at=ends_at,
            asked_at=now,
            client_revision=request.client_revision,
            poll_interval=settings.device_poll_seconds,
            asked_from=http.source_ip,
        ),
    )


def _describe(broker: Broker, user_code: str, device_code: str) -> dict[str, Any]:
    """The response (RFC 8628 section 3.2). The complete URL only fills the field: the user still checks and decides."""
    shown, page = show_user_code(user_code), f"{broker.settings.issuer}/device"
    return {
        "device_code": device_code,
        "user_code": shown,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={shown}",
        "expires_in": broker.settings.device_seconds,
        "interval": broker.settings.device_poll_seconds,
    }
