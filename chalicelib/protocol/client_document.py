"""A client identified by the URL of its own description (Client ID Metadata Document draft).

A URL has one spelling, and the document must contain it byte for byte (THREATS CIMD-01). The document has no shared
secret and no method that uses one (CIMD-03). Its scopes and grant types are the most that the app requests anywhere,
so they are reduced to what this deployment allows such clients. Everything else is checked as in a registration.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from chalicelib.protocol.errors import InvalidClientMetadata, InvalidScope
from chalicelib.protocol.registration import RegistrationRequest, parse_registration
from chalicelib.protocol.scope import parse_scope, serialize
from chalicelib.records.client import AuthMethod, Client, RegistrationPolicy

MAX_URL_LENGTH = 255
SECRET_MEMBERS = ("client_secret", "client_secret_expires_at")
DOCUMENT_METHODS: tuple[AuthMethod, ...] = ("none", "private_key_jwt")

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_CHARACTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_URL = re.compile(
    rf"https://((?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?)((?:/{_CHARACTER}*)+)(?:\?(?:{_CHARACTER}|[/?])*)?"
)
# Control characters, and what another parser could take for a dot segment, a separator or a further escape.
_UNFIT_ESCAPE = re.compile(r"%(?:[01][0-9a-f]|7f|2e|2f|5c|25)", re.IGNORECASE | re.ASCII)


def check_document_url(client_id: str) -> None:
    """https, a host name in lower case, a path; no port, user-info, dot segment or fragment (draft section 3).

    Raises InvalidClientMetadata.
    """
    found = _URL.fullmatch(client_id) if len(client_id) <= MAX_URL_LENGTH else None
    if found is None or len(found[1]) > 253 or _UNFIT_ESCAPE.search(client_id):
        raise InvalidClientMetadata("client_id_url_malformed")
    if any(segment in (".", "..") for segment in found[2].split("/")):
        raise InvalidClientMetadata("client_id_url_dot_segment")


def host_of_document(client_id: str) -> str:
    """The host that vouches for the document. The URL has passed `check_document_url`."""
    return client_id.removeprefix("https://").partition("/")[0]


def parse_client_document(document: object, policy: RegistrationPolicy, *, url: str) -> RegistrationRequest:
    """Parse the document at `url`, decoded from JSON."""
    if not isinstance(document, dict):
        raise InvalidClientMetadata("document_not_an_object")
    if document.get("client_id") != url:
        raise InvalidClientMetadata("client_id_not_equal")
    if any(name in document for name in SECRET_MEMBERS):
        raise InvalidClientMetadata("document_with_a_secret")
    cut = {
        **document,
        "token_endpoint_auth_method": document.get("token_endpoint_auth_method", "none"),
        "scope": _cut_scope(document, "scope", policy.scopes),
        "optional_scopes": _cut_scope(document, "optional_scopes", policy.scopes),
    }
    if cut["token_endpoint_auth_method"] not in DOCUMENT_METHODS:
        raise InvalidClientMetadata("authentication_method_not_for_documents")
    default_scopes = frozenset() if document.get("scope") else policy.scopes
    return parse_registration(cut, policy, default_scopes=default_scopes)


def build_document_client(
    read: Client | None, document: RegistrationRequest, *, url: str, now: int, seconds: int, life: int
) -> Client:
    """The client to store. It takes the operator's settings from the stored one: revocation, proxy rules and actors.

    read      the stored client; None for a new URL
    seconds   how long the document counts as fresh
    life      seconds until an unused client ends

    `revision` rises with every change of what the document says, so that older consents are void (CONS-08); it is a
    time, so that it also rises over a client that had ended and was forgotten.
    """
    new = Client(
        **document.client_fields(),
        client_id=url,
        registered_by="document",
        created_at=now,
        expires_at=now + life,
        revision=now,
        fetched_at=now,
        fresh_until=now + seconds,
    )
    if read is None:
        return new
    operators = {"marks": read.marks, "proxy_rules": read.proxy_rules, "may_be_acted_by": read.may_be_acted_by}
    kept = replace(new, created_at=read.created_at, revision=read.revision, **operators)
    told_before = replace(read, fetched_at=now, fresh_until=new.fresh_until, expires_at=new.expires_at)
    kept = kept if kept == told_before else replace(kept, revision=max(now, read.revision + 1))
    return replace(kept, expires_at=max(read.expires_at or 0, new.expires_at or 0))


def _cut_scope(document: Mapping[str, Any], name: str, allowed: frozenset[str]) -> object:
    """The part of a scope member that may be had here; what is no text is left for the registration to refuse."""
    value = document.get(name)
    if not isinstance(value, str) or not value:
        return value
    try:
        cut = parse_scope(value) & allowed
    except InvalidScope as error:
        raise InvalidClientMetadata("scope_malformed") from error
    return serialize(cut) or None
