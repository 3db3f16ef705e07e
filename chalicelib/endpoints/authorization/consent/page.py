"""The one page of a sign-in: which client requests what, and with which provider (CONS-03)."""

from typing import Any
from urllib.parse import urlsplit

from chalicelib.endpoints.authorization.consent.parties import (
    describe_client,
    host_shown,
    own_lines,
    provider_lines,
    provider_options,
)
from chalicelib.endpoints.authorization.pushed_request import OpenedRequest
from chalicelib.endpoints.browser.cookies import BROWSER, new_browser, read_browser, read_provider, set_cookie
from chalicelib.endpoints.browser.sealed_forms import seal_form
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.endpoints.callers.clients import ClientContext
from chalicelib.pages.consent import ChoicePage, DeviceChoicePage, DeviceLines, ProviderOption
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client
from chalicelib.records.sign_in import AuthorizationRequest, BrowserSession, PageForm
from chalicelib.responses import Response, page_response


def show_consent_page(
    broker: Broker,
    http: Request,
    opened: OpenedRequest,
    context: ClientContext,
    session: BrowserSession | None,
    *,
    device: DeviceLines | None = None,
) -> Response:
    """The page, with the request encrypted in its form for this browser; for a pushed request only its reference.

    device   the description of the requesting device
    """
    request = opened.request
    known = opened.browser or read_browser(broker, http)
    browser = known or new_browser(broker)
    offered = _offered(broker, http, request, context, session)
    form = PageForm(
        client_id=request.client_id,
        request=None if opened.stored else request,
        stored=opened.stored,
        grant_id=opened.grant_id,
        browser=browser_hash(browser),
        shown_at=broker.clock.now(),
        several=len(offered) > 1,
        other_account="select_account" in request.prompt,
    )
    page = _build_page(broker, request, context, offered, sealed=seal_form(broker, form), device=device)
    reply = page_response(page)
    return reply if known else reply.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))


def _offered(
    broker: Broker,
    http: Request,
    request: AuthorizationRequest,
    context: ClientContext,
    session: BrowserSession | None,
) -> tuple[ProviderOption, ...]:
    """The providers that the page offers, the one last used here first."""
    if request.provider_id:
        return provider_options(broker, [context.providers[request.provider_id]])
    last = session.provider_id if session else read_provider(broker, http)
    ids = sorted(context.providers, key=lambda one: (one != last, one))
    return provider_options(broker, [context.providers[one] for one in ids], last=last)


def _build_page(
    broker: Broker,
    request: AuthorizationRequest,
    context: ClientContext,
    offered: tuple[ProviderOption, ...],
    *,
    sealed: str,
    device: DeviceLines | None,
) -> ChoicePage:
    client, ids = context.client, {one.provider_id for one in offered}
    lines = {one: provider_lines(broker, one, request.scopes, client.optional_scopes) for one in context.providers}
    beside = [context.providers[one] for one in sorted(context.providers) if one not in ids and lines[one]]
    path = urlsplit(broker.settings.issuer).path
    return (DeviceChoicePage if device else ChoicePage)(
        **describe_client(client, request.redirect_uri),
        redirect_host=host_shown(request.redirect_uri) if request.redirect_uri else "",
        providers=offered,
        **_lasts(broker, request),
        sealed_request=sealed,
        own_scopes=own_lines(broker, request.scopes, client.optional_scopes),
        provider_scopes={one: found for one, found in lines.items() if found},
        later=provider_options(broker, beside),
        is_implied=_is_implied(request, client, offered),
        site=issuer_host(broker),
        action=path + "/signin",
        account=path + "/account",
        device=device,
    )


def _is_implied(request: AuthorizationRequest, client: Client, offered: tuple[ProviderOption, ...]) -> bool:
    """True for the operator's own app on the web, which needs no consent: the user only chooses how to sign in. With
    one provider it shows no page unless the request or the user wants one, and that page says everything."""
    plain = not request.scopes & client.optional_scopes and "consent" not in request.prompt
    return client.first_party and request.redirect_uri.startswith("https://") and len(offered) > 1 and plain


def _lasts(broker: Broker, request: AuthorizationRequest) -> dict[str, Any]:
    """How long access lasts: in minutes, or at most so many hours or days."""
    if request.return_to:
        return {"lasts_hours": max(1, broker.settings.bff_end_seconds // 3600)}
    if "offline_access" not in request.scopes:
        return {"lasts_minutes": max(1, broker.settings.access_token_seconds // 60)}
    return {"lasts_days": max(1, broker.settings.refresh_end_seconds // 86400)}
