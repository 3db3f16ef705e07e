"""Builds the next generation of a connection from a refresh response. Values that the response does not replace
stay."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from chalicelib.encryption import Attribute, encryption_context_of, open_answer, open_value, seal_value
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection, Recovery
from chalicelib.upstream.http import HttpResponse
from chalicelib.upstream.refresh import RefreshAnswer, Renewed, read_refresh_response
from chalicelib.vault.rules.reauth_forecast import forecast_reauth


class NoTokens(Exception):
    """The stored response decrypts but contains no readable tokens."""

    def __init__(self, answer: RefreshAnswer) -> None:
        super().__init__("answer_without_tokens")
        self.answer = answer


class SealingInputs(Struct, frozen=True, kw_only=True):
    """The inputs to encryption that are not in the records.

    siblings   refresh tokens of responses that this one replaces, which a job is revoking
    salt       returns 32 fresh random bytes at each call
    """

    user_key: bytes
    epoch: int
    salt: Callable[[], bytes]
    siblings: tuple[str, ...] = ()


def seal_renewed(
    connection: Connection, recovery: Recovery, definition: ProviderDefinition, given: SealingInputs
) -> Connection:
    """The next generation of the connection, with every value encrypted for its new context.

    A response without a refresh token keeps the stored one (CB-12). If the refresh token rotates, the spent one
    stays until the new one has worked. A status of doubt or refusal becomes active again.

    Raises DecryptionFailed if the response or a stored value does not decrypt here.
    Raises NoTokens.
    """
    here = encryption_context_of(connection)
    there = encryption_context_of(
        msgspec.structs.replace(connection, token_generation=connection.token_generation + 1, epoch=given.epoch)
    )

    def opened(sealed: bytes, attribute: Attribute) -> bytes:
        return open_value(given.user_key, sealed, attribute, place=here) if sealed else b""

    def sealed(value: bytes, attribute: Attribute) -> bytes:
        return seal_value(given.user_key, value, attribute, place=there, salt=given.salt()) if value else b""

    answer = _read(connection, recovery, definition, given.user_key)
    used = opened(connection.sealed_refresh_token, "refresh_token")
    refresh = answer.tokens.refresh_token.encode() if answer.tokens.refresh_token else used
    outgoing = [opened(one, "outgoing") for one in connection.outgoing] + [one.encode() for one in given.siblings]
    lessened = not connection.granted <= definition.expand(answer.tokens.granted)
    is_partial = connection.is_partial or connection.status == "partial" or lessened
    return msgspec.structs.replace(
        connection,
        status="partial" if is_partial else "active",
        token_generation=connection.token_generation + 1,
        is_partial=is_partial,
        granted=answer.tokens.granted,
        sealed_access_token=sealed(answer.tokens.access_token.encode(), "access_token"),
        access_expires_at=answer.tokens.expires_at,
        tokens_at=recovery.received_at,
        reauth_by=forecast_reauth(
            definition,
            answer.tokens,
            connected_at=connection.connected_at,
            now=recovery.received_at,
            renews=bool(refresh),
            before=None if answer.tokens.refresh_token else connection.reauth_by,
        ),
        sealed_refresh_token=sealed(refresh, "refresh_token"),
        sealed_previous=sealed(used if refresh != used else b"", "previous"),
        sealed_profile=sealed(opened(connection.sealed_profile, "profile"), "profile"),
        sealed_metadata=sealed(opened(connection.sealed_metadata, "metadata"), "metadata"),
        outgoing=tuple(sealed(one, "outgoing") for one in dict.fromkeys(outgoing) if one != refresh),
        doubt_tries=(),
        epoch=given.epoch,
    )


def keeps_lost(connection: Connection, definition: ProviderDefinition) -> bool:
    """True if the new tokens do not end what a lost response brought: tokens of an earlier sign-in, or sibling
    tokens."""
    outlives = definition.refresh.kind == "swap" or definition.refresh.grace in ("sibling", "newest")
    return connection.lost == 2 or outlives


def _read(connection: Connection, recovery: Recovery, definition: ProviderDefinition, user_key: bytes) -> Renewed:
    raw = open_answer(user_key, recovery, owner=connection)
    try:
        response = msgspec.msgpack.decode(raw, type=HttpResponse)
    except msgspec.DecodeError:
        raise DecryptionFailed("answer_not_readable") from None
    answer = read_refresh_response(definition, response, granted=connection.granted, now=recovery.received_at)
    if not isinstance(answer, Renewed):
        raise NoTokens(answer)
    return answer
