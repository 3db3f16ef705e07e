"""Shipped provider files that the demo simulates: `dev.py demo --provider github`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.stack.ports import start_near

if TYPE_CHECKING:
    from chalicelib.providers.definition import ProviderDefinition
    from local.fake.profile.profile_server import RunningProfile

FIRST_PORT = 8090


class NotSimulated(Exception):
    """The demo cannot have a provider; the message says what to change."""


@dataclass(frozen=True)
class FileProvider:
    """One provider file in the demo."""

    definition: "ProviderDefinition"

    @property
    def provider_id(self) -> str:
        """As in the file."""
        return self.definition.provider_id

    @property
    def name(self) -> str:
        """As on the broker's pages."""
        return self.definition.display_name

    @property
    def read(self) -> str:
        """A scope that reads there, in the provider's name for it."""
        signs_in = self.definition.sign_in_scopes
        more = (name for name, scope in self.definition.scopes.items() if scope.access == "read")
        return next((name for name in more if name not in signs_in), signs_in[0] if signs_in else "")

    @property
    def scopes(self) -> frozenset[str]:
        """Everything that apps may ask for there, with its prefix."""
        named = {*self.definition.sign_in_scopes, *self.definition.scopes}
        return frozenset(f"{self.provider_id}:{name}" for name in named)


@dataclass(frozen=True)
class Simulated(FileProvider):
    """One that is simulated, on a port of its own."""

    port: int

    def start(self, free_ports: bool) -> "RunningProfile":
        """Start it on its port or another one."""
        from local.fake.profile.profile_server import RunningProfile

        return start_near(
            0 if free_ports else self.port,
            lambda port: RunningProfile(self.definition, port=port, by_https=True),
        )


def find_simulated(names: Iterable[str]) -> tuple[Simulated, ...]:
    """The provider files of these ids, each with its port. Raises NotSimulated."""
    found = find_definitions(names)
    return tuple(Simulated(definition, FIRST_PORT + number) for number, definition in enumerate(found))


def find_definitions(names: Iterable[str]) -> "list[ProviderDefinition]":
    """The shipped provider files of these ids. Raises NotSimulated."""
    from chalicelib.providers.catalog import load_catalog
    from cli.nearest import suggest

    catalog, found = load_catalog(), list["ProviderDefinition"]()
    for name in dict.fromkeys(names):
        definition = catalog.get(name)
        if definition is None:
            hint = suggest(name, catalog.ids, f"there are {', '.join(sorted(catalog.ids))}")
            raise NotSimulated(f"there is no provider file {name}; {hint}")
        found.append(definition)
    return found


def check_hosts(players: Iterable["RunningProfile"]) -> None:
    """Two files with one host cannot both be simulated, because the broker calls them by it. Raises NotSimulated."""
    seen: dict[str, str] = {}
    for player in players:
        for host in player.places.hosts:
            other = seen.setdefault(host, player.definition.provider_id)
            if other != player.definition.provider_id:
                both = f"{other} and {player.definition.provider_id}"
                raise NotSimulated(f"{both} both answer at {host}; name one of them")


def introduce_simulated(broker: Any, part: Simulated, player: "RunningProfile", client_id: str) -> None:
    """Register the broker at the simulated provider, and enable the provider."""
    from cli.deployment.operations import set_provider
    from local.fake.profile.registration import register

    secret = register(player, client_id, f"{broker.issuer}/callback/{part.provider_id}")
    issuer = None if part.definition.issuer else player.places.issuer
    set_provider(
        broker.deployment,
        part.provider_id,
        client_id=client_id,
        client_secret=secret,
        issuer=issuer,
        variables=player.variables,
    )


def describe_simulated(part: Simulated, player: "RunningProfile") -> dict[str, Any]:
    """What the demo app knows of it: where to read the account, with which scope and headers."""
    api = player.definition.api
    userinfo = player.places.userinfo or player.places.issuer
    base = player.places.api or f"https://{urlsplit(userinfo).netloc}"
    readable = userinfo.startswith(base) and player.definition.identity.method == "GET"
    path = urlsplit(userinfo).path.removeprefix(urlsplit(base).path) if readable else "/me"
    headers = {name: value for name, value in (api.headers if api else {}).items() if "{" not in value}
    return {
        "id": part.provider_id,
        "name": part.name,
        "api": player.at_door(base),
        "things": path.removeprefix("/"),
        "scope": part.read,
        "headers": headers,
        "proxied": api is not None,
        "noun": "account",
    }
