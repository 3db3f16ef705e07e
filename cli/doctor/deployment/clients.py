"""The apps that the operator registered, and what any app may register."""

from collections.abc import Iterator

from chalicelib.records.client import Client
from cli.doctor.checks import Fault, Group, Source
from cli.doctor.deployment.visit import Here
from cli.known_scopes import find_unknown, find_unusable, list_scopes
from cli.nearest import nearest
from cli.operations import list_clients, list_resources

GROUP = Group("Clients")
PAGE = Source("docs/first-app.md", "docs/first-app.md")
UPDATE = "python3 dev.py broker client update"


@GROUP.check("clients-scopes", "warning", fix=f"{UPDATE} CLIENT_ID --remove-scope SCOPE", source=PAGE)
def have_known_scopes(here: Here) -> Iterator[str | Fault]:
    """A provider file or a resource lists every scope that an app may ask for."""
    resources = here.read(list_resources)
    for client in _registered(here):
        for scope, _ in find_unknown(client.scopes, here.catalog, resources):
            near = nearest(scope, list_scopes(here.catalog, scope, resources))
            instead = f" --add-scope {near}" if near else ""
            found = f"{client.client_name} may ask for {scope}, which nothing lists"
            yield Fault(found, f"{UPDATE} {client.client_id} --remove-scope {scope}{instead}")
    for scope, _ in find_unknown(here.settings.open_registration_scopes, here.catalog, resources):
        yield Fault(f"any app may register {scope}, which nothing lists", "Correct BROKER_OPEN_REGISTRATION_SCOPES.")


@GROUP.check("clients-providers", "warning", fix="python3 dev.py broker client show CLIENT_ID", source=PAGE)
def can_use_their_scopes(here: Here) -> Iterator[Fault]:
    """An app that may ask for a provider's scopes can get something with them."""
    switched_on = {record.provider_id for record in here.providers}
    for client in _registered(here):
        for said in find_unusable(client, here.catalog, switched_on):
            fix = said.command and f"python3 dev.py {said.command}"
            yield Fault(f"{client.client_name}: {said.fault}", fix or f"{UPDATE} {client.client_id} {said.option}")


def _registered(here: Here) -> list[Client]:
    """By the operator and in use; an app that registered itself has what the settings allow."""
    alive = (one for one in here.read(list_clients) if not one.marks.disabled and not one.deleted_at)
    return [client for client in alive if client.registered_by == "operator"]
