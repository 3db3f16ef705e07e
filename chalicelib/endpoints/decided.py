"""The request of a decision that comes back: from the cookie, or from the table where it was too large for one."""

import msgspec

from chalicelib.endpoints.cookies import open_client_reference, open_request
from chalicelib.ports import Broker, Found
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.sealing import SealBroken
from chalicelib.records.places import stored_request_place
from chalicelib.records.sign_in import AuthorizationRequest, Pending


def load_request(pending: Pending, found: Found, broker: Broker) -> tuple[AuthorizationRequest, frozenset[str]]:
    """The request of this decision: from the cookie, or from the table where it was too large for one."""
    if pending.request is not None:
        return pending.request, pending.allowed
    stored = found.get(stored_request_place(pending.stored))
    if stored is None or stored.expires_at <= broker.clock.now():
        raise PageError("stored_request_over", page="sign_in_over")
    try:
        opened = open_request(broker, stored.sealed, pending.stored)
        return msgspec.msgpack.decode(opened, type=tuple[AuthorizationRequest, frozenset[str]])
    except (SealBroken, msgspec.DecodeError):
        raise PageError("stored_request_broken", page="sign_in_over") from None


def read_request(broker: Broker, pending: Pending) -> AuthorizationRequest:
    """The request of this decision, where nothing else is to be read."""
    if pending.request is not None:
        return pending.request
    found = broker.store.read(stored_request_place(pending.stored))
    return load_request(pending, found, broker)[0]


def client_id_of(broker: Broker, pending: Pending) -> str:
    """From the cookie, else from the sealed reference in the state that the cookie vouches for."""
    if pending.request is not None:
        return pending.request.client_id
    client_id = open_client_reference(broker, pending.state.partition(".")[2])
    if client_id is None:
        raise PageError("client_reference_broken")
    return client_id
