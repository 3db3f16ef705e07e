"""Store methods for standing grants, which a trusted issuer's token begins. Without a secret, nothing redeems them."""

from chalicelib.adapters.dynamodb.tables import Tables
from chalicelib.ports import Refused, Written
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import grant_item_key


class StandingGrantVerbs(Tables):
    """The writes that begin a standing grant, begin it again, and keep it alive."""

    def begin_standing_grant(self, grant: Grant, *, replacing: Grant | None = None) -> Written[Grant] | Refused[Grant]:
        """Insert if absent, or compare and swap on version and time of decision. Also a revoked grant gives way: it had
        no secret, and every token of it names its version."""
        item_key = grant_item_key(grant.grant_id)
        if replacing is None:
            return self._put(item_key, grant, "attribute_not_exists(pk)")
        condition = "origin = :origin AND version = :version AND decided_at = :decided"
        values = {":origin": grant.origin, ":version": replacing.version, ":decided": replacing.decided_at}
        return self._put(item_key, grant, condition, values)

    def move_idle_end(self, grant: Grant, *, expires_at: int) -> Written[Grant] | Refused[Grant]:
        """Only the idle end moves, so a connection that was added meanwhile stays."""
        conditions = ["origin = :origin", "version = :version", "#status = :active"]
        values: dict[str, object] = {
            ":origin": grant.origin,
            ":version": grant.version,
            ":active": "active",
            ":end": expires_at,
        }
        return self._update(grant_item_key(grant.grant_id), "SET expires_at = :end", conditions, values)
