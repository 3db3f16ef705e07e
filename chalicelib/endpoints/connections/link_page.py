"""The page of a connect link: which client requests which access at which provider; or the login to use first."""

from urllib.parse import urlsplit

from chalicelib.endpoints.authorization.consent.parties import (
    describe_client,
    host_shown,
    person_of,
    provider_lines,
    provider_options,
)
from chalicelib.endpoints.authorization.consent.session_sign_in import ActiveSession
from chalicelib.endpoints.authorization.provider_redirect import provider_name
from chalicelib.endpoints.authorization.response import client_home_uri
from chalicelib.endpoints.browser.cookies import BROWSER, new_browser, read_browser, set_cookie
from chalicelib.endpoints.browser.sealed_forms import seal_link_form
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.endpoints.callers.clients import ClientContext
from chalicelib.pages.consent import ConnectPage
from chalicelib.pages.page import ErrorPage, LoginFirstPage
from chalicelib.ports import Broker
from chalicelib.protocol.authorization_request import MAX_SCOPE_LENGTH
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.redirect_uri import is_on_device
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client
from chalicelib.records.link import Link, LinkForm
from chalicelib.responses import Response, page_response
from chalicelib.vault.connect_links import LinkRequester


def show_link(
    broker: Broker,
    http: Request,
    link: Link,
    context: ClientContext,
    active_session: ActiveSession,
    *,
    asker: LinkRequester,
    sealed: str,
) -> Response:
    """The page that asks the user. Its values are encrypted in its form, for this browser and this link alone.

    sealed   the link as in the URL
    """
    if link.provider_id not in context.providers:
        raise PageError("provider_switched_off", page="provider_unavailable")
    scopes, optional = _choose_scopes(link, asker)
    known = read_browser(broker, http)
    browser = known or new_browser(broker)
    form = LinkForm(
        link_id=link.link_id,
        browser=browser_hash(browser),
        scopes=scopes,
        optional=optional,
        shown_at=broker.clock.now(),
    )
    back = link.redirect_uri or broker.settings.issuer
    page = ConnectPage(
        **{**describe_client(asker.client, back), "redirect_on_device": is_on_device(link.redirect_uri)},
        redirect_host=host_shown(back),
        providers=provider_options(broker, [context.providers[link.provider_id]]),
        provider_scopes={link.provider_id: provider_lines(broker, link.provider_id, scopes, optional)},
        sealed_request=seal_link_form(broker, form),
        person=person_of(broker, active_session.session),
        site=issuer_host(broker),
        action=_action(broker, sealed),
        account=urlsplit(broker.settings.issuer).path + "/account",
    )
    reply = page_response(page)
    return reply if known else reply.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))


def show_login_first(broker: Broker, link: Link, context: ClientContext, sealed: str) -> Response:
    """Ask for a sign-in, because this browser has no session. Sets no cookie before the button is pressed."""
    page = LoginFirstPage(
        client_name=context.client.client_name,
        provider_name=provider_name(broker, link.provider_id),
        login_name=provider_name(broker, link.login),
        site=issuer_host(broker),
        action=_action(broker, sealed),
    )
    return page_response(page)


def show_outcome(broker: Broker, name: str, client: Client) -> Response:
    """The last page if the app has named no redirect URI, with a link to the app's own pages."""
    page = ErrorPage(name=name, link=client_home_uri(client), client_name=client.client_name, site=issuer_host(broker))
    return page_response(page)


def _choose_scopes(link: Link, asker: LinkRequester) -> tuple[frozenset[str], frozenset[str]]:
    """All scopes to request from the provider, and those that the user may untick.

    Scopes that the user allowed this app there before are requested again. The provider's response contains only the
    requested scopes, and a smaller set would remove scopes that the app already uses.
    """
    prefix = link.provider_id + ":"
    had = frozenset(scope for scope in asker.consent.scopes & asker.client.scopes if scope.startswith(prefix))
    scopes = link.scopes | had
    if len(serialize(asker.grant.scopes | scopes)) > MAX_SCOPE_LENGTH:
        raise PageError("scope_larger_than_a_grant", page="not_allowed", link=client_home_uri(asker.client))
    return scopes, (link.scopes - had) & asker.client.optional_scopes


def _action(broker: Broker, sealed: str) -> str:
    return f"{urlsplit(broker.settings.issuer).path}/connect/{sealed}"
