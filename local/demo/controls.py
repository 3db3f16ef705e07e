"""Controls of the demo app over a simulated provider: expire its tokens, remove the app there."""

import time
from typing import TYPE_CHECKING

import msgspec

from local.fake.control import change

if TYPE_CHECKING:
    from cli.deployment.operations import Deployment
    from local.fake.simulation import Simulation


class Played:
    """The levers of one provider; never a token among what it tells.

    deployment   the broker that is connected to it
    """

    def __init__(self, provider_id: str, provider: "Simulation", deployment: "Deployment") -> None:
        self._provider_id, self._provider, self._deployment = provider_id, provider, deployment

    def count_refreshes(self) -> int:
        """How often a client requested new tokens with a refresh token."""
        asked = (one for one in list(self._provider.requests) if one.endpoint == "token")
        return sum(one.form.get("grant_type") == "refresh_token" for one in asked)

    def expire(self) -> None:
        """As if the time of every access token were up, there and in the broker's own record of it."""
        from chalicelib.records.connection import Connection
        from chalicelib.records.item_keys import connection_item_key

        change(self._provider.grants, {"end_access_tokens": True})
        found: list[Connection] = self._deployment.scan("CONNECTION#", Connection)
        for connection in found:
            if connection.provider_id == self._provider_id and connection.access_expires_at is not None:
                place = connection_item_key(connection.connection_id)
                ended = msgspec.structs.replace(connection, access_expires_at=int(time.time()))
                self._deployment.put_fields(place, ended, "access_expires_at", read=connection)

    def remove(self) -> None:
        """As if every user had removed every app in the provider's settings, some time ago."""
        change(self._provider.grants, {"end_grants": True})
        self.expire()
