"""The cookie of an app's browser session (BFF-01): a handle of the grant, and encrypted ids for the batch read.

The cookie's name contains the client id, so that one site can have sessions of several apps.
"""

import msgspec

from chalicelib.bff_sessions import Session
from chalicelib.endpoints.browser.cookies import read_cookie, set_cookie
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidGrant
from chalicelib.protocol.handles import Handle, parse_handle
from chalicelib.protocol.request import Request
from chalicelib.protocol.sealing import canonical, open_text, seal_text
from chalicelib.records.grant import Grant
from chalicelib.token_issuer import issue_session_handle

NAME = "tb_bff_"


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """The ids for the item keys of one batch read. They are encrypted, so the browser cannot read them.

    connections   provider id -> connection id
    """

    sub: str
    provider_id: str
    connections: dict[str, str]


def set_session(broker: Broker, grant: Grant, secret: bytes) -> tuple[str, str]:
    """The Set-Cookie header of a new session.

    SameSite=Strict: only pages of the issuer's site send it. The redirect from a provider does not need it, because the
    sign-in has a separate cookie.
    """
    ids = Ids(sub=grant.sub, provider_id=grant.provider_id, connections=grant.connections)
    sealed = seal_text(
        broker.keys.get("cookie"),
        msgspec.msgpack.encode(ids),
        place=_place(broker, grant.client_id, grant.grant_id),
        salt=broker.entropy.token_bytes(32),
    )
    value = f"{issue_session_handle(broker, grant, secret)}.{sealed}"
    life = max(grant.ends_at - broker.clock.now(), 0)
    return set_cookie(broker, NAME + grant.client_id, value, max_age=life, same_site="Strict")


def forget_session(broker: Broker, client_id: str) -> tuple[str, str]:
    """The Set-Cookie header that deletes the session's cookie."""
    return set_cookie(broker, NAME + client_id, "", max_age=0, same_site="Strict")


def read_session(broker: Broker, http: Request, client_id: str) -> Session | None:
    """The session in this browser's cookie for this app; None if there is no genuine one."""
    text, _, sealed = read_cookie(broker, http, NAME + client_id).partition(".")
    try:
        handle = parse_handle(
            text, "bff", broker.keys.get("handle"), epoch=broker.settings.epoch, homes=broker.settings.homes
        )
    except InvalidGrant:
        return None
    ids = _open(broker, sealed, client_id, handle)
    if ids is None:
        return None
    return Session(
        handle=handle, client_id=client_id, sub=ids.sub, provider_id=ids.provider_id, connections=ids.connections
    )


def _open(broker: Broker, sealed: str, client_id: str, handle: Handle) -> Ids | None:
    opened = open_text(broker.keys.get("cookie"), sealed, place=_place(broker, client_id, handle.grant_id))
    try:
        return None if opened is None else msgspec.msgpack.decode(opened, type=Ids)
    except msgspec.DecodeError:  # another release encrypted it in another shape
        return None


def _place(broker: Broker, client_id: str, grant_id: str) -> bytes:
    """Bind the ids to the app and to the handle in the same cookie."""
    return canonical("cookie", broker.settings.epoch, "bff", client_id, grant_id)
