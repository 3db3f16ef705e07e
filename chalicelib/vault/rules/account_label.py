"""The display name of an account, for a user who has several. It comes from the encrypted profile and is never stored
beside it."""

from collections.abc import Mapping
from typing import Any

NAMED_BY = ("preferred_username", "email", "name", "nickname")
LONGEST = 80


def label_of(profile: Mapping[str, Any]) -> str:
    """The first of user name, email address and name that is not empty, on one line; "" if all are empty.

    profile   as `open_profile` decrypts it; the provider chose the text, so a page must clean and escape it
    """
    for name in NAMED_BY:
        value = profile.get(name)
        words = " ".join(value.split()) if isinstance(value, str) else ""
        if words:
            return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
    return ""
