"""The client, the providers and the user, as a page of the broker shows them."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from msgspec import structs

from chalicelib.pages.consent import Mark, ProviderOption, ScopeLine
from chalicelib.pages.display import read_letters
from chalicelib.pages.own_scopes import OWN_SCOPES
from chalicelib.pages.person import Person
from chalicelib.ports import Broker
from chalicelib.protocol.client_document import host_of_document
from chalicelib.protocol.redirect_uri import is_on_device, origin_of
from chalicelib.protocol.scope import split_by_provider
from chalicelib.provider_client import load_definition
from chalicelib.records.client import Client
from chalicelib.records.item_keys import is_url
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.sign_in import BrowserSession
from chalicelib.vault.rules.connection_merge import provider_scopes


def describe_client(client: Client, redirect_uri: str) -> dict[str, Any]:
    """The fields of a page that say which client asks."""
    return {
        "client_name": client.client_name,
        "client_verified": client.registered_by == "operator",
        "client_host": client_host(client, redirect_uri),
        "client_document": client.client_id if is_url(client.client_id) else "",
        "registered_at": client.created_at if client.registered_by == "self" else 0,
        "redirect_on_device": is_on_device(redirect_uri),
        "policy_uri": client.policy_uri,
        "tos_uri": client.tos_uri,
        "purpose": purpose_shown(client),
    }


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


def provider_options(
    broker: Broker, records: Iterable[ProviderRecord], *, last: str = ""
) -> tuple[ProviderOption, ...]:
    """Providers in this order, each with its mark, or with letters that no other of them has.

    last   the id of the one last used in this browser
    """
    options: list[ProviderOption] = []
    for record in records:
        one = provider_option(broker, record, used_last=record.provider_id == last)
        taken = [other.mark.letters for other in options]
        letters = one.mark.letters or read_letters(one.display_name, taken)
        options.append(structs.replace(one, mark=structs.replace(one.mark, letters=letters)))
    return tuple(options)


def provider_option(broker: Broker, record: ProviderRecord, *, used_last: bool = False) -> ProviderOption:
    """One provider, with the host from its file or from the operator."""
    definition = load_definition(broker, record.provider_id)
    named = definition.authorization_endpoint or record.issuer or definition.issuer or ""
    return ProviderOption(
        provider_id=record.provider_id,
        display_name=definition.display_name,
        host=host_shown(named),
        used_last=used_last,
        mark=Mark(
            letters=definition.mark.letters,
            image=broker.catalog.find_image(record.provider_id, definition.mark.file),
            dark_image=broker.catalog.find_image(record.provider_id, definition.mark.dark_file),
            tile=definition.mark.tile,
        ),
    )


def person_of(broker: Broker, session: BrowserSession) -> Person:
    """The signed-in user, as the provider of the sign-in named them."""
    login = load_definition(broker, session.provider_id).display_name
    return Person(name=session.name, handle=session.handle, provider_name=login)


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
        for scope in sorted(own, key=lambda one: (one != "openid", one != "profile", one))
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
