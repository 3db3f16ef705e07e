"""Store methods for a refresh token's successor that a pause withheld from its client."""

from chalicelib.adapters.dynamodb.tables import Tables
from chalicelib.ports import Refused, Written
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import grant_item_key


class WithheldTokenVerbs(Tables):
    """Withholds a successor, and delivers it once."""

    def withhold_token(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """Record that the present generation was not delivered, if it is still the present one."""
        return self._update(
            grant_item_key(grant.grant_id),
            "SET withheld = :generation",
            ["generation = :generation", "client_id = :client", "#status = :active"],
            {":generation": grant.generation, ":client": grant.client_id, ":active": "active"},
        )

    def deliver_withheld(self, grant: Grant, *, key_version: int, now: int) -> Written[Grant] | Refused[Grant]:
        """Start the grace period of a withheld generation now."""
        conditions = [
            "generation = :generation",
            "withheld = :generation",
            "client_id = :client",
            "#status = :active",
            "expires_at > :now",
            "ends_at > :now",
            "(attribute_not_exists(paused) OR paused = :no)",
        ]
        values: dict[str, object] = {
            ":generation": grant.generation,
            ":client": grant.client_id,
            ":active": "active",
            ":now": now,
            ":no": False,
            ":version": key_version,
        }
        update = "SET advanced_at = :now, key_version = :version, expires_at = idle_seconds + :now"
        return self._update(grant_item_key(grant.grant_id), update, conditions, values, remove="withheld")
