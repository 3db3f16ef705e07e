"""Who calls with a cookie: a page of the app, at an origin that the operator has registered (BFF-02).

A browser sends a cookie with whatever any page makes it ask for. A header of our own is what no form and no link can
send, and what a script of another origin may send only after a preflight that we refuse; Origin says whose page it is.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.access_tokens import AuthorizedToken, Claims
from chalicelib.bff_sessions import Session, use_session
from chalicelib.endpoints.browser.bff_cookie import read_session
from chalicelib.ports import Broker, StoreUnavailable
from chalicelib.protocol.errors import ForeignCaller, InvalidToken, SessionOver
from chalicelib.protocol.evidence import redact, redact_client
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import ItemKey, client_item_key

HEADER, VALUE = "Broker-Bff", "1"
_CLIENT_ID = re.compile(r"[0-9a-f]{32}")


def origins_of(broker: Broker, client: Client | None) -> tuple[str, ...]:
    """Where pages of this app may be; none under FAPI 2.0, whose tokens are all bound to a key of the client's."""
    return () if client is None or broker.settings.is_fapi2 else client.bff_origins


def find_reader(broker: Broker, client_id: str, origin: str | None) -> str | None:
    """The origin that may read an answer meant for this app's pages, if it is the one that asks; None for every other,
    and while nobody knows."""
    try:
        known = origin in origins_of(broker, _find_client(broker, client_id, origin))
    except StoreUnavailable:
        return None
    return origin if known else None


def check_caller(broker: Broker, http: Request) -> None:
    """Raises ForeignCaller: without the header, or from anywhere but a page of this app."""
    client_id, origin = http.path["client_id"], http.header("origin")
    if http.header(HEADER.lower()) != VALUE:
        refusal = ForeignCaller("bff_header_missing")
        raise refusal.noting(client_id=redact_client(client_id), expected=f"{HEADER}: {VALUE}")
    origins = origins_of(broker, _find_client(broker, client_id, origin))
    if origin not in origins:
        refusal = ForeignCaller("bff_origin_not_registered")
        raise refusal.noting(client_id=redact_client(client_id), expected=origins, received=redact(origin, origins))


def require_session(broker: Broker, http: Request) -> Session:
    """The session that a call of the app's page comes with; nothing has been read for it.

    Raises ForeignCaller, SessionOver.
    """
    check_caller(broker, http)
    session = read_session(broker, http, http.path["client_id"])
    if session is None:
        raise SessionOver("bff_no_session", members=_way_out(broker, http, "no_session"))
    return session


def open_session(
    broker: Broker, http: Request, session: Session, also_read: Callable[[Claims], tuple[ItemKey[Any], ...]]
) -> tuple[AuthorizedToken, Grant]:
    """What it is good for right now. Raises SessionOver."""
    with over_as_signed_out(broker, http):
        return use_session(broker, session, also_read=also_read)


@contextmanager
def over_as_signed_out(broker: Broker, http: Request) -> Iterator[None]:
    """Whatever ended the session, its page has one thing to do; a pause alone is told apart, since after it the session
    goes on. No cookie is taken away: by now there may be another one, of a sign-in that has just replaced this one."""
    try:
        yield
    except InvalidToken as error:
        members = _way_out(broker, http, str(error.members.get("reason", "session_over")))
        raise SessionOver(f"bff_{error.reason}", members=members).because_of(error) from None


def login_uri(broker: Broker, client_id: str) -> str:
    """Where a browser goes to sign in to this app."""
    return f"{broker.settings.issuer}/bff/{client_id}/login"


def _way_out(broker: Broker, http: Request, reason: str) -> dict[str, object]:
    return {"reason": reason, "login_uri": login_uri(broker, http.path["client_id"])}


def _find_client(broker: Broker, client_id: str, origin: str | None) -> Client | None:
    """As far as the cache knows, disabled or not; read once more before its page is refused."""
    if not _CLIENT_ID.fullmatch(client_id) or origin is None:
        return None
    item_key = client_item_key(client_id)
    client = broker.registry.lookup(item_key).get(item_key)
    if origin in origins_of(broker, client):
        return client
    return broker.registry.lookup(item_key, fresh=True).get(item_key)
