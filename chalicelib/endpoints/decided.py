"""The request of a decision that comes back: from the cookie, or from the table where the browser does not carry it."""

from msgspec import Struct

from chalicelib.endpoints.kept import read_kept
from chalicelib.endpoints.sealed import open_client_reference
from chalicelib.ports import Broker, Found
from chalicelib.protocol.errors import PageError
from chalicelib.records.places import stored_request_place
from chalicelib.records.sign_in import AuthorizationRequest, PageForm, Pending


class Decided(Struct, frozen=True, kw_only=True):
    """What was asked, which scopes of it the user left ticked, and whether it was pushed."""

    request: AuthorizationRequest
    allowed: frozenset[str]
    was_pushed: bool = False


def load_request(pending: Pending, found: Found, broker: Broker) -> Decided:
    """The request of this decision. Raises PageError."""
    if pending.request is not None:
        return Decided(request=pending.request, allowed=pending.allowed)
    kept = read_kept(broker, found.get(stored_request_place(pending.stored)), pending.stored)
    if kept.allowed is None:
        return Decided(request=kept.request, allowed=pending.allowed, was_pushed=True)
    return Decided(request=kept.request, allowed=kept.allowed)


def read_request(broker: Broker, pending: Pending) -> AuthorizationRequest:
    """The request of this decision, where nothing else is to be read."""
    if pending.request is not None:
        return pending.request
    found = broker.store.read(stored_request_place(pending.stored))
    return load_request(pending, found, broker).request


def load_shown(broker: Broker, form: PageForm) -> AuthorizationRequest:
    """The request that a page was about; one read where it was pushed. Raises PageError: the time to decide is over."""
    if form.request is not None:
        return form.request
    place = stored_request_place(form.stored)
    stored = broker.store.read(place).get(place)
    kept = read_kept(broker, stored, form.stored)
    if stored is None or (stored.bound_until or 0) <= broker.clock.now():
        raise PageError("pushed_request_over", page="sign_in_over", status=403)
    return kept.request


def client_id_of(broker: Broker, pending: Pending) -> str:
    """From the cookie, else from the sealed reference in the state that the cookie vouches for."""
    if pending.request is not None:
        return pending.request.client_id
    client_id = open_client_reference(broker, pending.state.partition(".")[2])
    if client_id is None:
        raise PageError("client_reference_broken")
    return client_id
