"""GET /callback/{provider_id}: a provider's answer comes back through the browser (CB-01 to CB-12).

Claim, then ask the provider, then one batch read, then connection, consent, grant. Each write is conditional, so of any
number of callbacks with one state exactly one goes on; it never completes without the cookie of the one who decided.
"""

import hmac
from urllib.parse import urlencode

from chalicelib.endpoints.account.linked_logins import finish_added_login
from chalicelib.endpoints.account.sign_in import answer_sign_in_refused, finish_account_sign_in
from chalicelib.endpoints.authorization.device_approval import (
    answer_again,
    claim_device,
    decision_of,
    deny_device,
    device_uri,
)
from chalicelib.endpoints.authorization.finalize import finish_sign_in
from chalicelib.endpoints.authorization.new_grant import build_exchanging_grant
from chalicelib.endpoints.authorization.pending_request import client_id_of, read_request
from chalicelib.endpoints.authorization.provider_redirect import ACCOUNT_STATE
from chalicelib.endpoints.authorization.response import (
    client_home_uri,
    grant_response,
    redirect_url,
    request_error_response,
    send_response,
)
from chalicelib.endpoints.browser.cookies import read_pending
from chalicelib.endpoints.browser.sealed_values import open_client_reference
from chalicelib.endpoints.browser.urls import account_uri, issuer_host
from chalicelib.endpoints.callback.form_post import read_callback
from chalicelib.endpoints.callers.clients import load_client_context
from chalicelib.endpoints.connections.link_callback import finish_link
from chalicelib.endpoints.connections.link_sign_in import answer_refused, finish_login
from chalicelib.pages.page import ErrorPage
from chalicelib.ports import Broker, Refused, Written
from chalicelib.protocol.errors import AccessDenied, OAuthError, PageError, ServerError, TemporarilyUnavailable
from chalicelib.protocol.evidence import redact
from chalicelib.protocol.handles import secret_hash
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.provider_client import (
    Provider,
    ProviderFailure,
    ProviderSignIn,
    callback_status,
    is_configured,
    load_provider,
    open_credential,
    read_callback_claims,
    redeem_at_provider,
)
from chalicelib.providers.quirks import Callback, QuirkRefused, find_quirks
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import provider_item_key
from chalicelib.records.keyset import Purpose
from chalicelib.records.sign_in import AuthorizationRequest, Pending
from chalicelib.responses import Response, page_response
from chalicelib.upstream.callback import (
    callback_uri,
    check_callback_code,
    check_callback_issuer,
    check_callback_provider,
    read_callback_error,
)
from chalicelib.upstream.http import ProviderMisbehaved, ProviderUnavailable
from chalicelib.vault.unstored_tokens import UnstoredTokens

NEEDED_LATER: tuple[Purpose, ...] = ("identity", "vault", "handle")


def answer(broker: Broker, http: Request) -> Response:
    """Raises PageError."""
    parameters = read_callback(broker, http)
    pending = _find_pending(broker, http, parameters.get("state"))
    try:
        return _go_on(broker, http, parameters, pending)
    except OAuthError as error:
        raise error.noting(provider_id=pending.provider_id) from None


def _go_on(broker: Broker, http: Request, parameters: Parameters, pending: Pending) -> Response:
    provider = _find_provider(broker, pending)
    _check_answer(broker, http, parameters, pending, provider)
    refusal = parameters.get("error")
    if refusal is not None:
        return _answer_refused(broker, http, pending, refusal)
    code = _check_code(parameters)
    provider = _hear(broker, parameters, provider)
    if pending.purpose == "account":
        return finish_account_sign_in(broker, http, pending, provider, code)
    if pending.purpose == "add_login":
        return finish_added_login(broker, http, pending, provider, code)
    if pending.link is not None:
        if pending.purpose == "show_login":
            return finish_login(broker, http, pending, pending.link, provider, code=code)
        return finish_link(broker, http, pending, pending.link, provider, code=code)
    for purpose in NEEDED_LATER:  # a key that cannot be opened must cost nobody the sign-in: nothing is claimed yet
        broker.keys.get(purpose)
    claim = _claim(broker, pending)
    if isinstance(claim, Refused):
        return _answer_again(broker, http, pending, claim.found)
    with UnstoredTokens(broker, pending) as unstored:
        brought = _ask(broker, http, provider, pending, code, unstored=unstored)
        return finish_sign_in(broker, http, pending, brought, unstored)


