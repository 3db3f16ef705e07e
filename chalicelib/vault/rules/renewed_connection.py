"""The next generation of a connection out of a provider's answer: nothing is lost that the answer does not replace."""

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
    """The kept answer opens, and brings no tokens that can be read."""

    def __init__(self, answer: RefreshAnswer) -> None:
        super().__init__("answer_without_tokens")
        self.answer = answer


class SealingInputs(Struct, frozen=True, kw_only=True):
    """What sealing needs beside the records.

    siblings   refresh tokens of answers that this one replaces, which a job is ending
    salt       32 fresh random bytes at each call
    """

    user_key: bytes
    epoch: int
    salt: Callable[[], bytes]
    siblings: tuple[str, ...] = ()


def seal_renewed(
    connection: Connection, recovery: Recovery, definition: ProviderDefinition, given: SealingInputs
) -> Connection:
    """The connection one generation on, everything in it sealed for its new place.

    An answer without a refresh token keeps the stored one (CB-12); one that rotates keeps the spent one until the new
    one has worked. A status of doubt or of refusal heals.

    Raises SealBroken: the answer, or what is stored, does not open here. Raises NoTokens.
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
    """True where new tokens do not end what a lost answer brought: of an earlier sign-in, or a sibling."""
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
