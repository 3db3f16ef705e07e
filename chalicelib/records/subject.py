"""A person who has signed in at least once."""

from msgspec import Struct

from chalicelib.records.revocation import NOT_REVOKED, Revocation


class Subject(Struct, frozen=True, kw_only=True):
    """Our stable `sub`.

    session_salt   16 bytes mixed into the key of this user's browser sessions: replacing it signs out everywhere
    erased         how often the user of the login with this name has been erased: the next one has another `sub`
    login, life    of such a next one: the name of its login, and the number from which its `sub` was derived
    linked_to      whose further login it is; nobody goes by this name then
    link_mac       MAC over both names, by the broker that linked them
    logins         of a user: names of further logins -> their providers; good are those that are linked to this user
    new_connections    ids of connections that the index may not show yet -> when they were noted, in epoch seconds
    """

    sub: str
    session_salt: bytes
    created_at: int
    marks: Revocation = NOT_REVOKED
    erased: int = 0
    login: str = ""
    life: int = 0
    linked_to: str = ""
    link_mac: bytes = b""
    logins: dict[str, str] = {}
    new_connections: dict[str, int] = {}
