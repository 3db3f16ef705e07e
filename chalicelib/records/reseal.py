"""How far sealing anew has come after the vault's key was turned."""

from msgspec import Struct


class Reseal(Struct, frozen=True, kw_only=True):
    """One item: a look at all keys of users, resumed from where the last one stopped.

    version    of the vault's key, under which everything is sealed afterwards
    began_at   epoch seconds
    cursor     the key in the table of users' keys after which it goes on; "": from the beginning
    seen       keys that this look has come by
    resealed   of those, the ones that were not sealed under `version`
    broken     those that no version opens
    revision   raised by every page: whoever was slower stops
    """

    version: int
    began_at: int
    cursor: str = ""
    seen: int = 0
    resealed: int = 0
    broken: int = 0
    revision: int = 0
