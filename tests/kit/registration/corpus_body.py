"""The request body that a line of the registration corpus stands for."""

from tests.data import Line


def body_of(line: Line) -> bytes:
    """What is sent of a line that is no document."""
    trick = line.trick
    if "hex" in trick:
        return bytes.fromhex(trick["hex"])
    filling = "".join(part * trick["times"] for part in trick.get("filled", ()))
    return str(trick["text"]).replace("$", filling).encode()
