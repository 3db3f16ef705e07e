"""What a provider's kept answer to a refresh brought, as far as it opens and can be read."""

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
    """What a kept answer brought: the refresh token where there is one, for ending it ends what came with it as a rule.

    None: it cannot be read, so nobody knows what it holds; another key or another release may read it.
    """
    return tokens_of(definition, read_journal(broker, definition, recovery, owner, key))


def read_journal(
    broker: Broker, definition: ProviderDefinition, recovery: Recovery, owner: Connection, key: OwnKey
) -> RefreshAnswer | None:
    """A kept answer, read by the file as it is now; None where it does not open."""
    try:
        response = msgspec.msgpack.decode(open_answer(key, recovery, owner=owner), type=HttpResponse)
    except (DecryptionFailed, msgspec.DecodeError):
        broker.log.event("alarm", kind="recovery_does_not_open", connection_id=owner.connection_id)
        return None
    return read_refresh_response(definition, response, granted=owner.granted, now=recovery.received_at)


def tokens_of(definition: ProviderDefinition, read: RefreshAnswer | None) -> tuple[Token, ...] | None:
    """The tokens to end of an answer; () where it brought none, None where that cannot be told."""
    if not isinstance(read, Renewed):
        return () if isinstance(read, (Ended, NotDone)) else None
    if read.tokens.refresh_token:
        return ((read.tokens.refresh_token, renewing_kind(definition)),)
    return ((read.tokens.access_token, "access_token"),)


def exclude_live_tokens(tokens: tuple[Token, ...], connection: Connection, key: OwnKey) -> tuple[Token, ...]:
    """Without those that the connection has now: a provider may give a later sign-in the very same ones again, and a
    duty from before must not end them."""
    kept = held_tokens(connection, key)
    return tuple(token for token in tokens if token[0] not in kept)


def held_tokens(connection: Connection, key: OwnKey) -> frozenset[str]:
    """Both tokens of a live connection, as far as they open."""
    if connection.status == "revoked":
        return frozenset()
    stored: dict[Attribute, bytes] = {
        "refresh_token": connection.sealed_refresh_token,
        "access_token": connection.sealed_access_token,
    }
    kept = set[str]()
    for attribute, sealed in stored.items():
        with contextlib.suppress(DecryptionFailed):  # empty, or of no use to anybody
            kept.add(open_value(key, sealed, attribute, place=encryption_context_of(connection)).decode())
    return frozenset(kept)
