"""A provider's encrypted refresh response in the log, written when the table refuses every write."""

import base64

import msgspec

from chalicelib.ports import Broker
from chalicelib.records.connection import Recovery

UNSTORED = "recovery_not_stored"
NAMED = ("connection_id", "generation", "attempt", "line", "epoch", "received_at")
PIECE = 400
# Limit for a token response. Encrypted and in the log it stays below 256 KiB, where CloudWatch cuts a line.
ANSWER_BYTES = 96 * 1024


def write_to_log(broker: Broker, recovery: Recovery) -> None:
    """Log the encrypted response without any key, in pieces, because the log cuts long values."""
    text = base64.b64encode(recovery.sealed).decode()
    fields = {name: getattr(recovery, name) for name in NAMED}
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    broker.log.event("alarm", kind=UNSTORED, **fields, sealed=pieces)


def read_from_log(line: str) -> Recovery | None:
    """Parse what `write_to_log` wrote, ignoring any prefix of the line; None for every other line."""
    try:
        said = msgspec.json.decode(line[line.index("{") :])
        if said["event"] != "alarm" or said["kind"] != UNSTORED:
            return None
        sealed = base64.b64decode("".join(said["sealed"]), validate=True)
        return msgspec.convert({**{name: said[name] for name in NAMED}, "sealed": sealed}, Recovery)
    except (ValueError, TypeError, KeyError):  # msgspec's errors are ValueErrors
        return None
