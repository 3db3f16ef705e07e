"""A person who has signed in at least once."""

from msgspec import Struct

from chalicelib.records.marks import NO_MARKS, Marks


class Subject(Struct, frozen=True, kw_only=True):
    """Our stable `sub`.

    session_salt   16 bytes mixed into the key of this user's browser sessions: replacing it signs out everywhere
    """

    sub: str
    session_salt: bytes
    created_at: int
    marks: Marks = NO_MARKS
