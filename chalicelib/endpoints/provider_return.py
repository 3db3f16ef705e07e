"""A user's return from a provider: everything that the rest of the sign-in decides on."""

from msgspec import Struct

from chalicelib.asking import Brought
from chalicelib.endpoints.arriving import Arrival, find_end_of
from chalicelib.endpoints.decided import Decided
from chalicelib.ports import Broker, Found
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.places import connection_place, consent_place
from chalicelib.records.sign_in import AuthorizationRequest, Pending


class ProviderReturn(Struct, frozen=True, kw_only=True):
    """Who came back, with what, and what had been decided; every cutoff up to now is checked.

    pending    the decision, from the browser's cookie
    decided    the authorization request that it was about
    brought    what the provider's responses say
    found      one strongly consistent read of every item that matters here
    """

    pending: Pending
    decided: Decided
    client: Client
    brought: Brought
    arrival: Arrival
    found: Found

    @property
    def request(self) -> AuthorizationRequest:
        """The client's authorization request."""
        return self.decided.request

    @property
    def consent(self) -> Consent | None:
        """What this user has allowed this client so far."""
        return self.found.get(consent_place(self.arrival.sub, self.client.client_id))

    @property
    def connection(self) -> Connection | None:
        """The stored connection of this account, revoked or not."""
        return self.found.get(connection_place(self.arrival.connection_id))

    @property
    def by_user(self) -> bool:
        """True where the user decided on a page."""
        return self.pending.decided_by == "page"

    def is_void(self, broker: Broker, at: int) -> bool:
        """True where a cutoff has ended what was decided at that time."""
        end = find_end_of(broker, at, self.arrival, self.pending, self.found, client_id=self.client.client_id)
        return end is not None
