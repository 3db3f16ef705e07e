"""A sign-in for a client at /callback: its claim, and what the client gets where the provider refuses or fails."""

import hmac

from chalicelib.endpoints.authorization.new_grant import build_exchanging_grant
from chalicelib.endpoints.authorization.pending_request import client_id_of, read_request
from chalicelib.endpoints.authorization.provider_callback import ProviderCallback, refuse_used_state
from chalicelib.endpoints.authorization.response import (
    client_home_uri,
    grant_response,
    redirect_url,
    request_error_response,
    send_response,
)
from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.endpoints.callers.clients import load_client_context
from chalicelib.pages.page import ErrorPage
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.handles import secret_hash
from chalicelib.records.grant import Grant
from chalicelib.responses import Response, page_response


def refuse_sign_in(broker: Broker, callback: ProviderCallback, refusal: OAuthError) -> Response:
    """The provider refused: the client gets the registered error (CB-10)."""
    request = read_request(broker, callback.pending)
    return send_response(broker, request_error_response(broker, callback.http, request, refusal))


def claim_sign_in(broker: Broker, callback: ProviderCallback) -> str | Response:
    """The client's id, for the one callback that goes on (CB-01)."""
    pending = callback.pending
    client_id = client_id_of(broker, pending)
    now = broker.clock.now()
    grant = build_exchanging_grant(broker, pending.grant_id, client_id, pending.decided_at, now=now)
    claim = broker.store.claim_grant(grant)
    return _answer_again(broker, callback, claim.found, now) if isinstance(claim, Refused) else client_id


def release_sign_in(broker: Broker, callback: ProviderCallback, client_id: str, refusal: OAuthError) -> str | None:
    """End the grant, and lead back to the client with the refusal in the link. No link can bring a posted response:
    then the link leads to where the client begins a sign-in."""
    broker.store.revoke_grant(callback.pending.grant_id, client_id=client_id)
    request = read_request(broker, callback.pending)
    if request.response_mode == "query":
        return redirect_url(request_error_response(broker, callback.http, request, refusal))
    return client_home_uri(load_client_context(broker, request.client_id).client)


def _answer_again(broker: Broker, callback: ProviderCallback, found: Grant | None, now: int) -> Response:
    """A second callback with one state changes nothing: it waits, or gets the same response while the code lives."""
    pending = callback.pending
    if found is not None and found.expires_at > now and found.decided_at == pending.decided_at:
        if found.status == "exchanging":
            refresh = callback.uri(broker.settings.issuer)
            return page_response(ErrorPage(name="waiting", refresh=refresh, site=issuer_host(broker)))
        ours = hmac.compare_digest(found.secret_hash, secret_hash(pending.code_secret))
        if _is_just_issued(found, now, broker.settings.code_seconds) and ours:
            request = read_request(broker, pending)
            return send_response(broker, grant_response(broker, request, found, pending.code_secret))
    raise refuse_used_state(broker, pending, page="sign_in_over")


def _is_just_issued(grant: Grant, now: int, code_seconds: int) -> bool:
    """The code lives, or the browser session of an app is no older than a code may be."""
    young = now - grant.advanced_at < code_seconds
    return grant.status == "issued" or (grant.status == "active" and young)
