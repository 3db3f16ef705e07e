"""The keys that a registration document names, and the statement that it may not carry (RFC 7591 sections 2, 2.3)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.protocol.client_assertion import ASSERTION_ALGORITHMS
from chalicelib.protocol.client_keys import UnusableKeys, check_no_private_key, parse_client_keys
from chalicelib.protocol.errors import (
    InvalidClientMetadata,
    InvalidSoftwareStatement,
    InvalidToken,
    UnapprovedSoftwareStatement,
)
from chalicelib.protocol.jws import decode_segment, read_object, take_apart
from chalicelib.records.client import AuthMethod

MAX_STATEMENT_LENGTH = 8192


class RegisteredKeys(Struct, frozen=True, kw_only=True):
    """By what a client will prove itself; empty where its method needs no key of its own."""

    jwks: tuple[dict[str, str], ...] = ()
    jwks_uri: str | None = None
    algorithm: str | None = None


def read_registered_keys(
    document: Mapping[str, Any], *, auth_method: AuthMethod, jwks_uri: str | None
) -> RegisteredKeys:
    """The keys of `private_key_jwt`, in the document or at its `jwks_uri`, which is not fetched now (REG-03).

    jwks_uri   checked already

    Raises InvalidClientMetadata: both or none of them, a private or an unusable key, an algorithm that is not offered.
    """
    listed, algorithm = document.get("jwks"), document.get("token_endpoint_auth_signing_alg")
    with_key = auth_method == "private_key_jwt"
    if algorithm is not None and (not with_key or algorithm not in ASSERTION_ALGORITHMS):
        raise InvalidClientMetadata("auth_signing_alg_not_offered", "token_endpoint_auth_signing_alg")
    if listed is not None and jwks_uri is not None:
        raise InvalidClientMetadata("jwks_and_jwks_uri", "jwks", "jwks_uri")
    try:
        check_no_private_key(listed)
        if not with_key:
            return RegisteredKeys()
        if listed is None and jwks_uri is None:
            raise InvalidClientMetadata("jwks_missing", "token_endpoint_auth_method", "jwks", "jwks_uri")
        jwks = () if listed is None else parse_client_keys(listed, algorithm=algorithm)
    except UnusableKeys as error:
        raise InvalidClientMetadata(f"jwks_{error.reason}", "jwks") from None
    return RegisteredKeys(jwks=jwks, jwks_uri=jwks_uri, algorithm=algorithm)


def check_no_software_statement(document: Mapping[str, Any]) -> None:
    """Reject software statements. The broker trusts no issuer: a readable one is unapproved, anything else invalid.

    Raises InvalidSoftwareStatement, UnapprovedSoftwareStatement (RFC 7591 section 3.2.2).
    """
    statement = document.get("software_statement")
    if statement is None:
        return
    if not isinstance(statement, str):
        raise InvalidSoftwareStatement("software_statement_not_a_string")
    try:
        parts = take_apart(statement, max_length=MAX_STATEMENT_LENGTH)
        read_object(decode_segment(parts.header_segment))
        read_object(parts.payload)
    except InvalidToken as error:
        raise InvalidSoftwareStatement(f"software_statement_{error.reason}") from None
    raise UnapprovedSoftwareStatement("software_statement_not_approved")
