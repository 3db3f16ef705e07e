"""How an account is called where a user has several: from its sealed profile, and never stored beside it."""

from collections.abc import Mapping
from typing import Any

NAMED_BY = ("preferred_username", "email", "name", "nickname")
LONGEST = 80


def label_of(profile: Mapping[str, Any]) -> str:
    """The first of user name, e-mail address and name that says anything, on one line; "" where none does.

    profile   as `vault.sealed.open_profile` opens it; a provider's word, so a page cleans and escapes it
    """
    for name in NAMED_BY:
        value = profile.get(name)
        words = " ".join(value.split()) if isinstance(value, str) else ""
        if words:
            return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
    return ""
