"""The provider's authorization response, held against the decision and the provider's file before a claim."""

from chalicelib.endpoints.authorization.provider_redirect import ACCOUNT_STATE
from chalicelib.endpoints.authorization.response import client_home_uri
from chalicelib.endpoints.browser.cookies import read_pending
from chalicelib.endpoints.browser.sealed_values import open_client_reference
from chalicelib.endpoints.browser.urls import account_uri
from chalicelib.endpoints.callers.clients import load_client_context
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.provider_client import (
    Provider,
    ProviderFailure,
    is_configured,
    load_provider,
    open_credential,
    read_callback_claims,
)
from chalicelib.providers.quirks import Callback, QuirkRefused, find_quirks
from chalicelib.records.item_keys import provider_item_key
from chalicelib.records.sign_in import Pending
from chalicelib.upstream.callback import check_callback_code, check_callback_issuer, check_callback_provider
from chalicelib.upstream.http import ProviderMisbehaved


def find_pending(broker: Broker, http: Request, state: str | None) -> Pending:
    """The decision that this browser made. Raises PageError without it; the page leads back to the client."""
    if state is None or len(state) > 1024:
        raise PageError("state_missing", page="request_broken")
    pending = read_pending(broker, http, state)
    if pending is None:
        reference = state.partition(".")[2]
        client_id = open_client_reference(broker, reference)
        link = account_uri(broker) if reference == ACCOUNT_STATE else None
        if client_id is not None:
            link = client_home_uri(load_client_context(broker, client_id).client)
        refusal = PageError("pending_cookie_missing", page="cookie_missing", status=403, link=link)
        sent = "no cookie of this sign-in" if http.cookies else "no cookies"
        raise refusal.noting(client_id=client_id, browser_sent=sent)
    return pending


def find_provider(broker: Broker, pending: Pending) -> Provider:
    """The provider, unless it was disabled since the decision. Raises PageError."""
    item_key = provider_item_key(pending.provider_id)
    record = broker.registry.lookup(item_key).get(item_key)
    if record is None or record.marks.void(pending.decided_at) or not is_configured(broker, record):
        raise PageError("provider_switched_off", page="provider_unavailable")
    try:
        return load_provider(broker, record)
    except ProviderFailure as error:
        broker.log.event("provider_unavailable", provider_id=pending.provider_id, reason=error.reason)
        raise PageError("provider_unavailable", page="provider_unavailable", status=503) from None


def check_sender(broker: Broker, http: Request, parameters: Parameters, provider: Provider) -> None:
    """Check provider and issuer before code or error are read; on a mismatch the code goes nowhere (CB-04, CB-05).

    Raises PageError.
    """
    provider_id = provider.record.provider_id
    try:
        check_callback_provider(http.path.get("provider_id", ""), expected=provider_id)
        check_callback_issuer(provider.endpoints, parameters.get("iss"))
        _check_quirks(broker, http, provider)
    except (ProviderMisbehaved, QuirkRefused) as error:
        broker.log.event("callback_refused", provider_id=provider_id, reason=error.reason)
        refusal = PageError(error.reason, page="provider_refused")
        if error.reason == "callback_iss_mismatch":
            issuer = provider.endpoints.issuer or ""
            refusal.noting(expected=issuer, received=redact(parameters.get("iss"), (issuer,)))
        raise refusal from None


def _check_quirks(broker: Broker, http: Request, provider: Provider) -> None:
    """What this provider's callbacks must prove beyond that; our secret is opened only for providers that need it."""
    quirks = find_quirks(provider.definition.quirks)
    if not quirks.checks_callback:
        return
    callback = Callback(
        parameters=dict(http.query),
        issuer=provider.endpoints.issuer,
        client_secret=open_credential(broker, provider),
        now=broker.clock.now(),
    )
    quirks.check_callback(callback)


def read_code(parameters: Parameters) -> str:
    """The provider's authorization code. Raises PageError."""
    try:
        return check_callback_code(parameters.get("code"))
    except ProviderMisbehaved as error:
        raise PageError(error.reason, page="provider_refused") from None


def read_claims(broker: Broker, parameters: Parameters, provider: Provider) -> Provider:
    """The provider, with what its file reads from the callback. Raises PageError before the code goes anywhere."""
    try:
        return read_callback_claims(broker, provider, parameters.get)
    except ProviderFailure as error:
        broker.log.event("callback_refused", provider_id=provider.record.provider_id, reason=error.reason)
        raise PageError(error.reason, page="provider_refused") from None
