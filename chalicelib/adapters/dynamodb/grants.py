"""Store methods for grants. Each is one conditional write, so every "exactly once" is a compare-and-swap."""

from chalicelib.adapters.dynamodb.tables import Tables, equal, require_members
from chalicelib.ports import Advance, Redemption, Refused, Widening, Written
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import grant_item_key

# Longer than a page, the cookie after it and a request together: the item must outlive every form with its grant id.
KEPT = 3600
MAX_OPERANDS = 100  # of one IN


class GrantVerbs(Tables):
    """The writes from the claim of a grant to its tombstone."""

    def claim_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """Insert if absent. No other process takes over a claim whose process crashed."""
        return self._put(grant_item_key(grant.grant_id), grant, "attribute_not_exists(pk)")

    def issue_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """exchanging -> issued."""
        condition = "#status = :exchanging AND client_id = :client AND decided_at = :decided"
        values = {":exchanging": "exchanging", ":client": grant.client_id, ":decided": grant.decided_at}
        return self._put(grant_item_key(grant.grant_id), grant, condition, values, {"#status": "status"})

    def redeem_code(self, redemption: Redemption) -> Written[Grant] | Refused[Grant]:
        """issued(0) -> active(1): the same write consumes the code and creates its successor."""
        conditions = [
            "generation = :zero",
            "#status = :issued",
            "secret_hash = :secret",
            "client_id = :client",
            "epoch = :epoch",
            "expires_at > :now",
        ]
        values: dict[str, object] = {
            ":zero": 0,
            ":issued": "issued",
            ":secret": redemption.secret_hash,
            ":client": redemption.client_id,
            ":epoch": redemption.epoch,
            ":now": redemption.now,
            ":active": "active",
            ":one": 1,
            ":successor": redemption.successor_hash,
            ":salt": redemption.successor_salt,
            ":version": redemption.key_version,
            ":kept": KEPT,
        }
        if redemption.code_challenge is None:
            conditions += ["attribute_exists(device)", "attribute_not_exists(code_challenge)"]
        else:
            conditions.append("code_challenge = :challenge")
            values[":challenge"] = redemption.code_challenge
        if redemption.redirect_hash is not None:
            conditions.append("redirect_hash = :redirect")
            values[":redirect"] = redemption.redirect_hash
        require_members(conditions, values, "resources", [redemption.resource] if redemption.resource else [])
        _require_key(conditions, values, "dpop_jkt", redemption.jkt)
        update = (
            "SET generation = :one, #status = :active, secret_hash = :successor, salt = :salt, key_version = :version, "
            "advanced_at = :now, previous_advanced_at = :now, expires_at = idle_seconds + :now, "
            "purge_at = ends_at + :kept"
        )
        if redemption.binds:
            update += ", jkt = :jkt, bound_since = :one"
        return self._update(grant_item_key(redemption.grant_id), update, conditions, values)

    def advance_grant(self, advance: Advance) -> Written[Grant] | Refused[Grant]:
        """active(n) -> active(n + 1). Without rotation: active(n), with a later idle end."""
        conditions = [
            "generation = :generation",
            "#status = :active",
            "secret_hash = :secret",
            "client_id = :client",
            "epoch = :epoch",
            "expires_at > :now",
            "ends_at > :now",
            "(attribute_not_exists(paused) OR paused = :no)",
        ]
        values: dict[str, object] = {
            ":no": False,
            ":generation": advance.generation,
            ":active": "active",
            ":secret": advance.secret_hash,
            ":client": advance.client_id,
            ":epoch": advance.epoch,
            ":now": advance.now,
            ":next": advance.generation + advance.rotates,
            ":version": advance.key_version,
        }
        require_members(conditions, values, "scopes", sorted(advance.scopes))
        require_members(conditions, values, "resources", [advance.resource] if advance.resource else [])
        if advance.registered is not None:
            _require_first(conditions, values, "resources", sorted(advance.registered))
        _require_key(conditions, values, "jkt", advance.jkt)
        update = "SET generation = :next, key_version = :version, expires_at = idle_seconds + :now"
        if advance.rotates:
            update += ", previous_advanced_at = advanced_at, advanced_at = :now"
        if advance.binds:
            update += ", jkt = :jkt, bound_since = if_not_exists(bound_since, :next)"
        return self._update(grant_item_key(advance.grant_id), update, conditions, values, remove="nonce, withheld")

    def widen_grant(self, widening: Widening) -> Written[Grant] | Refused[Grant]:
        """active -> active with more permissions, at any generation. Sets only grow, and a named connection is not
        replaced."""
        conditions = [
            "epoch = :epoch",
            "#status = :active",
            "client_id = :client",
            "#sub = :sub",
            "ends_at > :now",
            "expires_at > :now",
            equal("version", ":grant_version", stands_for=widening.version),
        ]
        values: dict[str, object] = {
            ":grant_version": widening.version,
            ":active": "active",
            ":sub": widening.sub,
            ":client": widening.client_id,
            ":epoch": widening.epoch,
            ":now": widening.now,
            ":connection": widening.connection_id,
            **({":scopes": widening.scopes} if widening.scopes else {}),
        }
        update = "SET connections.#provider = if_not_exists(connections.#provider, :connection)"
        add = "scopes :scopes" if widening.scopes else ""
        names = {"#provider": widening.provider_id}
        return self._update(grant_item_key(widening.grant_id), update, conditions, values, add=add, names=names)

    def revoke_grant(
        self, grant_id: str, *, client_id: str, secret_hash: bytes | None = None
    ) -> Written[Grant] | Refused[Grant]:
        """any -> revoked, only if the grant belongs to this client and has this present secret, if one is given."""
        conditions = ["client_id = :client"]
        values: dict[str, object] = {":revoked": "revoked", ":client": client_id}
        if secret_hash is not None:
            conditions.append("secret_hash = :secret")
            values[":secret"] = secret_hash
        return self._update(grant_item_key(grant_id), "SET #status = :revoked", conditions, values)

    def pause_grant(self, grant_id: str, *, sub: str, paused: bool) -> Written[Grant] | Refused[Grant]:
        """Pause or resume at any generation. A revoked grant does not change."""
        values: dict[str, object] = {":paused": paused, ":revoked": "revoked", ":sub": sub}
        return self._update(
            grant_item_key(grant_id), "SET paused = :paused", ["#sub = :sub", "#status <> :revoked"], values
        )


def _require_key(conditions: list[str], values: dict[str, object], attribute: str, jkt: str | None) -> None:
    """A grant bound to a key needs a proof by that key. An unbound grant accepts any proof, or none."""
    if jkt is None:
        conditions.append(f"attribute_not_exists({attribute})")
    else:
        conditions.append(f"(attribute_not_exists({attribute}) OR {attribute} = :jkt)")
        values[":jkt"] = jkt


def _require_first(conditions: list[str], values: dict[str, object], attribute: str, among: list[str]) -> None:
    """The first element of the list is one of these, or the list is empty."""
    allowed = [f"attribute_not_exists({attribute}[0])"]
    for start in range(0, len(among), MAX_OPERANDS):
        # Short names, because an expression is limited to 4,096 bytes. This limits how many APIs a client may
        # register.
        names = {f":f{start + place}": one for place, one in enumerate(among[start:][:MAX_OPERANDS])}
        allowed.append(f"{attribute}[0] IN ({','.join(names)})")
        values.update(names)
    conditions.append(f"({' OR '.join(allowed)})")
