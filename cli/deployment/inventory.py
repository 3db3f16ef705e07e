"""The deployment: settings, clients, providers, connections, roles, logs."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from chalicelib.config import ConfigurationError, read_catalog
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.client import Client
from chalicelib.records.settings import Settings
from cli.deployment.connections import list_connections
from cli.deployment.operations import Deployment, OperationError, list_clients, list_providers
from cli.deployment.roles import Role, read_roles


class Deployed(Struct, frozen=True, kw_only=True):
    """The deployment.

    providers   the enabled ones; `connections`: number of active connections by provider
    log_days    retention of each log group; None: no limit
    """

    settings: Settings
    clients: Sequence[Client]
    providers: Sequence[ProviderDefinition]
    connections: dict[str, int]
    roles: Sequence[Role]
    log_days: dict[str, int | None]


def read_deployed(deployment: Deployment, checkout: Path) -> Deployed:
    """Read the deployment from the tables, the settings and the policy files of the roles.

    Raises OperationError.
    """
    try:
        roles = read_roles(checkout)
        resources = json.loads((checkout / "infra" / "resources.json").read_text())["Resources"]
        catalog = read_catalog(deployment.settings)
    except (OSError, ValueError, KeyError) as error:
        raise OperationError(f"the policies cannot be read ({error})", "--checkout DIR of the repository") from None
    except ConfigurationError as error:
        raise OperationError("; ".join(error.faults), "broker provider check FILE.toml") from None
    on = [record.provider_id for record in list_providers(deployment) if not record.marks.disabled]
    alive = [one.provider_id for one in list_connections(deployment) if one.status != "revoked"]
    return Deployed(
        settings=deployment.settings,
        clients=list_clients(deployment),
        providers=[definition for one in on if (definition := catalog.get(one)) is not None],
        connections=dict(Counter(alive)),
        roles=roles,
        log_days={
            name: resource["Properties"].get("RetentionInDays")
            for name, resource in resources.items()
            if resource.get("Type") == "AWS::Logs::LogGroup"
        },
    )
