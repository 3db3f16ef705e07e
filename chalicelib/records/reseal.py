"""Progress of re-encrypting the users' keys after a rotation of the vault key."""

from msgspec import Struct


class Reseal(Struct, frozen=True, kw_only=True):
    """One item: a scan over all user keys that resumes where the last run stopped.

    version    of the vault key that encrypts everything afterwards
    began_at   epoch seconds
    cursor     the last key read in the user keys table; "": from the start
    seen       keys that this scan has read
    resealed   keys that it has re-encrypted under `version`
    broken     keys that no version decrypts
    revision   raised by every page: a slower run stops
    """

    version: int
    began_at: int
    cursor: str = ""
    seen: int = 0
    resealed: int = 0
    broken: int = 0
    revision: int = 0
