"""The authorization endpoint of a simulated provider, as a browser on this machine reaches it.

The broker itself calls such a provider by https under the names of its file. A browser cannot: to it, those names lead
to the real provider.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from chalicelib.ports.outbound import Directory
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.endpoints import Endpoints


class DirectoryWithDoors:
    """A directory that sends the browser to a simulated provider's plain door.

    doors   provider id -> http://127.0.0.1:PORT; every URL of the provider is below it, its host first
    """

    def __init__(self, inner: Directory, doors: Mapping[str, str]) -> None:
        self._inner, self._doors = inner, doors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def endpoints(self, definition: ProviderDefinition, issuer: str | None) -> Endpoints:
        """The provider's endpoints; the authorization endpoint is behind its door, if it has one."""
        found = self._inner.endpoints(definition, issuer)
        door = self._doors.get(definition.provider_id)
        if door is None:
            return found
        behind = f"{door}/{found.authorization_endpoint.removeprefix('https://')}"
        return replace(found, authorization_endpoint=behind)
