"""What the pages of a broker on this machine may say about the machine."""

from typing import TYPE_CHECKING

from chalicelib.ports.machine import MachineParts
from cli.invocation import as_typed

if TYPE_CHECKING:
    from chalicelib.providers.catalog import Catalog
    from cli.deployment.operations import Deployment


class LocalMachine:
    """The machine of a local stack.

    simulated   ids of the providers that the stack plays
    live        URL of the live view, set when it is served
    """

    def __init__(self, deployment: "Deployment", catalog: "Catalog", *, simulated: frozenset[str]) -> None:
        self._deployment, self._catalog, self._simulated = deployment, catalog, simulated
        self.live = ""

    @property
    def command(self) -> str:
        """The operator's command as it is typed here."""
        return as_typed("python3 dev.py broker")

    def describe(self) -> MachineParts:
        """Registered apps and enabled providers, read from the table."""
        from cli.deployment.operations import list_clients, list_providers

        enabled = [record.provider_id for record in list_providers(self._deployment)]
        names = {provider_id: self._catalog.get(provider_id) for provider_id in enabled}
        shown = {one: definition.display_name for one, definition in names.items() if definition}
        simulated = frozenset(name for one, name in shown.items() if one in self._simulated)
        apps = len(list_clients(self._deployment))
        return MachineParts(apps=apps, providers=tuple(shown.values()), simulated=simulated, live=self.live)
