"""Checks the browser session of an app at use. The cookie of the app's page contains a handle of the grant.

As with an access token, one strongly consistent batch read returns everything that can revoke the session. Nothing is
cached, and no token exists. Use extends the idle timeout, with at most one write in each tenth of that time.
"""

import hmac
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.access_token_check import AuthorizedToken, Claims, find_grant_access, grant_keys
from chalicelib.ports import Advance, Broker, Refused, Written
from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.handles import Handle, secret_hash
from chalicelib.protocol.scope import serialize
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import ItemKey, subject_item_key


class Session(Struct, frozen=True, kw_only=True):
    """The content of a session cookie, decrypted and with its MAC verified, but not yet checked against the table.

    connections   provider id -> connection id, as of the sign-in
    """

    handle: Handle
    client_id: str
    sub: str
    provider_id: str
    connections: dict[str, str]

    @property
    def claims(self) -> dict[str, Any]:
        """The session as access token claims."""
        return {
            "sub": self.sub,
            "client_id": self.client_id,
            "grant_id": self.handle.grant_id,
            "provider": self.provider_id,
            "connections": self.connections,
        }


def use_session(
    broker: Broker,
    session: Session,
    *,
    also_read: Callable[[Claims], tuple[ItemKey[Any], ...]] = lambda claims: (),
    again: bool = False,
) -> tuple[AuthorizedToken, Grant]:
    """Check the session against the table and extend its idle timeout.

    also_read   more item keys for the same batch read
    again       the same request has called this before

    Raises InvalidToken if the session has ended, was replaced, or is revoked.
    """
    claims = session.claims
    found = broker.store.read(*grant_keys(claims), *also_read(claims))
    use = find_grant_access(broker, claims, found)
    grant = use.grant
    if grant is None or not _is_of(grant, session.handle, broker.settings.epoch):
        raise InvalidToken("session_of_another_secret")
    subject = found.get(subject_item_key(grant.sub))
    if subject is None or grant.session_salt_hash != secret_hash(subject.session_salt):
        raise InvalidToken("session_signed_out_everywhere")
    if not again:
        _keep_alive(broker, grant, session)
    shown = {"shown_sub": grant.shown_sub} if grant.shown_sub else {}
    return replace(use, claims={**claims, "scope": serialize(use.scopes), **shown}), grant


def end_session(broker: Broker, session: Session) -> None:
    """Revoke the session's grant and everything under it, unless it has ended or has another secret."""
    handle, client_id = session.handle, session.client_id
    ended = broker.store.revoke_grant(handle.grant_id, client_id=client_id, secret_hash=secret_hash(handle.secret))
    if isinstance(ended, Written):
        sub = ended.item.sub
        broker.log.event("grant_revoked", grant_id=handle.grant_id, client_id=client_id, sub=sub, by="user")


def _is_of(grant: Grant, handle: Handle, epoch: int) -> bool:
    known = hmac.compare_digest(grant.secret_hash, secret_hash(handle.secret))
    return known and (grant.status, grant.generation, grant.epoch) == ("active", handle.generation, epoch)


def _keep_alive(broker: Broker, grant: Grant, session: Session) -> None:
    """Extend the idle timeout. The secret stays the same, so simultaneous calls all keep the session. Raises
    InvalidToken."""
    now = broker.clock.now()
    if grant.expires_at - now > grant.idle_seconds * 9 // 10 or grant.expires_at >= grant.ends_at:
        return
    moved = broker.store.advance_grant(
        Advance(
            grant_id=grant.grant_id,
            client_id=session.client_id,
            generation=grant.generation,
            secret_hash=grant.secret_hash,
            scopes=frozenset(),
            resource=None,
            key_version=grant.key_version,
            epoch=grant.epoch,
            now=now,
            rotates=False,
        )
    )
    if isinstance(moved, Refused):
        raise InvalidToken("session_ended_meanwhile")
