"""Members of a registration document by their type (RFC 7591 section 2). Each raises InvalidClientMetadata."""

from collections.abc import Mapping
from typing import Any

from chalicelib.protocol.errors import InvalidClientMetadata


def read_string(document: Mapping[str, Any], name: str) -> str | None:
    """A text member; None where it is absent, null or empty."""
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidClientMetadata("member_not_a_string", name)
    return value or None


def read_flag(document: Mapping[str, Any], name: str) -> bool:
    """True or false; false where it is absent or null."""
    value = document.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidClientMetadata("member_not_a_boolean", name)
    return value or False


def read_list(document: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """A list of different strings; None where it is absent or null."""
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidClientMetadata("member_not_a_list_of_strings", name)
    if len(set(value)) != len(value):
        raise InvalidClientMetadata("member_repeats_a_value", name)
    return tuple(value)
