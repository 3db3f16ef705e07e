"""The faults of a provider file: the line, what was expected, and how to fix it."""

from msgspec import Struct


class Fault(Struct, frozen=True):
    """One fault. `key` is the dotted key, "" where it is about the whole file; `fix` completes "Fix: ..."."""

    key: str
    expected: str
    fix: str
    line: int | None = None

    def __str__(self) -> str:
        """As the operator reads it."""
        place = "" if self.line is None else f"line {self.line}: "
        return f"{place}{self.expected}. Fix: {self.fix}"


class InvalidDefinition(ValueError):
    """A provider file cannot be used; `faults` lists everything that is wrong with it, not the first thing alone.

    faults    in words
    details   the same for programs, where they are about the text of one file
    """

    def __init__(self, source: str, faults: tuple[str, ...], details: tuple[Fault, ...] = ()) -> None:
        super().__init__(f"{source}: " + "; ".join(faults))
        self.source = source
        self.faults = faults
        self.details = details
