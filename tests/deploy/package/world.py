"""A deployment around a function: neighbours, keysets, one provider switched on, one app, and the browser at work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.ports import Broker
from chalicelib.records.client import AuthMethod, Client
from chalicelib.records.connection import Connection
from chalicelib.records.job import Job
from chalicelib.routes import create_app
from chalicelib.vault.revocation import write_tombstone
from cli.deployment.local_environment import use_local_credentials
from cli.deployment.operations import Deployment, create_client, init_keysets, set_provider
from local.package.package import ROOT
from tests.deploy.package.events import Door
from tests.deploy.package.neighbours import CLIENT_ID, CLIENT_SECRET, start_neighbours
from tests.deploy.package.sign_in import App, Browser, Gate, SignIn
from tests.kit.tls import TlsFront

ISSUER = "https://login.example.com"
PROVIDER_NAME = "accounts.example.com"
NETWORK = Path(__file__).with_name("network")
SCOPE = "openid profile email offline_access demo:notes:read"


# What EventBridge sends to a function on a schedule.
SCHEDULED: dict[str, Any] = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/jobs"],
    "detail": {},
}


class World:
    """Everything but the function itself.

    played    the provider has a public name and TLS, as a package has to find it; else plain HTTP on loopback
    environ   the function's environment
    seeded    False where the deployment is elsewhere and `seed` is called once it stands
    """

    def __init__(
        self, folder: Path, *, played: bool, auth_method: AuthMethod = "none", users: int = 0, seeded: bool = True
    ) -> None:
        use_local_credentials()
        provider_url = f"https://{PROVIDER_NAME}" if played else ""
        self.neighbours = start_neighbours(callback=f"{ISSUER}/callback/demo", provider_url=provider_url, users=users)
        self.environ = {
            "BROKER_ISSUER": ISSUER,
            "BROKER_PROVIDER_DIRS": str(ROOT / "local" / "providers"),
            "AWS_ENDPOINT_URL": self.neighbours.endpoint_url,
        }
        self.tls = TlsFront(PROVIDER_NAME, self.neighbours.provider_port, folder) if played else None
        if self.tls is not None:
            network = {"PLAYED_NAME": PROVIDER_NAME, "PLAYED_PORT": str(self.tls.port)}
            self.environ |= {**network, "SSL_CERT_FILE": str(self.tls.ca_file)}
        if seeded:
            self.seed(self.neighbours.endpoint_url, auth_method)

    def stop(self) -> None:
        """End the neighbours."""
        if self.tls is not None:
            self.tls.stop()
        self.neighbours.stop()

    def door(self, function: Callable[[dict[str, Any], Any], Any]) -> Door:
        """The gateway before a function."""
        return Door(function, create_app(_no_broker).routes, "login.example.com")

    def sign_in(self, door: Gate, user: str = "alice") -> SignIn:
        """A sign-in about to begin, in a browser that has never been here."""
        visit = lambda url: self.neighbours.visit(url, user)
        return SignIn(self.app, Browser(door, ISSUER), visit, client_secret=self.secret)

    def operator(self, endpoint_url: str) -> Broker:
        """A broker of ours on the same tables."""
        providers = self.environ["BROKER_PROVIDER_DIRS"]
        given = {"BROKER_ISSUER": ISSUER, "BROKER_PROVIDER_DIRS": providers, "BROKER_ENDPOINT_URL": endpoint_url}
        return build_broker(read_settings(given))

    def seed(self, endpoint_url: str, auth_method: AuthMethod = "none") -> None:
        """What the operator does once: keysets, the provider, the app."""
        settings = read_settings({"BROKER_ISSUER": ISSUER, "BROKER_ENDPOINT_URL": endpoint_url})
        deployment = Deployment(settings)
        init_keysets(deployment)
        set_provider(
            deployment,
            "demo",
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            issuer=self.neighbours.provider_url,
        )
        self.app, self.secret = self.register_app(endpoint_url, auth_method)

    @staticmethod
    def register_app(endpoint_url: str, auth_method: AuthMethod = "none") -> tuple[App, str | None]:
        """An app that asks for all there is; its secret, if it has one."""
        client, secret = create_client(
            Deployment(read_settings({"BROKER_ISSUER": ISSUER, "BROKER_ENDPOINT_URL": endpoint_url})),
            Client(
                client_id="",
                client_name="Notes on the go",
                redirect_uris=("https://app.example.com/back",),
                token_endpoint_auth_method=auth_method,
                grant_types=frozenset(
                    {"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"}
                ),
                scopes=frozenset(SCOPE.split()),
                providers=frozenset({"demo"}),
                handout="token",
            ),
        )
        app = App(
            issuer=ISSUER,
            client_id=client.client_id,
            redirect_uri=client.redirect_uris[0],
            provider="demo",
            scope=SCOPE,
        )
        return app, secret


def leave_a_duty(operator: Broker) -> Job:
    """The one live connection gets its tombstone, and the duty to finish what dies there is due at once."""
    deployment = Deployment(operator.settings)
    (live,) = (one for one in deployment.scan("CONNECTION#", Connection) if one.status == "active")
    write_tombstone(operator, live)
    (left,) = deployment.scan("JOB#", Job)
    operator.queue.delete(left)
    duty: Job = msgspec.structs.replace(left, due_at=left.created_at)
    operator.store.put_job(duty)
    return duty


def _no_broker() -> Broker:
    raise LookupError("these routes are only listed")
