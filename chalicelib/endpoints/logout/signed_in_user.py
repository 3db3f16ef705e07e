"""The user of the session that a sign-out would end, for the page that asks."""

from chalicelib.endpoints.authorization.consent.parties import person_of
from chalicelib.endpoints.browser.cookies import SessionOwner, open_session, sign_out_key
from chalicelib.endpoints.browser.last_provider import last_provider_name
from chalicelib.pages.person import Person
from chalicelib.ports import Broker, StoreUnavailable
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.records.item_keys import subject_item_key


def find_signed_in_user(broker: Broker, http: Request, owner: SessionOwner, *, now: int) -> Person:
    """The user, with one read. Without a valid session, or while the table is away, only the browser's last provider is
    known: a sign-out must not need the table before the user presses the button."""
    subject, ended = subject_item_key(owner.sub), sign_out_key(owner)
    unnamed = Person(name="", handle="", provider_name=last_provider_name(broker, http))
    try:
        found = broker.store.read(subject, ended)
        session = open_session(broker, owner, found.get(subject), sign_out=found.get(ended), now=now)
        return person_of(broker, session) if session else unnamed
    except (StoreUnavailable, PageError):  # PageError: the provider's file was removed
        return unnamed
