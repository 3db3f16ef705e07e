"""Applies a browser's decision about a device's request (RFC 8628 section 3.3).

The grant exists since the device's request, so each step changes that one item, and only for the page that the browser
showed: `device_round` rises when the user has to decide again. The browser ends on a page of the broker.
"""

from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.pages.page import ErrorPage
from chalicelib.ports import Broker, DeviceDecision, Refused
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.handles import secret_hash
from chalicelib.records.grant import Grant
from chalicelib.records.sign_in import Pending
from chalicelib.responses import Response, page_response


def decision_of(broker: Broker, pending: Pending, client_id: str) -> DeviceDecision:
    """The decision in the browser's cookie; here `code_secret` only identifies the browser."""
    return DeviceDecision(
        grant_id=pending.grant_id,
        client_id=client_id,
        round=pending.device_round,
        decision=secret_hash(pending.code_secret),
        decided_at=pending.decided_at,
        now=broker.clock.now(),
    )


def approve_device(broker: Broker, grant: Grant, decided: DeviceDecision, *, claimed: bool) -> None:
    """Let the device get its tokens at its next poll. Raises PageError if another browser has decided, or the request
    has expired."""
    if isinstance(broker.store.issue_device(grant, decided, claimed=claimed), Refused):
        raise PageError("device_decided_or_over", page="device_over")
    broker.log.count("SignIns")
    broker.log.event("device_approved", client_id=decided.client_id)


def deny_device(broker: Broker, grant_id: str, client_id: str, device_round: int) -> Response:
    """Deny with one write; the device learns it at its next poll. Raises PageError if it was decided already."""
    now = broker.clock.now()
    decided = DeviceDecision(
        grant_id=grant_id, client_id=client_id, round=device_round, decision=b"", decided_at=now, now=now
    )
    if isinstance(broker.store.deny_device(decided), Refused):
        raise PageError("device_decided_or_over", page="device_over")
    broker.log.event("device_denied", client_id=client_id)
    return show_end(broker, "device_denied")


def show_end(broker: Broker, name: str, client_name: str | None = None) -> Response:
    """The last page of the browser.

    client_name   of the client that signs in; None leaves it out
    """
    return page_response(ErrorPage(name=name, client_name=client_name, site=issuer_host(broker)))
