"""The revocation of the whole deployment."""

from msgspec import Struct

from chalicelib.records.revocation import NOT_REVOKED, Revocation


class Deployment(Struct, frozen=True, kw_only=True):
    """Holds the revocation that applies to everything in this deployment."""

    marks: Revocation = NOT_REVOKED
