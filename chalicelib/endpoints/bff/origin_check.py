"""Checks that a call with a cookie comes from a page of the app, at an origin that the operator registered (BFF-02).

A browser sends the cookie with any page's requests. Forms and links cannot send the extra header that is required here.
A script of another origin may send it only after a preflight, which the broker refuses. Origin names the page's origin.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.access_token_check import AuthorizedToken, Claims
from chalicelib.bff_sessions import Session, use_session
from chalicelib.endpoints.browser.bff_cookie import read_session
from chalicelib.ports import Broker, StoreUnavailable
from chalicelib.protocol.errors import ForeignCaller, InvalidToken, SessionOver
from chalicelib.protocol.log_redaction import redact, redact_client
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import ItemKey, client_item_key

HEADER, VALUE = "Broker-Bff", "1"
_CLIENT_ID = re.compile(r"[0-9a-f]{32}")


def origins_of(broker: Broker, client: Client | None) -> tuple[str, ...]:
    """The registered origins of this app's pages; none under FAPI 2.0, whose tokens are all bound to a key of the
    client."""
    return () if client is None or broker.settings.is_fapi2 else client.bff_origins


def find_reader(broker: Broker, client_id: str, origin: str | None) -> str | None:
    """The request's origin, if it may read a response for this app's pages; None for every other origin, and while the
    table is unavailable."""
    try:
        known = origin in origins_of(broker, _find_client(broker, client_id, origin))
    except StoreUnavailable:
        return None
    return origin if known else None


def check_caller(broker: Broker, http: Request) -> None:
    """Raises ForeignCaller if the header is missing, or the caller is not a page of the app."""
    client_id, origin = http.path["client_id"], http.header("origin")
    if http.header(HEADER.lower()) != VALUE:
        refusal = ForeignCaller("bff_header_missing")
        raise refusal.noting(client_id=redact_client(client_id), expected=f"{HEADER}: {VALUE}")
    origins = origins_of(broker, _find_client(broker, client_id, origin))
    if origin not in origins:
        refusal = ForeignCaller("bff_origin_not_registered")
        raise refusal.noting(client_id=redact_client(client_id), expected=origins, received=redact(origin, origins))


def require_session(broker: Broker, http: Request) -> Session:
    """The session of a page's call, not yet checked against the table.

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
    """The access that the session gives now. Raises SessionOver."""
    with over_as_signed_out(broker, http):
        return use_session(broker, session, also_read=also_read)


@contextmanager
def over_as_signed_out(broker: Broker, http: Request) -> Iterator[None]:
    """Report every ended session the same way, because the page can only sign in again. Only a pause is reported
    separately, because the session continues after it. The cookie stays: a newer sign-in may have just replaced it."""
    try:
        yield
    except InvalidToken as error:
        members = _way_out(broker, http, str(error.members.get("reason", "session_over")))
        raise SessionOver(f"bff_{error.reason}", members=members).because_of(error) from None


def login_uri(broker: Broker, client_id: str) -> str:
    """The URL at which a browser signs in to this app."""
    return f"{broker.settings.issuer}/bff/{client_id}/login"


def _way_out(broker: Broker, http: Request, reason: str) -> dict[str, object]:
    return {"reason": reason, "login_uri": login_uri(broker, http.path["client_id"])}


def _find_client(broker: Broker, client_id: str, origin: str | None) -> Client | None:
    """The client from the cache, even if disabled; read again before its page is refused."""
    if not _CLIENT_ID.fullmatch(client_id) or origin is None:
        return None
    item_key = client_item_key(client_id)
    client = broker.registry.lookup(item_key).get(item_key)
    if origin in origins_of(broker, client):
        return client
    return broker.registry.lookup(item_key, fresh=True).get(item_key)
