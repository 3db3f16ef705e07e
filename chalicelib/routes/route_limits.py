"""The limit of each route, and how one request counts for it (GEN-21)."""

from collections.abc import Mapping
from typing import Any, Literal

from chalicelib.endpoints.callers.rate_limits import count_network_request, count_session_request
from chalicelib.ports import Broker, StoreUnavailable
from chalicelib.protocol.errors import TooManyRequests
from chalicelib.protocol.request import Request

Counted = Literal["address", "session", "client", "token", "memory"]
HOW: Mapping[Counted, str] = {
    "address": "each request counts for the address that sends it",
    "session": "each request counts for the browser session of its cookie; without one, for the address",
    "client": "the endpoint counts: for the client that proves itself, else for the address",
    "token": "the endpoint counts for the grant of the access token; one that does not verify is refused from memory",
    "memory": "answers from memory: no read, no write; a process reads what it remembers at most every 10 seconds",
}


class RouteLimit:
    """One request and the limit of its route. It is counted once, after malformed input has been refused."""

    def __init__(self, broker: Broker, event: Mapping[str, Any], counted: Counted) -> None:
        self.broker = broker
        self._event = event
        self._counted = counted
        self._is_spent = False
        self._is_over = False

    def spend(self, http: Request) -> None:
        """Count the request, unless its endpoint does. Raises TooManyRequests; StoreUnavailable, at most once per
        block."""
        if self._counted == "address":
            self._spend_once(http, by_session=False)
        elif self._counted == "session":
            self._spend_once(http, by_session=True)

    def allows_read(self) -> bool:
        """True if the table may be read to find the origin that may read the response. Requests that were refused
        before they were counted, and preflights, which have no cookie, count for their address."""
        if not self._is_spent:
            source = ((self._event.get("requestContext") or {}).get("identity") or {}).get("sourceIp", "")
            try:
                self._spend_once(Request(method="", source_ip=source), by_session=False)
            except (TooManyRequests, StoreUnavailable):
                return not self._is_over
        return not self._is_over

    def _spend_once(self, http: Request, *, by_session: bool) -> None:
        self._is_spent = True
        try:
            (count_session_request if by_session else count_network_request)(self.broker, http)
        except TooManyRequests:
            self._is_over = True
            raise
