"""Client authentication: the presented credentials, their method, and the check of the secret (RFC 6749 section 2.3).

Exactly one method is allowed, and only the registered one. Unreadable credentials are a failed authentication, never
"no authentication". A comparison takes the same time whether the client exists, has secrets or has none.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from chalicelib.protocol.ascii_text import lower
from chalicelib.protocol.client_assertion import ASSERTION_TYPE, UnverifiedAssertion, parse_client_assertion
from chalicelib.protocol.client_document import check_document_url
from chalicelib.protocol.errors import InvalidClient, InvalidClientMetadata, InvalidRequest
from chalicelib.protocol.parameters import Parameters, check_no_secret_in_query
from chalicelib.protocol.request import Request
from chalicelib.records.client import AuthMethod, Client
from chalicelib.records.item_keys import is_url

MAX_HEADER_LENGTH = 2048

_GENERATED_ID = re.compile(r"[0-9a-f]{32}")
_FORM_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class PresentedClient(Struct, frozen=True, kw_only=True):
    """What a request says about its client; nothing of it is proven yet."""

    client_id: str
    secret: str | None
    method: AuthMethod
    assertion: UnverifiedAssertion | None = None


def parse_client_credentials(request: Request, parameters: Parameters) -> PresentedClient:
    """Read the client's credentials from the header, the form or an assertion, never from two of them.

    parameters   of the form; credentials in the query are refused

    Raises InvalidClient: none, unreadable, contradicting, or by a method that is not offered.
    Raises InvalidRequest: a credential in the URL, or the header sent twice.
    """
    check_no_secret_in_query(request.query)
    header = _read_authorization(request)
    if parameters.get("client_assertion") is not None or parameters.get("client_assertion_type") is not None:
        return _parse_assertion(header, parameters)
    client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
    if header is not None:
        if secret is not None:
            raise InvalidClient("two_authentication_methods")
        presented = _parse_basic(header)
        if client_id is not None and client_id != presented.client_id:
            raise InvalidClient("client_id_contradicts")
        return presented
    if client_id is None:
        raise InvalidClient("client_id_missing")
    check_client_id(client_id)
    if secret is None:
        return PresentedClient(client_id=client_id, secret=None, method="none")
    return PresentedClient(client_id=client_id, secret=secret, method="client_secret_post")


def _parse_assertion(header: str | None, parameters: Parameters) -> PresentedClient:
    """RFC 7521 section 4.2: the assertion names the client, and nothing else may prove it at the same time."""
    if header is not None or parameters.get("client_secret") is not None:
        raise InvalidClient("two_authentication_methods")
    if parameters.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient("client_assertion_type_unknown")
    assertion = parse_client_assertion(parameters.get("client_assertion") or "")
    client_id = assertion.client_id
    check_client_id(client_id)
    if parameters.get("client_id") not in (None, client_id):
        raise InvalidClient("client_id_contradicts")
    return PresentedClient(client_id=client_id, secret=None, method="private_key_jwt", assertion=assertion)


def check_client_id(client_id: str) -> None:
    """Refuse an id that is neither generated nor a client id URL, so that no key fragment is looked up (REG-06)."""
    if is_url(client_id):
        try:
            check_document_url(client_id)
        except InvalidClientMetadata as error:
            raise InvalidClient(error.reason) from None
    elif not _GENERATED_ID.fullmatch(client_id):
        raise InvalidClient("client_id_malformed")


def check_method(client: Client, presented: PresentedClient) -> None:
    """Refuse every method but the registered one: no secret from a public client, none missing from the others."""
    if presented.method != client.token_endpoint_auth_method:
        refusal = InvalidClient("authentication_method_not_registered")
        raise refusal.noting(expected=client.token_endpoint_auth_method, received=presented.method)


def secret_hash(secret: str, pepper: bytes) -> str:
    """The stored form of a client secret: HMAC-SHA-256 under the pepper, 64 hex characters."""
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()


def verify_secret(client: Client | None, presented: PresentedClient, peppers: Mapping[int, bytes], now: int) -> None:
    """Compare the presented secret with every live one of the client, always at least once.

    client    None for an unknown one: it costs the same and reads the same
    peppers   pepper version -> 32 bytes

    Raises InvalidClient: no secret presented, or none of the live ones equals it.
    """
    secret = presented.secret or ""
    kept = client.secrets if client is not None else ()
    right = False
    for candidate in kept:
        pepper = peppers.get(candidate.pepper_version)
        equal = hmac.compare_digest(secret_hash(secret, pepper or b"absent").encode(), candidate.hash.encode())
        live = candidate.expires_at is None or now < candidate.expires_at
        right |= equal and live and pepper is not None
    if not kept:
        hmac.compare_digest(secret_hash(secret, b"absent").encode(), b"0" * 64)
    if not right or not secret:
        raise InvalidClient("client_secret_wrong").noting(**_describe(client, presented, now))


def _describe(client: Client | None, presented: PresentedClient, now: int) -> dict[str, str]:
    """What the operator may know of a secret that was not right: whether there was one, and whether any is live."""
    if client is None:
        return {"standing": "unknown", "received": presented.method}
    live = sum(one.expires_at is None or now < one.expires_at for one in client.secrets)
    state = {"standing": f"{live} of {len(client.secrets)} secrets are live"} if client.has_secret else {}
    return {"expected": client.token_endpoint_auth_method, "received": presented.method, **state}


def _read_authorization(request: Request) -> str | None:
    values = request.headers.get("authorization", ())
    if len(values) > 1:
        raise InvalidRequest("authorization_repeated")
    return values[0] if values else None


def _parse_basic(header: str) -> PresentedClient:
    """RFC 7617 with the form encoding of RFC 6749 section 2.3.1 inside."""
    scheme, _, encoded = header.strip(" ").partition(" ")
    if lower(scheme) != "basic" or len(header) > MAX_HEADER_LENGTH:
        raise InvalidClient("authorization_scheme_not_basic")
    try:
        text = base64.b64decode(encoded.strip(" ").encode("ascii"), validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise InvalidClient("basic_unreadable") from error
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise InvalidClient("basic_without_colon")
    client_id, secret = _form_decode(client_id), _form_decode(secret)
    check_client_id(client_id)
    if not secret:
        raise InvalidClient("basic_without_secret")
    return PresentedClient(client_id=client_id, secret=secret, method="client_secret_basic")


def _form_decode(text: str) -> str:
    if not _FORM_ENCODED.fullmatch(text):
        raise InvalidClient("basic_percent_encoding")
    try:
        decoded = unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError as error:
        raise InvalidClient("basic_not_utf8") from error
    if _CONTROL.search(decoded):
        raise InvalidClient("basic_control_characters")
    return decoded
