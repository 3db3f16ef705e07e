"""The switch for everything."""

from msgspec import Struct

from chalicelib.records.revocation import NOT_REVOKED, Revocation


class Deployment(Struct, frozen=True, kw_only=True):
    """Marks on the whole deployment."""

    marks: Revocation = NOT_REVOKED
