"""The parts of the demo: its providers, the address of each part, and the settings of the app."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.fake.demo_site import CALENDAR, NOTES, DemoSite
from local.stack.ports import bind, start_near

if TYPE_CHECKING:
    from chalicelib.adapters.http.guarded_fetcher import LocalTarget
    from local.fake.provider import RunningProvider
    from local.stack.stack import RunningBroker

CLIENT_AT_PROVIDER = "token-broker"
OWN_SCOPES = ("openid", "profile", "email", "offline_access")


@dataclass(frozen=True)
class Part:
    """A provider of the demo. Users sign in at the first one; the others are connected afterwards."""

    provider_id: str
    site: DemoSite
    host: str
    port: int

    @property
    def read(self) -> str:
        """The scope that reads there, in the provider's name for it."""
        return f"{self.site.things}:read"

    @property
    def scopes(self) -> tuple[str, str]:
        """What apps may ask for there, with its prefix."""
        return f"{self.provider_id}:{self.read}", f"{self.provider_id}:{self.site.things}:write"


# Cookies do not separate ports, so each part lives under a host of its own.
BROKER, APP, LIVE = ("127.0.0.1", 8080), ("localhost", 8081), ("localhost", 8084)
PARTS = (Part("demo", NOTES, "127.0.0.2", 8082), Part("calendar", CALENDAR, "127.0.0.3", 8083))
PROVIDER_ID = PARTS[0].provider_id
SCOPES = frozenset({*OWN_SCOPES, *(scope for part in PARTS for scope in part.scopes)})


def start_provider(part: Part, moved: list[str], free_ports: bool) -> "RunningProvider":
    """One of the providers; `moved` gets a line for what is elsewhere than it should be."""
    from local.fake.provider import start

    host, name = part.host, part.site.name
    try:
        bind(host, 0).close()
    except OSError:  # some systems answer on 127.0.0.1 alone
        host = BROKER[0]
        moved.append(f"{part.host} is not an address of this machine: {name} shares {host} with the broker")
    provider = start_near(0 if free_ports else part.port, lambda port: start(port, host, part.site))
    note_move(moved, name, part.port, provider.port, free_ports)
    return provider


def target_of(provider: "RunningProvider") -> "LocalTarget":
    """A place on loopback that this broker may call; said in code, since no setting can."""
    from chalicelib.adapters.http.guarded_fetcher import LocalTarget

    host = urlsplit(provider.url).hostname or ""
    return LocalTarget(host=host, port=provider.port, address=host)


def introduce(broker: "RunningBroker", provider_id: str, provider: "RunningProvider") -> None:
    """Register the broker at the provider, and say so to the broker."""
    import secrets

    from cli.deployment.operations import set_provider

    secret = secrets.token_hex(32)
    callback = f"{broker.issuer}/callback/{provider_id}"
    provider.add_client(CLIENT_AT_PROVIDER, secret, [callback], name="Token Broker")
    set_provider(
        broker.deployment, provider_id, client_id=CLIENT_AT_PROVIDER, client_secret=secret, issuer=provider.url
    )


def describe_providers(providers: dict[str, "RunningProvider"]) -> list[dict[str, str]]:
    """What the app has to know of each, for its config.json."""
    return [
        {
            "id": part.provider_id,
            "name": part.site.name,
            "api": f"{providers[part.provider_id].url}/api",
            "things": part.site.things,
            "scope": part.read,
        }
        for part in PARTS
        if part.provider_id in providers
    ]


def note_move(moved: list[str], part: str, wanted: int, got: int, free_ports: bool) -> None:
    """Say in `moved` that a port was taken; free ports were never wanted elsewhere."""
    if not free_ports and wanted != got:
        moved.append(f"port {wanted} is taken: {part} uses {got}")
