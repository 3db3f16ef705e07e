"""What a plan works with: what is stored, the choices of the command line, and a rehearsal in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chalicelib.providers.catalog import Catalog
from chalicelib.records.client import Client
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.resource import Resource
from cli.client_options.known_scopes import find_catalog
from cli.configuration.client_entry import (
    CLIENT_ID,
    derive_client_id,
)
from cli.configuration.document import Configuration, parsers
from cli.configuration.keys import defaults_of
from cli.configuration.rehearsal import Rehearsal
from cli.configuration.steps import Step
from cli.deployment.operations import (
    Deployment,
    Keep,
    OperationError,
    list_clients,
    list_providers,
    list_resources,
)

HINT = "docs/apply.md"


@dataclass
class Choices:
    """What the command line says beside the file.

    keep              stores the secret of a new client before the client is registered
    force             scopes that a provider file does not list are accepted
    ends_connections  present connections may end if a provider's hosts change
    """

    keep: Keep | None = None
    force: bool = False
    ends_connections: bool = False


@dataclass
class Stored:
    """What the deployment has now."""

    deployment: Deployment
    resources: dict[str, Resource] = field(init=False)
    providers: dict[str, ProviderRecord] = field(init=False)
    clients: dict[str, Client] = field(init=False)

    def __post_init__(self) -> None:
        self.resources = {one.audience: one for one in list_resources(self.deployment)}
        self.providers = {one.provider_id: one for one in list_providers(self.deployment)}
        every = list_clients(self.deployment)
        self.clients = {one.client_id: one for one in every if one.registered_by == "operator"}


class Workbench:
    """Collects the steps, and rehearses each in memory."""

    def __init__(self, deployment: Deployment, configuration: Configuration, choices: Choices) -> None:
        self.deployment, self.configuration, self.choices = deployment, configuration, choices
        self.rehearsal = Rehearsal(deployment)
        self.stored = Stored(self.rehearsal)
        self.defaults = {name: defaults_of(parser) for name, parser in parsers().items()}
        self.steps: list[Step] = []
        self.notes: list[str] = []
        self.faults: list[str] = []
        self.hint = ""
        self.ids = self._read_ids()

    @cached_property
    def catalog(self) -> Catalog:
        """The provider files."""
        return find_catalog(self.deployment)

    def add(self, step: Step) -> Any:
        """Carry the step out in memory. Raises OperationError."""
        done = (step.rehearse or step.act)(self.rehearsal, step.options)
        self.steps.append(step)
        return done

    def attempt(self, place: str, plan: Callable[[], None]) -> None:
        try:
            plan()
        except OperationError as fault:
            self.hint = self.hint or fault.hint
            self.faults.append(f"{place}: {fault}")

    def _read_ids(self) -> dict[str, str]:
        ids = {
            name: options.get("client_id") or derive_client_id(self.deployment.settings.issuer, name)
            for name, options in self.configuration.clients.items()
        }
        wrong = [name for name, one in ids.items() if not CLIENT_ID.fullmatch(one)]
        twice = [name for name, one in ids.items() if list(ids.values()).count(one) > 1]
        if wrong:
            said = f"clients.{wrong[0]}: client_id must be 32 digits or letters from a to f, all lower-case"
            raise OperationError(said, "openssl rand -hex 16")
        if twice:
            raise OperationError(f"clients.{twice[0]} and clients.{twice[1]} have the same client_id", HINT)
        return ids
