"""Connect links: a URL with an encrypted request to connect a provider.

A link alone gives no access. It opens only in a browser session of the user it names. Everything that can revoke the
requesting grant is read when the link is opened, and again when it is used (CB-03).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.ports import Broker, Items
from chalicelib.protocol.ascii_text import words
from chalicelib.protocol.authorization_request import MAX_SCOPE_LENGTH
from chalicelib.protocol.errors import InvalidRequest, InvalidScope, PageError
from chalicelib.protocol.scope import serialize, split_by_provider
from chalicelib.protocol.sealing import canonical, open_text, seal_text
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    ItemKey,
    client_item_key,
    consent_item_key,
    grant_item_key,
    issuer_item_key,
)
from chalicelib.records.link import Link
from chalicelib.revocation_marks import DecisionParties, find_revocation_among

LINK_SECONDS = 600
# The cookie for the provider redirect holds the whole link, and a browser stores cookies of up to 4 KB.
MAX_LINK = 2700


class LinkRequest(Struct, frozen=True, kw_only=True):
    """The connection that an app requests.

    scopes         with the provider's prefix
    redirect_uri   "" ends on one of the broker's pages
    """

    provider_id: str
    scopes: frozenset[str]
    redirect_uri: str = ""
    state: str | None = None


class LinkRequester(Struct, frozen=True, kw_only=True):
    """The client, grant and consent behind a link, from one read."""

    link: Link
    client: Client
    grant: Grant
    consent: Consent


def check_scope_separator(broker: Broker, scopes: Iterable[str]) -> None:
    """Reject a scope that contains the provider's separator, because the provider would read it as several scopes.

    scopes   with the provider's prefix; the broker's own scopes may be among them

    Raises InvalidScope.
    """
    for provider_id, names in split_by_provider(scopes, broker.catalog.ids).items():
        definition = broker.catalog.get(provider_id)
        if definition is not None and any(definition.authorization.scope_separator in name for name in names):
            raise InvalidScope("scope_holds_the_separator")


def build_connect_uri(broker: Broker, claims: Mapping[str, Any], client: Client, wish: LinkRequest) -> str:
    """The URL to open in the user's browser, for exactly the user, client and grant of an access token.

    claims   of that token, with its signature verified

    Raises InvalidScope if a scope is not registered for the client, contains the separator, or exceeds the size of a
        grant.
    Raises InvalidRequest if redirect URI, state and scopes together are too long for a link, or if the user cannot sign
        in at the broker to use it.
    """
    if not claims["provider"]:
        raise InvalidRequest("user_without_sign_in_here")
    if not wish.scopes or not wish.scopes <= client.scopes:
        raise InvalidScope("scope_not_registered_for_client")
    check_scope_separator(broker, wish.scopes)
    if len(serialize(wish.scopes | frozenset(words(claims["scope"])))) > MAX_SCOPE_LENGTH:
        raise InvalidScope("scope_larger_than_a_grant")
    link = Link(
        link_id=broker.entropy.token_bytes(16).hex(),
        sub=claims["sub"],
        client_id=client.client_id,
        client_revision=client.revision,
        grant_id=claims["grant_id"],
        login=claims["provider"],
        provider_id=wish.provider_id,
        scopes=wish.scopes,
        redirect_uri=wish.redirect_uri,
        state=wish.state,
        expires_at=broker.clock.now() + LINK_SECONDS,
        origin=claims.get("origin", ""),
        grant_version=claims.get("grant_version", 0),
    )
    return link_uri(broker, link)


def link_uri(broker: Broker, link: Link) -> str:
    """The URL that opens this link; encrypted again at each call."""
    sealed = seal_text(
        broker.keys.get("cookie"),
        msgspec.msgpack.encode(link),
        place=_place(broker),
        salt=broker.entropy.token_bytes(32),
    )
    if len(sealed) > MAX_LINK:
        raise InvalidRequest("link_too_long")
    return f"{broker.settings.issuer}/connect/{sealed}"


def open_link(broker: Broker, sealed: str) -> Link:
    """The link, if it decrypts and has not expired. Raises PageError."""
    opened = open_text(broker.keys.get("cookie"), sealed, place=_place(broker)) if len(sealed) <= MAX_LINK else None
    try:
        link = msgspec.msgpack.decode(opened, type=Link) if opened is not None else None
    except msgspec.DecodeError:  # another release encrypted it in another shape
        link = None
    if link is None:
        raise PageError("link_broken", page="link_broken")
    if link.expires_at <= broker.clock.now():
        raise PageError("link_expired", page="link_over", status=403)
    return link


def requester_keys(link: Link) -> tuple[ItemKey[Any], ...]:
    """The item keys that `check_requester` needs beside those of the user's browser session."""
    return grant_item_key(link.grant_id), *((issuer_item_key(link.origin),) if link.origin else ())


def check_requester(broker: Broker, link: Link, found: Items) -> LinkRequester:
    """Check that the requesting grant, its client and its consent are still valid and unchanged.

    Raises PageError.
    """
    now = broker.clock.now()
    grant, consent = found.get(grant_item_key(link.grant_id)), found.get(consent_item_key(link.sub, link.client_id))
    client = found.get(client_item_key(link.client_id))
    if grant is None or client is None or consent is None or grant.status != "active" or grant.is_over(now):
        raise PageError("link_of_a_grant_that_is_over", page="link_over", status=403)
    if (grant.sub, grant.client_id) != (link.sub, link.client_id) or grant.epoch != broker.settings.epoch:
        raise PageError("link_of_another_grant", page="link_over", status=403)
    if (grant.origin, grant.version) != (link.origin, link.grant_version):
        raise PageError("link_of_an_earlier_grant", page="link_over", status=403)
    end = find_revocation_among(found, DecisionParties.of_grant(grant), grant.decided_at, now=now)
    if end is not None or consent.void(consent.decided_at, now):
        raise PageError(end or "consent_over", page="link_over", status=403)
    if client.revision != link.client_revision or client.handout == "none" or not client.may_use(link.provider_id):
        raise PageError("client_changed", page="link_over", status=403)
    return LinkRequester(link=link, client=client, grant=grant, consent=consent)


def _place(broker: Broker) -> bytes:
    return canonical("link", broker.settings.epoch)