def _claim(broker: Broker, pending: Pending) -> Written[Grant] | Refused[Grant]:
    """Of any number of callbacks with one state, and of any number of browsers with one user code, one goes on."""
    client_id = client_id_of(broker, pending)
    if pending.device_round:
        return claim_device(broker, pending, client_id)
    return broker.store.claim_grant(build_exchanging_grant(broker, pending.grant_id, client_id, pending.decided_at))


def _find_pending(broker: Broker, http: Request, state: str | None) -> Pending:
    """The decision of this very browser; without it nothing goes on, and the way back is explained."""
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
        raise refusal.noting(client_id=client_id, browser_sent=_which_cookies(http))
    return pending


def _which_cookies(http: Request) -> str:
    if not http.cookies:
        return "no cookies"
    return "no cookie of this sign-in"


def _find_provider(broker: Broker, pending: Pending) -> Provider:
    item_key = provider_item_key(pending.provider_id)
    record = broker.registry.lookup(item_key).get(item_key)
    if record is None or record.marks.void(pending.decided_at) or not is_configured(broker, record):
        raise PageError("provider_switched_off", page="provider_unavailable")
    try:
        return load_provider(broker, record)
    except ProviderFailure as error:
        broker.log.event("provider_unavailable", provider_id=pending.provider_id, reason=error.reason)
        raise PageError("provider_unavailable", page="provider_unavailable", status=503) from None


def _check_answer(broker: Broker, http: Request, parameters: Parameters, pending: Pending, provider: Provider) -> None:
    """Provider and issuer before code or error are looked at; on a mismatch the code goes nowhere (CB-04, CB-05)."""
    try:
        check_callback_provider(http.path.get("provider_id", ""), expected=pending.provider_id)
        check_callback_issuer(provider.endpoints, parameters.get("iss"))
        _check_quirks(broker, http, provider)
    except (ProviderMisbehaved, QuirkRefused) as error:
        broker.log.event("callback_refused", provider_id=pending.provider_id, reason=error.reason)
        refusal = PageError(error.reason, page="provider_refused")
        if error.reason == "callback_iss_mismatch":
            issuer = provider.endpoints.issuer or ""
            refusal.noting(expected=issuer, received=redact(parameters.get("iss"), (issuer,)))
        raise refusal from None


def _check_quirks(broker: Broker, http: Request, provider: Provider) -> None:
    """What this provider's callbacks have to show beside that; our secret is opened only for those that need it."""
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


def _check_code(parameters: Parameters) -> str:
    try:
        return check_callback_code(parameters.get("code"))
    except ProviderMisbehaved as error:
        raise PageError(error.reason, page="provider_refused") from None


def _hear(broker: Broker, parameters: Parameters, provider: Provider) -> Provider:
    """What came through the browser is held against the file before the code goes anywhere."""
    try:
        return read_callback_claims(broker, provider, parameters.get)
    except ProviderFailure as error:
        broker.log.event("callback_refused", provider_id=provider.record.provider_id, reason=error.reason)
        raise PageError(error.reason, page="provider_refused") from None


