"""The steps about clients: create first, then what other new clients are needed for."""

import argparse
from collections.abc import Mapping
from typing import Any, NoReturn

from chalicelib.records.client import Client
from cli.client_options.client_row import client_row
from cli.commands import client as client_command
from cli.configuration.client_entry import (
    Values,
    complete,
    describe_client,
    find_changes,
    update_values,
)
from cli.configuration.steps import Step, options_for
from cli.configuration.workbench import Workbench
from cli.deployment.operations import (
    Deployment,
    OperationError,
    find_client,
)

OTHER_CLIENT = "register another client, under another name in the file"


class ClientPlanner(Workbench):
    """Makes the steps about clients."""

    def plan_client(self, name: str, options: Values) -> None:
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

    def plan_rest(self, name: str, options: Values) -> None:
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
