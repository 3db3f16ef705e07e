"""Checks the apps that the operator registered, and what self-registered apps may request."""

from collections.abc import Iterator

from chalicelib.records.client import Client
from cli.client_options.known_scopes import find_unknown, find_unusable, list_scopes
from cli.deployment.operations import list_clients, list_resources
from cli.doctor.checks import Fault, Group, Source
from cli.doctor.deployment.visit import Here
from cli.nearest import nearest

GROUP = Group("Clients")
PAGE = Source("docs/first-app.md", "docs/first-app.md")
UPDATE = "python3 dev.py broker client update"


@GROUP.check("clients-scopes", "warning", fix=f"{UPDATE} CLIENT_ID --remove-scope SCOPE", source=PAGE)
def have_known_scopes(here: Here) -> Iterator[str | Fault]:
    """Every scope that an app may request is listed in a provider file or a resource."""
    resources = here.read(list_resources)
    for client in _registered(here):
        for scope, _ in find_unknown(client.scopes, here.catalog, resources):
            near = nearest(scope, list_scopes(here.catalog, scope, resources))
            instead = f" --add-scope {near}" if near else ""
            found = f"{client.client_name} may request {scope}, which is not listed anywhere"
            yield Fault(found, f"{UPDATE} {client.client_id} --remove-scope {scope}{instead}")
    for scope, _ in find_unknown(here.settings.open_registration_scopes, here.catalog, resources):
        yield Fault(
            f"any app may register {scope}, which is not listed anywhere", "Correct BROKER_OPEN_REGISTRATION_SCOPES."
        )


@GROUP.check("clients-providers", "warning", fix="python3 dev.py broker client show CLIENT_ID", source=PAGE)
def can_use_their_scopes(here: Here) -> Iterator[Fault]:
    """An app that may request a provider's scopes can use them."""
    switched_on = {record.provider_id for record in here.providers}
    for client in _registered(here):
        for said in find_unusable(client, here.catalog, switched_on):
            fix = said.command and f"python3 dev.py {said.command}"
            yield Fault(f"{client.client_name}: {said.fault}", fix or f"{UPDATE} {client.client_id} {said.option}")


def _registered(here: Here) -> list[Client]:
    """Apps of the operator that are in use; the settings limit self-registered apps."""
    alive = (one for one in here.read(list_clients) if not one.marks.disabled and not one.deleted_at)
    return [client for client in alive if client.registered_by == "operator"]
