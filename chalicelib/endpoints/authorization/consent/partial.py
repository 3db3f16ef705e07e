"""The page for missing permissions: if a provider grants less than was required, the connection is stored as `partial`,
the grant ends, and the user continues with less, tries again, or cancels (CB-11)."""

from urllib.parse import urlsplit

from msgspec import Struct

from chalicelib.endpoints.authorization.provider_return import ProviderReturn
from chalicelib.endpoints.authorization.stored_request import store_request
from chalicelib.endpoints.browser.cookies import BROWSER, new_browser, read_browser, set_cookie
from chalicelib.endpoints.browser.sealed_forms import seal_form
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.pages.consent import PartialPage, ScopeLine
from chalicelib.ports import Broker
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.client import Client
from chalicelib.records.sign_in import AuthorizationRequest, KeptRequest, PageForm
from chalicelib.responses import Response, page_response
from chalicelib.upstream.granted_scopes import missing_scopes
from chalicelib.vault.rules.connection_merge import provider_scopes


class Shortfall(Struct, frozen=True, kw_only=True):
    """The scopes that a provider granted and refused, with their prefix.

    left      all usable scopes of the sign-in: own ones, granted ones, and those of other providers
    missing   required ones that the provider did not grant; empty: nothing is missing
    allowed   the scopes that the user had left ticked
    """

    left: frozenset[str]
    missing: frozenset[str]
    allowed: frozenset[str]


def find_shortfall(
    definition: ProviderDefinition, client: Client, *, allowed: frozenset[str], granted: frozenset[str]
) -> Shortfall:
    """Compare the allowed scopes with the granted ones; an optional scope that was not granted is only removed."""
    needed = provider_scopes(allowed, definition.provider_id)
    lacking = missing_scopes(definition, granted=granted, needed=needed)
    lost = frozenset(f"{definition.provider_id}:{scope}" for scope in lacking)
    return Shortfall(left=allowed - lost, missing=lost - client.optional_scopes, allowed=allowed)


def show_shortfall(
    broker: Broker, returned: ProviderReturn, shortfall: Shortfall, *, request: AuthorizationRequest, grant_id: str
) -> Response:
    """The page, for a new grant, or for the reopened grant of a device. A pushed request is stored again, because its
    first copy has expired."""
    definition, was_pushed = returned.brought.provider.definition, returned.decided.was_pushed
    known = read_browser(broker, returned.callback.http)
    browser = known or new_browser(broker)
    form = PageForm(
        client_id=request.client_id,
        request=None if was_pushed else request,
        stored=keep_again(broker, request, grant_id, browser) if was_pushed else "",
        grant_id=grant_id,
        browser=browser_hash(browser),
        shown_at=broker.clock.now(),
        granted=shortfall.left,
        allowed=shortfall.allowed,
        in_a_day=returned.pending.in_a_day,
        provider_id=definition.provider_id,
        connection_id=returned.provider_user.connection_id,
        sub=returned.provider_user.sub,
    )
    page = PartialPage(
        client_name=returned.client.client_name,
        provider_name=definition.display_name,
        granted=_lines(definition, shortfall.left),
        missing=_lines(definition, shortfall.missing),
        sealed_request=seal_form(broker, form),
        site=issuer_host(broker),
        action=urlsplit(broker.settings.issuer).path + "/signin",
    )
    reply = page_response(page)
    return reply if known else reply.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))


def keep_again(broker: Broker, request: AuthorizationRequest, grant_id: str, browser: str) -> str:
    """Store a pushed request again for one more page of this browser; returns its id."""
    now, life = broker.clock.now(), broker.settings.pending_seconds
    return store_request(
        broker,
        KeptRequest(request=request, grant_id=grant_id),
        browser=browser_hash(browser),
        bound_until=now + life,
        expires_at=now + 2 * life,
    )


def _lines(definition: ProviderDefinition, scopes: frozenset[str]) -> tuple[ScopeLine, ...]:
    prefix = definition.provider_id + ":"
    return tuple(
        ScopeLine(
            name=prefix + name,
            title=definition.scopes[name].title if name in definition.scopes else "",
            access=definition.scopes[name].access if name in definition.scopes else "write",
        )
        for name in sorted(provider_scopes(scopes, definition.provider_id))
    )
