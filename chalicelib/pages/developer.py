"""The box for a developer, which only a broker on the developer's own machine shows, and how it marks differences."""

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from markupsafe import Markup


class RefusalBox(Struct, frozen=True, kw_only=True):
    """Why a request was refused, from what the log may hold (`log_redaction`), and the commands that go on.

    host        of the issuer, the condition for showing the box
    expected    what is registered, the nearest first; received: one value, or the words of a list
    client_id   as far as the request names one
    more        other names and values of the log line
    explain     the command that shows every check
    repair      the command that may help; repair_label: a key of the section `developer`
    """

    host: str
    reason: str
    reference: str
    explain: str
    expected: tuple[str, ...] = ()
    received: tuple[str, ...] = ()
    client_id: str = ""
    more: tuple[tuple[str, str], ...] = ()
    repair: str = ""
    repair_label: Literal["register", "next"] = "next"


class MachineBox(Struct, frozen=True, kw_only=True):
    """What runs here, for the front page of a broker on the developer's own machine.

    apps         how many are registered; None if the broker cannot tell
    providers    name of each that is switched on, and whether this machine simulates it
    live         URL of the live view; "" without one
    first_app    the command that registers an app
    """

    host: str
    issuer: str
    first_app: str
    apps: int | None = None
    providers: tuple[tuple[str, bool], ...] = ()
    live: str = ""


def mark_difference(received: Sequence[str], expected: Sequence[str]) -> "Markup":
    """The received value with its differences from the first expected one in bold; of several words, the unexpected."""
    from markupsafe import Markup, escape

    same, bold = Markup("{}"), Markup("<b>{}</b>")
    if len(received) != 1:
        return Markup(" ").join((same if word in expected else bold).format(word) for word in received)
    text, nearest = received[0], expected[0] if expected else ""
    begin = _count_equal(text, nearest)
    end = len(text) - _count_equal(text[begin:][::-1], nearest[begin:][::-1])
    if not nearest or begin == end:
        return escape(text)
    return same.format(text[:begin]) + bold.format(text[begin:end]) + same.format(text[end:])


def _count_equal(one: str, other: str) -> int:
    """How many characters are equal from the start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
