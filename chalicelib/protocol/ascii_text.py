"""Letters, digits and white space of protocol elements: ASCII alone.

`str.strip()`, `str.split()` and `str.lower()` follow Unicode. They turn U+2000 before a cookie's name into nothing and
the Kelvin sign into a k, so that we would read another word than the browser or the gateway in front of us.
"""

_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_TO_LOWER, _TO_UPPER = str.maketrans(_UPPER, _LOWER), str.maketrans(_LOWER, _UPPER)


def trim(text: str) -> str:
    """Without optional white space around it: space and tab (RFC 9110 section 5.6.3)."""
    return text.strip(" \t")


def lower(text: str) -> str:
    """A to Z in lower case, everything else as it is (RFC 4790 section 9.2)."""
    return text.translate(_TO_LOWER)


def upper(text: str) -> str:
    """a to z in upper case, everything else as it is."""
    return text.translate(_TO_UPPER)


def is_digits(text: str) -> bool:
    """One or more of 0 to 9."""
    return text.isascii() and text.isdigit()


def words(text: str) -> list[str]:
    """What spaces separate; an empty text has no words."""
    return [word for word in text.split(" ") if word]
