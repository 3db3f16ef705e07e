"""Scopes, grant types and response types of a registration document: a client gets those of them that it may have.

Clients ask for all that the metadata lists, which is more than is open to them. So what is unknown or closed is left
out, and the response says what is registered (RFC 7591 sections 2 and 3.2.1). A document is refused only where nothing
that is left could ever work.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.errors import InvalidClientMetadata, InvalidScope
from chalicelib.protocol.registration_members import read_list, read_string
from chalicelib.protocol.scope import parse_scope
from chalicelib.records.client import RegistrationPolicy

OFFLINE = "offline_access"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class Wishes(Struct, frozen=True, kw_only=True):
    """What the client gets of that. Fields as in Client."""

    scopes: frozenset[str]
    unnamed_scopes: frozenset[str]
    optional_scopes: frozenset[str]
    grant_types: frozenset[str]


def read_wishes(document: Mapping[str, Any], policy: RegistrationPolicy, *, default_scopes: frozenset[str]) -> Wishes:
    """Read them; the response types are checked only, since the grant types decide. Raises InvalidClientMetadata."""
    asked = _read_scopes(document, "scope")
    named = (asked or default_scopes) & policy.scopes
    further = policy.api_scopes & policy.scopes
    if asked and not named and not further:
        raise InvalidClientMetadata("scope_not_open_to_registration", "scope")
    optional = _read_scopes(document, "optional_scopes")
    if not optional <= (asked or default_scopes):
        raise InvalidClientMetadata("scope_not_open_to_registration", "optional_scopes")
    read_list(document, "response_types")
    grant_types = _read_grant_types(document, named | further, policy)
    # A client that registers refresh tokens gets them without naming this scope (OIDC-05).
    further |= policy.scopes & {OFFLINE} if "refresh_token" in grant_types else frozenset()
    return Wishes(
        scopes=named | further,
        unnamed_scopes=further - named if asked else frozenset(),
        optional_scopes=optional & named,
        grant_types=grant_types,
    )


def _read_scopes(document: Mapping[str, Any], name: str) -> frozenset[str]:
    try:
        return parse_scope(read_string(document, name))
    except InvalidScope as error:
        raise InvalidClientMetadata("scope_malformed", name) from error


def _read_grant_types(
    document: Mapping[str, Any], scopes: frozenset[str], policy: RegistrationPolicy
) -> frozenset[str]:
    """Those that are open; without a word, the code, and refresh where the scopes ask for it."""
    listed = read_list(document, "grant_types")
    if listed is None:
        refresh = policy.grant_types & {"refresh_token"} if "offline_access" in scopes else frozenset()
        exchange = policy.grant_types & {TOKEN_EXCHANGE} if policy.handout == "token" else frozenset()
        listed = ("authorization_code", *refresh, *exchange)
    grant_types = frozenset(listed) & policy.grant_types
    of_a_user = grant_types & {"authorization_code", DEVICE_CODE}
    if not of_a_user and grant_types != {"client_credentials"}:
        raise InvalidClientMetadata("grant_types_without_a_beginning", "grant_types")
    return grant_types
