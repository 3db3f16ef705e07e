"""Revokes the tokens from a sign-in that no connection stores.

`UnstoredTokens` is a context manager around everything that follows the provider's token response. When it exits, the
tokens are stored, revoked in the same request, or listed in a job.
"""

from types import TracebackType
from typing import Self

from chalicelib.encryption import open_user_key
from chalicelib.ports import Broker, StoreUnavailable
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.provider_client import REVOCATION_SECONDS, Provider
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.item_keys import user_key_item_key
from chalicelib.records.sign_in import Pending
from chalicelib.upstream.token import ProviderTokens
from chalicelib.vault.journal_tokens import held_tokens
from chalicelib.vault.new_connections import read_all_connections
from chalicelib.vault.outbox import Token, enqueue_orphan_revocation, revoke_tokens

SESSION = "session:"


class UnstoredTokens:
    """The tokens of one sign-in until `mark_stored`. On exit, the remaining tokens are revoked.

    A provider may issue the same tokens again. A token that an active connection holds is not revoked, as far as the
    users of this sign-in are known: `belong_to` names them.
    """

    def __init__(self, broker: Broker, pending: Pending) -> None:
        self._broker = broker
        self._received: tuple[Provider, ProviderTokens] | None = None
        self._subs = {pending.decided_by.removeprefix(SESSION)} if pending.decided_by.startswith(SESSION) else set()
        if pending.link is not None:
            self._subs.add(pending.link.sub)
        self._connection_ids: set[str] = set()

    def receive(self, provider: Provider, tokens: ProviderTokens) -> None:
        """Take over the tokens of a response, in place of those received earlier."""
        self._received = (provider, tokens)

    def belong_to(self, sub: str, *connection_ids: str) -> None:
        """Connections of this user may hold the same tokens. The ids are those known without the index."""
        self._subs.add(sub)
        self._connection_ids.update(connection_ids)

    def mark_stored(self) -> None:
        """A connection holds the tokens from now on."""
        self._received = None

    def give_back(self) -> None:
        """Revoke the received tokens unless an active connection holds them. A failing table or provider raises
        nothing."""
        received, self._received = self._received, None
        if received is None:
            return
        provider, tokens = received
        brought = _list_tokens(provider.definition, tokens)
        if not brought:
            return
        subs, known = tuple(sorted(self._subs)), tuple(sorted(self._connection_ids))
        try:
            held = read_held_tokens(self._broker, provider.record.provider_id, subs, known)
        except StoreUnavailable:
            if not _leave(self._broker, provider, brought, subs):
                revoke_tokens(self._broker, provider, brought)
            return
        if held & {tokens.access_token, tokens.refresh_token}:
            return
        in_time = self._broker.deadline.left() > REVOCATION_SECONDS * len(brought) + 1
        if alive := revoke_tokens(self._broker, provider, brought) if in_time else brought:
            _leave(self._broker, provider, alive, subs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, Exception):
            self.give_back()


def read_held_tokens(
    broker: Broker, provider_id: str, subs: tuple[str, ...], known: tuple[str, ...] = ()
) -> frozenset[str]:
    """Tokens of this provider that active connections of these users hold.

    known   ids of connections that count even if the index does not show them yet

    Raises StoreUnavailable.
    """
    held = set[str]()
    for sub in subs:
        key_at = user_key_item_key(sub)
        found, mine = read_all_connections(broker, sub, key_at, known=known)
        sealed = found.get(key_at)
        if sealed is None or not sealed.sealed:
            continue
        try:
            key = open_user_key(broker.keys.get("vault"), sealed.sealed, sub=sub)
        except DecryptionFailed:
            continue
        for one in mine:
            if one.provider_id == provider_id:
                held |= held_tokens(one, key)
    return frozenset(held)


def _list_tokens(definition: ProviderDefinition, tokens: ProviderTokens) -> tuple[Token, ...]:
    """The tokens to revoke; none if the call would end more than this sign-in."""
    ends, refresh, access = definition.revocation.ends, tokens.refresh_token, tokens.access_token
    if ends == "app":
        return ()
    brought: list[Token] = [(refresh, "refresh_token")] if refresh else []
    if access and ((ends == "token" and access != refresh) or not refresh):
        brought.append((access, "access_token"))
    return tuple(brought)


def _leave(broker: Broker, provider: Provider, tokens: tuple[Token, ...], subs: tuple[str, ...]) -> bool:
    """Queue a job that revokes the tokens. Returns False if the table refuses it."""
    try:
        enqueue_orphan_revocation(broker, provider, tokens, subs)
    except StoreUnavailable as error:
        broker.log.event("revocation_not_queued", provider_id=provider.record.provider_id, reason=str(error))
        return False
    return True
