"""GET /callback/{provider_id}: a provider's authorization response comes back through the browser (CB-01 to CB-12).

Check the response, claim, redeem the provider's code, finish: the steps that every purpose shares, once; the table of
purposes fills the gaps. Each write is conditional, so of any number of callbacks with one state exactly one goes on. A
callback never completes without the cookie of the browser that decided.
"""

from chalicelib.endpoints.authorization.provider_callback import ProviderCallback, RedeemedCallback
from chalicelib.endpoints.callback.form_post import read_callback
from chalicelib.endpoints.callback.provider_response import (
    check_sender,
    find_pending,
    find_provider,
    read_claims,
    read_code,
)
from chalicelib.endpoints.callback.purposes import CallbackPurpose, ClaimT, purpose_of
from chalicelib.ports import Broker
from chalicelib.protocol.errors import AccessDenied, OAuthError, PageError, ServerError, TemporarilyUnavailable
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.provider_client import ProviderFailure, callback_status, redeem_at_provider
from chalicelib.records.sign_in import Pending
from chalicelib.responses import Response
from chalicelib.upstream.callback import read_callback_error
from chalicelib.upstream.http import ProviderUnavailable
from chalicelib.vault.unstored_tokens import UnstoredTokens


def answer(broker: Broker, http: Request) -> Response:
    """Raises PageError."""
    parameters = read_callback(broker, http)
    pending = find_pending(broker, http, parameters.get("state"))
    try:
        return _continue(broker, http, parameters, pending)
    except OAuthError as error:
        raise error.noting(provider_id=pending.provider_id) from None


def _continue(broker: Broker, http: Request, parameters: Parameters, pending: Pending) -> Response:
    purpose, provider = purpose_of(pending), find_provider(broker, pending)
    check_sender(broker, http, parameters, provider)
    error = parameters.get("error")
    if error is not None:
        callback = ProviderCallback(http=http, pending=pending, provider=provider)
        return purpose.refuse(broker, callback, _read_refusal(broker, pending, error))
    code = read_code(parameters)
    provider = read_claims(broker, parameters, provider)
    for key in purpose.keys:
        broker.keys.get(key)
    callback = ProviderCallback(http=http, pending=pending, provider=provider)
    claimed = purpose.claim(broker, callback)
    if isinstance(claimed, Response):
        return claimed
    with UnstoredTokens(broker, pending) as unstored:
        redeemed = _redeem(broker, callback, purpose, claimed, code=code, unstored=unstored)
        return purpose.finish(broker, redeemed, claimed)


def _read_refusal(broker: Broker, pending: Pending, error: str) -> OAuthError:
    """The provider's refusal as a registered error; nothing of the provider's text goes to the client (CB-10)."""
    word = read_callback_error(error)
    broker.log.event("denied_at_provider", provider_id=pending.provider_id, error=word)
    refusal = AccessDenied("denied_at_provider") if word == "access_denied" else ServerError("provider_error")
    return refusal.noting(provider_id=pending.provider_id, provider_error=redact(error))


def _redeem(
    broker: Broker,
    callback: ProviderCallback,
    purpose: CallbackPurpose[ClaimT],
    claimed: ClaimT,
    *,
    code: str,
    unstored: UnstoredTokens,
) -> RedeemedCallback:
    """Redeem the provider's code. Raises PageError where that fails, and ends the claim: a page may wait for it."""
    pending = callback.pending
    try:
        brought = redeem_at_provider(broker, callback.provider, pending, code, unstored.receive)
    except ProviderFailure as error:
        broker.log.event("provider_answer_refused", provider_id=pending.provider_id, reason=error.reason)
        away = isinstance(error, ProviderUnavailable)
        refusal = TemporarilyUnavailable(error.reason) if away else ServerError(error.reason)
        link = purpose.release(broker, callback, claimed, refusal)
        page = purpose.failure_page or ("provider_unavailable" if away else "provider_refused")
        raise PageError(error.reason, page=page, status=callback_status(error), link=link) from None
    now = broker.clock.now()
    return RedeemedCallback(http=callback.http, pending=pending, brought=brought, unstored=unstored, now=now)
