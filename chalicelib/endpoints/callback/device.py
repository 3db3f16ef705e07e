"""A sign-in for a device at /callback (RFC 8628): its claim, and what the user sees where the provider refuses."""

import hmac

from chalicelib.endpoints.authorization.device_approval import decision_of, deny_device, show_end
from chalicelib.endpoints.authorization.pending_request import client_id_of
from chalicelib.endpoints.authorization.provider_callback import ProviderCallback, refuse_used_state
from chalicelib.endpoints.browser.urls import device_uri, issuer_host
from chalicelib.endpoints.callers.clients import find_client
from chalicelib.pages.page import ErrorPage
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import AccessDenied, OAuthError, PageError
from chalicelib.protocol.handles import secret_hash
from chalicelib.records.grant import Grant
from chalicelib.responses import Response, page_response


def refuse_device_sign_in(broker: Broker, callback: ProviderCallback, refusal: OAuthError) -> Response:
    """If the user refused, the device learns it. Raises PageError after anything else: the code may be typed again."""
    pending = callback.pending
    if not isinstance(refusal, AccessDenied):
        raise PageError("provider_error", page="device_again", link=device_uri(broker))
    return deny_device(broker, pending.grant_id, client_id_of(broker, pending), pending.device_round)


def claim_device_sign_in(broker: Broker, callback: ProviderCallback) -> str | Response:
    """device_pending -> exchanging, for as long as a claim lives: of any number of browsers with one user code, one
    goes on. Returns the client's id."""
    client_id = client_id_of(broker, callback.pending)
    decided = decision_of(broker, callback.pending, client_id)
    claim = broker.store.claim_device(decided, until=decided.now + broker.settings.code_seconds)
    return _answer_again(broker, callback, claim.found, decided.now) if isinstance(claim, Refused) else client_id


def release_device_sign_in(broker: Broker, callback: ProviderCallback, client_id: str, _refusal: OAuthError) -> str:
    """Open the device's request to a decision again, and lead to the page where the code is typed."""
    broker.store.reopen_device(decision_of(broker, callback.pending, client_id))
    return device_uri(broker)


def _answer_again(broker: Broker, callback: ProviderCallback, found: Grant | None, now: int) -> Response:
    """A second callback of the browser that decided waits, or gets the last page once more. Raises PageError."""
    pending, device = callback.pending, found.device if found else None
    ours = device is not None and hmac.compare_digest(device.decision, secret_hash(pending.code_secret))
    if found is None or not ours or found.is_over(now):
        raise refuse_used_state(broker, pending, page="device_over")
    if found.status == "exchanging":
        refresh = callback.uri(broker.settings.issuer)
        return page_response(ErrorPage(name="waiting", refresh=refresh, site=issuer_host(broker)))
    client = find_client(broker, client_id_of(broker, pending))
    return show_end(broker, "device_done", client.client_name if client else None)
