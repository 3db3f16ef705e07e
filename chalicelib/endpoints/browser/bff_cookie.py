"""The cookie of an app's browser session (BFF-01): a handle of the grant, and sealed beside it where it leads.

Each app has a cookie of its own name, so that sessions of several apps of one site live side by side.
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
    """So that one batch read knows where to look; none of them is shown to anybody.

    connections   provider id -> connection id
    """

    sub: str
    provider_id: str
    connections: dict[str, str]


def set_session(broker: Broker, grant: Grant, secret: bytes) -> tuple[str, str]:
    """The Set-Cookie header of a session that has just begun.

    It is sent by pages of the issuer's own site alone (SameSite=Strict): the way back from a provider does not need it,
    since what began there travels in a cookie of its own.
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
    """The Set-Cookie header that ends it at the browser."""
    return set_cookie(broker, NAME + client_id, "", max_age=0, same_site="Strict")


def read_session(broker: Broker, http: Request, client_id: str) -> Session | None:
    """What this browser's cookie of this app says; None where it has none that we have made for this app."""
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
    except msgspec.DecodeError:  # another version of ours sealed it in another shape
        return None


def _place(broker: Broker, client_id: str, grant_id: str) -> bytes:
    """Bound to the app and to the very handle that it stands beside."""
    return canonical("cookie", broker.settings.epoch, "bff", client_id, grant_id)
