"""Reads the tokens in a provider's stored refresh response, as far as it decrypts and can be parsed."""

import contextlib

import msgspec

from chalicelib.encryption import Attribute, OwnKey, encryption_context_of, open_answer, open_value
from chalicelib.ports import Broker
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection, Recovery
from chalicelib.upstream.http import HttpResponse
from chalicelib.upstream.refresh import Ended, NotDone, RefreshAnswer, Renewed, read_refresh_response
from chalicelib.upstream.revocation import renewing_kind
from chalicelib.vault.outbox import Token


def tokens_of_response(
    broker: Broker, definition: ProviderDefinition, recovery: Recovery, owner: Connection, key: OwnKey
) -> tuple[Token, ...] | None:
    """The tokens to revoke for a stored response: the refresh token if there is one, because revoking it normally
    revokes the access token too.

    None if the response cannot be read, so its tokens are unknown. Another key or another release may read it.
    """
    return tokens_of(definition, read_journal(broker, definition, recovery, owner, key))


def read_journal(
    broker: Broker, definition: ProviderDefinition, recovery: Recovery, owner: Connection, key: OwnKey
) -> RefreshAnswer | None:
    """Decrypt a stored response and parse it by the current provider definition; None if it does not decrypt."""
    try:
        response = msgspec.msgpack.decode(open_answer(key, recovery, owner=owner), type=HttpResponse)
    except (DecryptionFailed, msgspec.DecodeError):
        broker.log.event("alarm", kind="recovery_does_not_open", connection_id=owner.connection_id)
        return None
    return read_refresh_response(definition, response, granted=owner.granted, now=recovery.received_at)


def tokens_of(definition: ProviderDefinition, read: RefreshAnswer | None) -> tuple[Token, ...] | None:
    """The tokens of a response to revoke; () if it brought none, None if that is unknown."""
    if not isinstance(read, Renewed):
        return () if isinstance(read, (Ended, NotDone)) else None
    if read.tokens.refresh_token:
        return ((read.tokens.refresh_token, renewing_kind(definition)),)
    return ((read.tokens.access_token, "access_token"),)


def exclude_live_tokens(tokens: tuple[Token, ...], connection: Connection, key: OwnKey) -> tuple[Token, ...]:
    """Leave out the tokens that the connection holds now.

    A provider may issue the same tokens again at a later sign-in, and an older job must not revoke them.
    """
    kept = held_tokens(connection, key)
    return tuple(token for token in tokens if token[0] not in kept)


def held_tokens(connection: Connection, key: OwnKey) -> frozenset[str]:
    """Both tokens of an active connection, as far as they decrypt."""
    if connection.status == "revoked":
        return frozenset()
    stored: dict[Attribute, bytes] = {
        "refresh_token": connection.sealed_refresh_token,
        "access_token": connection.sealed_access_token,
    }
    kept = set[str]()
    for attribute, sealed in stored.items():
        with contextlib.suppress(DecryptionFailed):  # empty, or unusable by everyone
            kept.add(open_value(key, sealed, attribute, place=encryption_context_of(connection)).decode())
    return frozenset(kept)
