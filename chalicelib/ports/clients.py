"""Stored clients and the tokens that register them."""

from typing import Protocol

from chalicelib.ports.outcomes import Refused, Written
from chalicelib.records.client import Client
from chalicelib.records.initial_token import InitialToken


class ClientStore(Protocol):
    """Clients: registered, or known by a document. Each method is one conditional write."""

    def put_client(self, client: Client, *, expected_revision: int | None) -> Written[Client] | Refused[Client]:
        """Write a client if absent (None) or still of that revision."""

    def change_client(self, client: Client, *, read: Client) -> Written[Client] | Refused[Client]:
        """Write the fields that differ from `read`, if the revision and the management token are unchanged and the
        client has not deleted itself. Other changes since the read, above all revocations, stay."""

    def extend_client(self, client: Client, *, expires_at: int) -> Written[Client] | Refused[Client]:
        """Move the expiry of an unused client, if it is unchanged since it was read."""

    def put_document(self, client: Client, *, read: Client | None) -> Written[Client] | Refused[Client]:
        """Write a client from its current document, if the client is absent (None) or unchanged since it was read,
        revocations included."""

    def use_initial_token(
        self, token_hash: str, *, now: int, epoch: int
    ) -> Written[InitialToken] | Refused[InitialToken]:
        """Count one use if any is left: however many registrations run at once, no more than the limit are Written."""
