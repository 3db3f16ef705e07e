"""Compares a configuration file with a deployment. All checks of the single commands run here, before any write."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NoReturn

from chalicelib.providers.catalog import Catalog
from chalicelib.records.client import Client
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.resource import Resource
from cli.client_options.known_scopes import find_catalog
from cli.commands import client as client_command
from cli.commands import provider as provider_command
from cli.commands import resource as resource_command
from cli.configuration.client_entry import (
    CLIENT_ID,
    Values,
    complete,
    derive_client_id,
    describe_client,
    find_changes,
    update_values,
)
from cli.configuration.document import Configuration, parsers
from cli.configuration.keys import defaults_of
from cli.configuration.other_entries import (
    compare_secret,
    complete_provider,
    complete_resource,
    describe_provider,
    describe_resource,
)
from cli.configuration.rehearsal import Rehearsal
from cli.configuration.steps import Change, Step, options_for
from cli.deployment.operations import (
    Deployment,
    Keep,
    OperationError,
    find_client,
    list_clients,
    list_providers,
    list_resources,
)
from cli.output import client_row, resource_row

HINT = "docs/apply.md"
OTHER_CLIENT = "register another client, under another name in the file"


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


class Planner:
    """Makes the steps, and rehearses each in memory."""

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

    def plan(self) -> list[Step]:
        """The steps, in their order. Raises OperationError with the fault of every table."""
        for audience, options in self.configuration.resources.items():
            self._try(f"resources.{audience}", partial(self._plan_resource, audience, options))
        for provider_id, options in self.configuration.providers.items():
            self._try(f"providers.{provider_id}", partial(self._plan_provider, provider_id, options))
        clients = self.configuration.clients
        for name in sorted(clients, key=lambda one: self.ids[one] in self.stored.clients):  # new ones first
            self._try(f"clients.{name}", partial(self._plan_client, name, clients[name]))
        for name, options in clients.items():
            self._try(f"clients.{name}", partial(self._plan_rest, name, options))
        if self.faults:
            raise OperationError("\n  ".join(["nothing was changed:", *self.faults]), self.hint or HINT)
        return self.steps

    @cached_property
    def catalog(self) -> Catalog:
        """The provider files."""
        return find_catalog(self.deployment)

    def add(self, step: Step) -> Any:
        """Carry the step out in memory. Raises OperationError."""
        done = (step.rehearse or step.act)(self.rehearsal, step.options)
        self.steps.append(step)
        return done

    def _try(self, place: str, plan: Callable[[], None]) -> None:
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

    # APIs

    def _plan_resource(self, audience: str, options: Values) -> None:
        before, after = self.stored.resources.get(audience), complete_resource(options)
        if before is None:
            typed = options_for("resource create", self.defaults["resources"], options, audience=audience)
            fields = {name: (None, value) for name, value in after.items()}
            self.add(Step("create", "resource", audience, audience, fields, typed, typed.act))
            return
        changes = find_changes(describe_resource(before), after)
        if changes:
            values = {name: after[name] or (0 if name == "lifetime" else "") for name in changes}
            typed = options_for("resource update", self.defaults["change"], values, audience=audience)

            def act(deployment: Deployment, typed: argparse.Namespace) -> Any:
                return resource_row(resource_command.change_resource(deployment, before, typed))

            self.add(Step("update", "resource", audience, audience, changes, typed, act))

    # Providers

    def _plan_provider(self, provider_id: str, options: Values) -> None:
        definition, before = provider_command.find_definition(self.catalog, provider_id), self._provider(provider_id)
        after = complete_provider(options)
        changes = find_changes(describe_provider(before), after) if before else dict.fromkeys(after)
        secret = compare_secret(self.rehearsal, before, options.get("secret_from"), definition)
        if before is not None and before.marks.disabled:
            self.notes.append(
                f"provider {provider_id} is disabled; broker kill provider {provider_id} --undo enables it"
            )
        source = options.get("secret_from")
        if secret == "unknown" and (changes or before is None or before.public):
            raise OperationError(f"{source} is not available here", f"set {source}")
        if secret == "unknown":
            self.notes.append(f"provider {provider_id} keeps its stored secret: {source} is not available here")
        elif changes or secret == "other":
            self._set_provider(provider_id, options, before, new_secret=secret == "other")

    def _set_provider(self, provider_id: str, options: Values, before: ProviderRecord | None, new_secret: bool) -> None:
        after = complete_provider(options)
        fields = find_changes(describe_provider(before), after) if before else {}
        fields |= {} if before else {name: (None, value) for name, value in after.items() if value}
        if options.get("secret_from") and new_secret:
            fields["secret"] = (None if before is None else "stored", options["secret_from"])
        more = {"provider_id": provider_id, "ends_connections": self.choices.ends_connections}
        typed = options_for("provider set", self.defaults["providers"], options, **more)

        def act(deployment: Deployment, typed: argparse.Namespace) -> Any:
            return provider_command.register_at(deployment, typed, read=before)

        change: Change = "create" if before is None else "update"
        self.add(Step(change, "provider", provider_id, provider_id, fields, typed, act))

    def _provider(self, provider_id: str) -> ProviderRecord | None:
        return self.stored.providers.get(provider_id)

    # Clients

    def _plan_client(self, name: str, options: Values) -> None:
        """Create the client, or change all that does not need other new clients."""
        before = self.stored.clients.get(self.ids[name])
        if before is None:
            self._create_client(name, options)
            return
        if before.marks.disabled:
            self.notes.append(f"client {name} is disabled; broker client enable {before.client_id} enables it")
        after = self._complete(options)
        changes = find_changes(describe_client(before), after)
        for number, values in enumerate(update_values(changes, after)):
            self._update_client(name, before if number == 0 else None, values, changes if number == 0 else {})
        self._check_reached(name, options)

    def _create_client(self, name: str, options: Values) -> None:
        client_id, after = self.ids[name], self._complete(options)
        wanted = {one: value for one, value in options.items() if one not in ("client_id", "grant_type")}
        wanted["may_be_acted_by"] = [one for one in after["may_be_acted_by"] if self._exists(one)]
        typed = options_for("client create", self.defaults["clients"], wanted, force=self.choices.force)
        keep = self.choices.keep

        def act(deployment: Deployment, typed: argparse.Namespace) -> Any:
            return client_command.register_client(deployment, typed, client_id=client_id, keep=keep)

        def rehearse(deployment: Deployment, typed: argparse.Namespace) -> Any:
            return client_command.register_client(deployment, typed, client_id=client_id)

        default = self._complete({"name": ""})
        fields = {one: (None, value) for one, value in after.items() if value != default[one] or one == "name"}
        made = self.add(Step("create", "client", name, client_id, fields, typed, act, rehearse))
        self.steps[-1].notes += made.get("warnings", [])

    def _plan_rest(self, name: str, options: Values) -> None:
        """What `client create` could not do: further grant types, and clients that were created later."""
        if self.ids[name] in self.stored.clients or not self._exists(self.ids[name]):
            return
        after = self._complete(options)
        changes = find_changes(describe_client(find_client(self.rehearsal, self.ids[name])), after)
        rest: dict[str, tuple[Any, Any]] = {
            one: changes[one] for one in ("grant_type", "may_be_acted_by") if one in changes
        }
        for values in update_values(rest, after):
            self._update_client(name, None, values, {})
        self._check_reached(name, options)

    def _update_client(
        self, name: str, before: Client | None, values: Values, fields: Mapping[str, tuple[Any, Any]]
    ) -> None:
        """One command; without `before` it follows another one about the same client."""
        client_id = self.ids[name]
        more = {"client_id": client_id, "force": self.choices.force}
        typed = options_for("client update", self.defaults["update"], values, **more)

        def act(deployment: Deployment, typed: argparse.Namespace) -> Any:
            client = before or find_client(deployment, client_id)
            return client_row(client_command.change_client(deployment, client, typed, alone=True))

        revision = find_client(self.rehearsal, client_id).revision
        step = Step("update", "client", name, client_id, fields, typed, act, shown=bool(fields))
        if self.add(step)["revision"] > revision and before is not None:
            step.notes.append("users are asked for consent again")

    def _check_reached(self, name: str, options: Values) -> None:
        """Some values can only be chosen when a client is registered. Raises OperationError."""
        client = find_client(self.rehearsal, self.ids[name])
        left = find_changes(describe_client(client), self._complete(options))
        for field_name, (before, after) in left.items():
            _refuse(field_name, before, after)

    def _exists(self, client_id: str) -> bool:
        try:
            return bool(find_client(self.rehearsal, client_id))
        except OperationError:
            return False

    def _complete(self, options: Values) -> Values:
        actors = [self.ids.get(one, one) for one in options.get("may_be_acted_by", [])]
        typed = {**options, "may_be_acted_by": actors}
        return complete(typed, self.defaults["clients"], self.deployment.settings)


def _refuse(name: str, before: Any, after: Any) -> NoReturn:
    if name == "sector":
        hint = f'sector_identifier_uri = "https://{before}/"' if before else OTHER_CLIENT
        raise OperationError("the sector of its subjects (sub) cannot be changed", hint)
    raise OperationError(f"{name} cannot be changed from {_say(before)} to {_say(after)}", OTHER_CLIENT)


def _say(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value) or "none"


def list_unlisted(planner: Planner) -> Iterator[tuple[str, str]]:
    """What the deployment has and the file does not name: its --delete word, and its name."""
    stored, file = planner.stored, planner.configuration
    for client_id, client in stored.clients.items():
        if client_id not in planner.ids.values():
            yield f"client:{client_id}", client.client_name
    for provider_id, record in stored.providers.items():
        if provider_id not in file.providers and not record.marks.disabled:
            yield f"provider:{provider_id}", provider_id
    for audience in stored.resources:
        if audience not in file.resources:
            yield f"resource:{audience}", audience


def known_words(planner: Planner) -> Iterable[str]:
    """Every --delete word that is allowed."""
    return (word for word, _ in list_unlisted(planner))
