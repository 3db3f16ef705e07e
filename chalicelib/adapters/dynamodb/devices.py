"""Store methods for a grant that a device waits for (RFC 8628). Each is one conditional write."""

from chalicelib.adapters.dynamodb.codec import is_empty
from chalicelib.adapters.dynamodb.tables import Tables
from chalicelib.ports import DeviceDecision, DevicePoll, Refused, Written
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import grant_item_key

# Fields that the approval sets. Secret, resources and poll interval were set when the device made its request.
APPROVED = (
    "sub", "provider_id", "scopes", "connections", "auth_time", "acr", "decided_at", "expires_at", "ends_at",
    "purge_at", "grace_seconds", "idle_seconds", "sid", "shown_sub", "binding",
)  # fmt: skip
OPEN = ["#status = :pending", "client_id = :client", "device.round = :round", "device.ends_at > :now"]
MINE = ["#status = :exchanging", "client_id = :client", "device.round = :round", "device.decision = :decision"]


class DeviceVerbs(Tables):
    """The writes of a polling device and of the deciding browsers."""

    def claim_device(self, decided: DeviceDecision, *, until: int) -> Written[Grant] | Refused[Grant]:
        """device_pending -> exchanging."""
        values = {
            ":pending": "device_pending",
            ":exchanging": "exchanging",
            ":client": decided.client_id,
            ":round": decided.round,
            ":decision": decided.decision,
            ":decided": decided.decided_at,
            ":now": decided.now,
            ":until": until,
        }
        update = "SET #status = :exchanging, device.decision = :decision, decided_at = :decided, expires_at = :until"
        return self._update(grant_item_key(decided.grant_id), update, OPEN, values)

    def reopen_device(self, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        """exchanging -> device_pending, until the request's original end. Pages of the earlier round no longer work."""
        values = {
            ":pending": "device_pending",
            ":exchanging": "exchanging",
            ":client": decided.client_id,
            ":round": decided.round,
            ":decision": decided.decision,
            ":next": decided.round + 1,
        }
        update = "SET #status = :pending, device.round = :next, expires_at = device.ends_at"
        return self._update(grant_item_key(decided.grant_id), update, MINE, values, remove="device.decision")

    def issue_device(self, grant: Grant, decided: DeviceDecision, *, claimed: bool) -> Written[Grant] | Refused[Grant]:
        """exchanging or device_pending -> issued. The device code is valid from now on, as long as an authorization
        code."""
        fields = {name: getattr(grant, name) for name in APPROVED}
        kept = {name: value for name, value in fields.items() if not is_empty(value)}
        values: dict[str, object] = {
            ":issued": "issued",
            ":client": decided.client_id,
            ":round": decided.round,
            ":decision": decided.decision,
            **{f":{name}": value for name, value in kept.items()},
            **({":exchanging": "exchanging"} if claimed else {":pending": "device_pending", ":now": decided.now}),
        }
        names = {f"#{name}": name for name in kept}
        sets = ", ".join(f"#{name} = :{name}" for name in kept)
        return self._update(
            grant_item_key(grant.grant_id),
            f"SET #status = :issued, device.decision = :decision, {sets}",
            MINE if claimed else OPEN,
            values,
            remove=", ".join(["device.asked_from", *sorted(fields.keys() - kept.keys())]),
            names=names,
        )

    def deny_device(self, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        """device_pending -> device_denied. A request that is exchanging or issued does not change."""
        values = {
            ":pending": "device_pending",
            ":denied": "device_denied",
            ":client": decided.client_id,
            ":round": decided.round,
            ":now": decided.now,
        }
        update = "SET #status = :denied"
        return self._update(grant_item_key(decided.grant_id), update, OPEN, values, remove="device.asked_from")

    def note_poll(self, poll: DevicePoll, *, early_by: int) -> Written[Grant] | Refused[Grant]:
        """Allow the next poll one interval from now."""
        conditions = [
            "#status IN (:pending, :exchanging)",
            "secret_hash = :secret",
            "client_id = :client",
            "epoch = :epoch",
        ]
        values: dict[str, object] = {
            ":pending": "device_pending",
            ":exchanging": "exchanging",
            ":secret": poll.secret_hash,
            ":client": poll.client_id,
            ":epoch": poll.epoch,
            ":next": poll.now + early_by,
        }
        update = "SET device.poll_after = device.poll_interval + :next"
        if early_by:
            update += ", device.poll_interval = device.poll_interval + :more"
            values[":more"] = early_by
        else:
            conditions.append("device.poll_after <= :next")
        return self._update(grant_item_key(poll.grant_id), update, conditions, values)
