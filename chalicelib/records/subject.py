"""A user who has signed in at least once."""

from msgspec import Struct

from chalicelib.records.revocation import NOT_REVOKED, Revocation


class Subject(Struct, frozen=True, kw_only=True):
    """The user's stable `sub`.

    session_salt   16 bytes mixed into the key of this user's browser sessions: replacing it signs the user out
                   everywhere
    erased         how often the user of the login with this id was erased: the next user gets another `sub`
    login, life    of such a next user: the id of the login, and the number from which its `sub` was derived
    linked_to      the user that this login was added to; no user has this `sub` then
    link_mac       MAC over both ids, by the broker that linked them
    logins         of a user: ids of added logins -> their providers; valid only for those that are linked to this
                   user
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
