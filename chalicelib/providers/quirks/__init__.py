"""What a provider does that no key of a file can say: one small class each, named by `quirks` in the file.

A method is added here only if a provider's documentation requires something special at that step. It does nothing for
other providers. A deviation that a second provider shares becomes a key. Pure: values in, a refusal or nothing out.
"""

from chalicelib.providers.quirks.interface import Callback, QuirkRefused, Quirks
from chalicelib.providers.quirks.shopify import Shopify

__all__ = ["NAMES", "Callback", "QuirkRefused", "Quirks", "find_quirks"]

_NONE = Quirks()
_BY_NAME: dict[str, Quirks] = {"shopify": Shopify()}
NAMES = frozenset(_BY_NAME)


def find_quirks(name: str | None) -> Quirks:
    """Those that a file names; none where it names none."""
    return _BY_NAME[name] if name else _NONE
