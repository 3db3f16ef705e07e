"""The stored connections of a deployment."""

from chalicelib.records.connection import Connection
from cli.deployment.operations import Deployment


def list_connections(deployment: Deployment, **wanted: str | None) -> list[Connection]:
    """All that match these fields, oldest first; None matches any value."""
    found: list[Connection] = deployment.scan("CONNECTION#", Connection)
    asked = {name: value for name, value in wanted.items() if value}
    mine = [one for one in found if all(getattr(one, name) == value for name, value in asked.items())]
    return sorted(mine, key=lambda one: (one.connected_at, one.connection_id))
