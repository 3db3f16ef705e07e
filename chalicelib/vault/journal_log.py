"""A provider's sealed answer in the log, where the table has refused it every time."""

import base64

import msgspec

from chalicelib.ports import Broker
from chalicelib.records.connection import Recovery

UNSTORED = "recovery_not_stored"
NAMED = ("connection_id", "generation", "attempt", "line", "epoch", "received_at")
PIECE = 400
# Of a token endpoint's answer. Sealed and in the log it stays below the 256 KiB at which CloudWatch cuts a line.
ANSWER_BYTES = 96 * 1024


def write_to_log(broker: Broker, recovery: Recovery) -> None:
    """The sealed answer, and nothing that opens it; in pieces, for a long word in the log is cut."""
    text = base64.b64encode(recovery.sealed).decode()
    fields = {name: getattr(recovery, name) for name in NAMED}
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    broker.log.event("alarm", kind=UNSTORED, **fields, sealed=pieces)


def read_from_log(line: str) -> Recovery | None:
    """What `write_to_log` wrote, whatever stands before it in the line; None for every other line."""
    try:
        said = msgspec.json.decode(line[line.index("{") :])
        if said["event"] != "alarm" or said["kind"] != UNSTORED:
            return None
        sealed = base64.b64decode("".join(said["sealed"]), validate=True)
        return msgspec.convert({**{name: said[name] for name in NAMED}, "sealed": sealed}, Recovery)
    except (ValueError, TypeError, KeyError):  # msgspec's errors are ValueErrors
        return None
