"""The authorization request of a decision, from the cookie, or from the table if the browser does not carry it."""

from msgspec import Struct, structs

from chalicelib.endpoints.authorization.stored_request import read_stored_request
from chalicelib.endpoints.browser.sealed_values import open_client_reference
from chalicelib.endpoints.browser.urls import account_uri
from chalicelib.ports import Broker, Items
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.grant_refusals import PAUSED
from chalicelib.records.client import Client
from chalicelib.records.item_keys import stored_request_item_key
from chalicelib.records.sign_in import AuthorizationRequest, PageForm, Pending


class ConsentedRequest(Struct, frozen=True, kw_only=True):
    """The request, the scopes that the user left ticked, and whether it was pushed."""

    request: AuthorizationRequest
    allowed: frozenset[str]
    was_pushed: bool = False


def load_request(pending: Pending, found: Items, broker: Broker) -> ConsentedRequest:
    """The request of this decision. Raises PageError."""
    if pending.request is not None:
        return ConsentedRequest(request=pending.request, allowed=pending.allowed)
    kept = read_stored_request(broker, found.get(stored_request_item_key(pending.stored)), pending.stored)
    if kept.allowed is None:
        return ConsentedRequest(request=kept.request, allowed=pending.allowed, was_pushed=True)
    return ConsentedRequest(request=kept.request, allowed=kept.allowed)


def read_request(broker: Broker, pending: Pending) -> AuthorizationRequest:
    """The request of this decision, if nothing else has to be read."""
    if pending.request is not None:
        return pending.request
    found = broker.store.read(stored_request_item_key(pending.stored))
    return load_request(pending, found, broker).request


def load_form_request(broker: Broker, form: PageForm) -> AuthorizationRequest:
    """The request of a page; one read if it was pushed. Raises PageError if the time to decide has expired."""
    if form.request is not None:
        return form.request
    item_key = stored_request_item_key(form.stored)
    stored = broker.store.read(item_key).get(item_key)
    kept = read_stored_request(broker, stored, form.stored)
    if stored is None or (stored.bound_until or 0) <= broker.clock.now():
        raise PageError("pushed_request_over", page="sign_in_over", status=403)
    if form.other_account:
        return structs.replace(kept.request, prompt=kept.request.prompt | {"select_account"})
    return kept.request


def client_id_of(broker: Broker, pending: Pending) -> str:
    """The client id, from the cookie, or from the encrypted reference in its state."""
    if pending.request is not None:
        return pending.request.client_id
    client_id = open_client_reference(broker, pending.state.partition(".")[2])
    if client_id is None:
        raise PageError("client_reference_broken")
    return client_id


def check_decision(
    broker: Broker, request: AuthorizationRequest, client: Client | None, end: str | None, *, page: str
) -> Client:
    """Check that a decision still counts, for the client as the user saw it.

    end   the revocation that ends it, if any

    Raises PageError; nothing is issued then.
    """
    if end == PAUSED:
        raise PageError(PAUSED, page="app_paused", status=403, link=account_uri(broker))
    if end is not None or client is None or client.revision != request.client_revision:
        raise PageError(end or "client_changed", page=page, status=403)
    return client
