"""The one page of a sign-in: which client requests what, and with which provider (CONS-03)."""

from urllib.parse import urlsplit

from chalicelib.endpoints.authorization.pushed_request import OpenedRequest
from chalicelib.endpoints.browser.cookies import BROWSER, new_browser, read_browser, read_provider, set_cookie
from chalicelib.endpoints.browser.sealed_forms import seal_form
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.endpoints.callers.clients import ClientContext
from chalicelib.pages.consent import ChoicePage, DeviceChoicePage, DeviceLines, ProviderOption, ScopeLine
from chalicelib.pages.own_scopes import OWN_SCOPES
from chalicelib.ports import Broker
from chalicelib.protocol.client_document import host_of_document
from chalicelib.protocol.redirect_uri import is_on_device, origin_of
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import split_by_provider
from chalicelib.provider_client import load_definition
from chalicelib.records.client import Client
from chalicelib.records.item_keys import is_url
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.sign_in import AuthorizationRequest, BrowserSession, PageForm
from chalicelib.responses import Response, page_response
from chalicelib.vault.rules.connection_merge import provider_scopes


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
    form = PageForm(
        client_id=request.client_id,
        request=None if opened.stored else request,
        stored=opened.stored,
        grant_id=opened.grant_id,
        browser=browser_hash(browser),
        shown_at=broker.clock.now(),
    )
    last = session.provider_id if session else read_provider(broker, http)
    page = _build_page(broker, request, context, session, sealed=seal_form(broker, form), device=device, last=last)
    reply = page_response(page)
    return reply if known else reply.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))


def _build_page(
    broker: Broker,
    request: AuthorizationRequest,
    context: ClientContext,
    session: BrowserSession | None,
    *,
    sealed: str,
    device: DeviceLines | None,
    last: str,
) -> ChoicePage:
    client = context.client
    offered = (
        [request.provider_id] if request.provider_id else sorted(context.providers, key=lambda one: (one != last, one))
    )
    lines = {one: provider_lines(broker, one, request.scopes, client.optional_scopes) for one in context.providers}
    beside = [one for one in sorted(context.providers) if one not in offered and lines[one]]
    return (DeviceChoicePage if device else ChoicePage)(
        client_name=client.client_name,
        client_verified=client.registered_by == "operator",
        client_host=client_host(client, request.redirect_uri),
        redirect_host=host_shown(request.redirect_uri) if request.redirect_uri else "",
        redirect_on_device=is_on_device(request.redirect_uri),
        providers=tuple(
            provider_option(
                broker, context.providers[one], selected=one == last or len(offered) == 1, used_last=one == last
            )
            for one in offered
        ),
        **_lasts(broker, request),
        sealed_request=sealed,
        own_scopes=own_lines(broker, request.scopes, client.optional_scopes),
        provider_scopes={one: found for one, found in lines.items() if found},
        later=tuple(provider_option(broker, context.providers[one]) for one in beside),
        signed_in_as=load_definition(broker, session.provider_id).display_name if session else None,
        policy_uri=client.policy_uri,
        tos_uri=client.tos_uri,
        purpose=purpose_shown(client),
        names_itself=is_url(client.client_id),
        site=issuer_host(broker),
        action=urlsplit(broker.settings.issuer).path + "/signin",
        device=device,
    )


def provider_option(
    broker: Broker, record: ProviderRecord, *, selected: bool = False, used_last: bool = False
) -> ProviderOption:
    """One provider, with the host from its file or from the operator."""
    definition = load_definition(broker, record.provider_id)
    named = definition.authorization_endpoint or record.issuer or definition.issuer or ""
    return ProviderOption(
        provider_id=record.provider_id,
        display_name=definition.display_name,
        host=host_shown(named),
        selected=selected,
        used_last=used_last,
    )


def own_lines(broker: Broker, scopes: frozenset[str], optional: frozenset[str] = frozenset()) -> tuple[ScopeLine, ...]:
    """The broker's own scopes among these, and those of the operator's APIs."""
    own = split_by_provider(scopes, broker.catalog.ids).get("", frozenset())
    return tuple(
        ScopeLine(
            name=scope,
            is_ours=scope in OWN_SCOPES,
            access="read" if scope in OWN_SCOPES else "write",
            optional=scope in optional,
        )
        for scope in sorted(own)
    )


def provider_lines(
    broker: Broker, provider_id: str, scopes: frozenset[str], optional: frozenset[str]
) -> tuple[ScopeLine, ...]:
    """The scopes of one provider in the words of its file."""
    texts = load_definition(broker, provider_id).scopes
    names = sorted(provider_scopes(scopes, provider_id))
    return tuple(
        ScopeLine(
            name=f"{provider_id}:{name}",
            title=texts[name].title if name in texts else "",
            access=texts[name].access if name in texts else "write",
            optional=f"{provider_id}:{name}" in optional,
        )
        for name in names
    )


def _lasts(broker: Broker, request: AuthorizationRequest) -> dict[str, int]:
    """How long access lasts: in minutes, or at most so many hours or days."""
    if request.return_to:
        return {"lasts_hours": max(1, broker.settings.bff_end_seconds // 3600)}
    if "offline_access" not in request.scopes:
        return {"lasts_minutes": max(1, broker.settings.access_token_seconds // 60)}
    return {"lasts_days": max(1, broker.settings.refresh_end_seconds // 86400)}


def client_host(client: Client, redirect_uri: str) -> str:
    """The host to show for a client: the registered website, the host of a client id document, or the host of the
    redirect URI for a self-registered client."""
    if is_url(client.client_id):
        return host_of_document(client.client_id)
    named = client.client_uri if client.registered_by == "operator" else None
    uri = named or redirect_uri
    return host_shown(uri) if uri else ""


def purpose_shown(client: Client) -> str:
    """The client's purpose, only if the operator registered it: an unverified client could use it to persuade users."""
    return client.purpose if client.registered_by == "operator" else ""


def host_shown(uri: str) -> str:
    """Host (and port) of a web address, or the scheme of a private one."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in ("http", "https") else origin_of(uri)
