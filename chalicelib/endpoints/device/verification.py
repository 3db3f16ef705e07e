"""GET and POST /device (RFC 8628 section 3.3): a user types the code that a device shows, and sees which client
requests it.

GET reads nothing. A code in the URL only fills the field, so no link can decide, reveal whether a code is valid, or use
up a user's tries. POST counts before it reads. The page is the same for an unknown, used or expired code.
"""

from urllib.parse import urlsplit

from chalicelib.endpoints.authorization.consent.page import show_consent_page
from chalicelib.endpoints.authorization.consent.session_sign_in import find_active_session
from chalicelib.endpoints.authorization.pushed_request import OpenedRequest
from chalicelib.endpoints.browser.cookies import (
    BROWSER,
    Tries,
    new_browser,
    read_browser,
    read_tries,
    set_cookie,
    set_tries,
)
from chalicelib.endpoints.browser.page_forms import check_own_form
from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.endpoints.callers.clients import ClientContext, load_sufficient_context
from chalicelib.endpoints.callers.rate_limits import client_network, network_of_address
from chalicelib.pages.consent import DeviceLines
from chalicelib.pages.page import DevicePage
from chalicelib.ports import Broker
from chalicelib.protocol.derived_ids import derive_device_grant_id
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.protocol.user_code import parse_user_code, show_user_code
from chalicelib.records.grant import DeviceRequest, Grant
from chalicelib.records.item_keys import grant_item_key
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.responses import Response, page_response

WINDOW_SECONDS = 900


def answer(broker: Broker, http: Request) -> Response:
    """Raises PageError, InvalidRequest."""
    if http.method == "POST":
        check_own_form(broker, http)
        return _look(broker, http, Parameters.parse(http.form).get("user_code"))
    browser = read_browser(broker, http)
    code = parse_user_code(Parameters.parse(http.query).get("user_code"))
    reply = _show_field(broker, show_user_code(code) if code else "", wrong=False)
    if browser is not None:
        return reply
    return reply.with_headers(set_cookie(broker, BROWSER, new_browser(broker), max_age=None))


def _show_field(broker: Broker, user_code: str, *, wrong: bool) -> Response:
    action = urlsplit(broker.settings.issuer).path + "/device"
    page = DevicePage(user_code=user_code, wrong=wrong, site=issuer_host(broker), action=action)
    return page_response(page, status=400 if wrong else 200)


def _look(broker: Broker, http: Request, typed: str | None) -> Response:
    browser = read_browser(broker, http)
    if browser is None:
        raise PageError("browser_cookie_missing", page="cookie_missing", status=403)
    code = parse_user_code(typed)
    if code is None:  # malformed, so it costs no read and no try
        return _show_field(broker, "", wrong=True)
    tries = read_tries(broker, http, browser)
    _count(broker, http, tries)
    found = _find(broker, code)
    if found is None:
        return _answer_wrong(broker, browser, tries, code)
    grant, device, context = found
    active_session = find_active_session(broker, http, grant.client_id)
    return show_consent_page(
        broker,
        http,
        OpenedRequest(request=_request_of(grant, device), grant_id=grant.grant_id),
        context,
        active_session.session if active_session else None,
        device=_describe(broker, http, device, code),
    )


def _count(broker: Broker, http: Request, tries: Tries) -> None:
    """Count before the code is read: this browser's wrong codes, and all codes from this address.

    Raises PageError.
    """
    settings, now = broker.settings, broker.clock.now()
    if tries.count >= settings.device_tries_per_browser:
        raise PageError(
            "user_codes_of_browser", page="device_tries", status=429, retry_after=max(tries.ends_at - now, 1)
        )
    ends_at = _window_end(now)
    typed = broker.store.count(f"device#{client_network(http)}", amount=1, window_ends_at=ends_at)
    if typed > settings.device_tries_per_address:
        raise PageError("user_codes_of_address", page="device_tries", status=429, retry_after=ends_at - now)


def _find(broker: Broker, code: str) -> tuple[Grant, DeviceRequest, ClientContext] | None:
    """The pending request for this code, if its client is unchanged; otherwise None."""
    settings, now = broker.settings, broker.clock.now()
    keys = broker.keys.get("user_code").versions.values()
    places = [grant_item_key(derive_device_grant_id(key.secret, user_code=code, epoch=settings.epoch)) for key in keys]
    found = broker.store.read(*places)
    grant = next((grant for place in places if (grant := found.get(place))), None)
    if grant is None or grant.device is None or grant.status != "device_pending" or grant.is_over(now):
        return None
    try:
        revision = grant.device.client_revision
        context = load_sufficient_context(broker, grant.client_id, lambda one: one.client.revision == revision)
    except PageError:
        return None
    if context.client.revision != revision or not context.providers:
        return None
    return grant, grant.device, context


def _request_of(grant: Grant, device: DeviceRequest) -> AuthorizationRequest:
    """The request that the device authorization endpoint checked."""
    return AuthorizationRequest(
        client_id=grant.client_id,
        redirect_uri="",
        scopes=grant.scopes,
        code_challenge="",
        resources=grant.resources,
        provider_id=grant.provider_id,
        client_revision=device.client_revision,
        device_round=device.round,
    )


def _describe(broker: Broker, http: Request, device: DeviceRequest, code: str) -> DeviceLines:
    return DeviceLines(
        user_code=show_user_code(code),
        asked_from=device.asked_from,
        same_network=network_of_address(device.asked_from) == client_network(http),
        asked_at=device.asked_at,
        minutes=max(0, broker.clock.now() - device.asked_at) // 60,
    )


def _answer_wrong(broker: Broker, browser: str, tries: Tries, code: str) -> Response:
    """Count one more wrong code for this browser and for all. If the total suggests guessing, one alarm per window
    fires."""
    now = broker.clock.now()
    wrong = broker.store.count("device#wrong", amount=1, window_ends_at=_window_end(now))
    if wrong == broker.settings.device_wrong_codes:
        broker.log.event("alarm", kind="user_codes_guessed", wrong=wrong)
    counted = Tries(count=tries.count + 1, ends_at=tries.ends_at or now + WINDOW_SECONDS)
    return _show_field(broker, show_user_code(code), wrong=True).with_headers(set_tries(broker, browser, counted))


def _window_end(now: int) -> int:
    return now - now % WINDOW_SECONDS + WINDOW_SECONDS
