"""The state of one demo provider: its site, grants, keys and the requests that it received."""

from local.fake.demo_site import NOTES, DemoSite
from local.fake.faults import Faults
from local.fake.grants import Client, Grants
from local.fake.id_token import Keys, new_keys
from local.fake.web import Received


class ProviderState:
    """What the endpoints of a demo provider read and change.

    site       which of the demo providers it is
    url        its issuer
    faults     switch on what it shall do wrong
    requests   everything it received, in order
    """

    url: str

    def __init__(self, site: DemoSite = NOTES) -> None:
        self.site = site
        self.grants = Grants()
        self.requests: list[Received] = []
        self.keys: Keys = new_keys()

    @property
    def faults(self) -> Faults:
        """The knobs; `faults.reset()` turns all of them off."""
        return self.grants.faults

    def add_client(
        self, client_id: str, client_secret: str | None, redirect_uris: tuple[str, ...] | list[str], name: str = ""
    ) -> None:
        """Register an app; None as its secret makes it a public one. The same id again replaces it."""
        client = Client(client_id, client_secret, tuple(redirect_uris), name or client_id)
        self.grants.clients[client_id] = client

    def count(self, endpoint: str) -> int:
        """How many requests an endpoint has received."""
        return sum(request.endpoint == endpoint for request in list(self.requests))

    @property
    def key_sets(self) -> dict[str, str]:
        """Its issuer, and where its keys are."""
        return {self.url: f"{self.url}/jwks"}

    def locate(self, received: Received) -> str:
        """The URL that a request went to."""
        return self.url + received.path

    def rotate_keys(self) -> None:
        """A new signing key; the old one leaves the key set at once."""
        self.keys[:] = new_keys()
