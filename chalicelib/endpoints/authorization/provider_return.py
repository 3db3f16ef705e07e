"""A user's return from a provider, with everything that the rest of the sign-in needs."""

from msgspec import Struct

from chalicelib.endpoints.authorization.pending_request import ConsentedRequest
from chalicelib.endpoints.authorization.provider_callback import RedeemedCallback
from chalicelib.endpoints.authorization.provider_user import ProviderUser
from chalicelib.ports import Items
from chalicelib.provider_client import ProviderSignIn
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import connection_item_key, consent_item_key
from chalicelib.records.sign_in import AuthorizationRequest, Pending
from chalicelib.revocation_marks import DecisionParties, find_revocation_among


class ProviderReturn(Struct, frozen=True, kw_only=True):
    """A user's return from a provider: the decision, the response, and the user. Every revocation until now is checked.

    callback   the browser's decision, and the provider's tokens
    decided    the authorization request of the decision
    found      one strongly consistent read of every relevant item
    """

    callback: RedeemedCallback
    decided: ConsentedRequest
    client: Client
    provider_user: ProviderUser
    found: Items

    @property
    def pending(self) -> Pending:
        """The decision, from the browser's cookie."""
        return self.callback.pending

    @property
    def brought(self) -> ProviderSignIn:
        """The verified content of the provider's responses."""
        return self.callback.brought

    @property
    def request(self) -> AuthorizationRequest:
        """The client's authorization request."""
        return self.decided.request

    @property
    def consent(self) -> Consent | None:
        """What this user has allowed this client so far."""
        return self.found.get(consent_item_key(self.provider_user.sub, self.client.client_id))

    @property
    def connection(self) -> Connection | None:
        """The stored connection of this account, revoked or not."""
        return self.found.get(connection_item_key(self.provider_user.connection_id))

    @property
    def by_user(self) -> bool:
        """True if the user decided on a page."""
        return self.pending.decided_by == "page"

    def is_void(self, at: int) -> bool:
        """True if a cutoff voids a decision of that time."""
        parties = DecisionParties(self.provider_user.sub, self.client.client_id, self.pending.provider_id)
        return find_revocation_among(self.found, parties, at, now=self.callback.now, first_time=True) is not None
