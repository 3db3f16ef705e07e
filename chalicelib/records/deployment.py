"""The switch for everything."""

from msgspec import Struct

from chalicelib.records.marks import NO_MARKS, Marks


class Deployment(Struct, frozen=True, kw_only=True):
    """Marks on the whole deployment."""

    marks: Marks = NO_MARKS