def _answer_refused(broker: Broker, http: Request, pending: Pending, error: str) -> Response:
    """The provider said no: a fixed word for the app, nothing of the provider's text (CB-10)."""
    if pending.purpose in ("account", "add_login"):
        return answer_sign_in_refused(broker, pending, read_callback_error(error))
    if pending.link is not None:
        return answer_refused(broker, http, pending, pending.link, read_callback_error(error))
    word = read_callback_error(error)
    if pending.device_round:
        return _answer_refused_device(broker, pending, word)
    request = read_request(broker, pending)
    refusal = AccessDenied("denied_at_provider") if word == "access_denied" else ServerError("provider_error")
    broker.log.event("denied_at_provider", provider_id=pending.provider_id, error=word)
    refusal = refusal.noting(provider_id=pending.provider_id, provider_error=redact(error))
    return send_response(broker, request_error_response(broker, http, request, refusal))


def _answer_refused_device(broker: Broker, pending: Pending, word: str) -> Response:
    """A no at the provider is a no; after anything else the code may be typed again."""
    broker.log.event("denied_at_provider", provider_id=pending.provider_id, error=word)
    if word != "access_denied":
        raise PageError("provider_error", page="device_again", link=device_uri(broker))
    return deny_device(broker, pending.grant_id, client_id_of(broker, pending), pending.device_round)


def _answer_again(broker: Broker, http: Request, pending: Pending, found: Grant | None) -> Response:
    """A second callback with one state changes nothing (CB-01)."""
    if pending.device_round:
        return answer_again(broker, pending, found, _same_place(broker, http))
    now = broker.clock.now()
    if found is not None and found.expires_at > now and found.decided_at == pending.decided_at:
        if found.status == "exchanging":
            return page_response(ErrorPage(name="waiting", refresh=_same_place(broker, http), site=issuer_host(broker)))
        ours = hmac.compare_digest(found.secret_hash, secret_hash(pending.code_secret))
        if _is_just_issued(broker, found) and ours:
            request = read_request(broker, pending)
            return send_response(broker, grant_response(broker, request, found, pending.code_secret))
    broker.log.event("state_already_used", provider_id=pending.provider_id)
    raise PageError("state_already_used", page="sign_in_over")


def _is_just_issued(broker: Broker, grant: Grant) -> bool:
    """The code lives, or the browser session of an app is no older than a code may be."""
    young = broker.clock.now() - grant.advanced_at < broker.settings.code_seconds
    return grant.status == "issued" or (grant.status == "active" and young)


def _same_place(broker: Broker, http: Request) -> str:
    """This very callback once more, for the page that waits."""
    return callback_uri(broker.settings.issuer, http.path.get("provider_id", "")) + "?" + urlencode(http.query)


def _ask(
    broker: Broker, http: Request, provider: Provider, pending: Pending, code: str, *, unstored: UnstoredTokens
) -> ProviderSignIn:
    """Where the provider fails, the page leads back to the app with the registered error in the link.

    The claim ends with it: nobody would ever finish it, so a page that waits for it would wait in vain.
    """
    try:
        return redeem_at_provider(broker, provider, pending, code, unstored.receive)
    except ProviderFailure as error:
        broker.log.event("provider_answer_refused", provider_id=pending.provider_id, reason=error.reason)
        if pending.device_round:
            broker.store.reopen_device(decision_of(broker, pending, client_id_of(broker, pending)))
            raise PageError(
                error.reason, page="device_again", status=callback_status(error), link=device_uri(broker)
            ) from None
        broker.store.revoke_grant(pending.grant_id, client_id=client_id_of(broker, pending))
        away = isinstance(error, ProviderUnavailable)
        refusal = TemporarilyUnavailable(error.reason) if away else ServerError(error.reason)
        request = read_request(broker, pending)
        link = _link_of(broker, http, request, refusal)
        page = "provider_unavailable" if away else "provider_refused"
        raise PageError(error.reason, page=page, status=callback_status(error), link=link) from None


def _link_of(broker: Broker, http: Request, request: AuthorizationRequest, refusal: OAuthError) -> str | None:
    """The refusal behind a link; where the app wants it posted no link can bring it, and one leads to begin."""
    if request.response_mode == "query":
        return redirect_url(request_error_response(broker, http, request, refusal))
    return client_home_uri(load_client_context(broker, request.client_id).client)
