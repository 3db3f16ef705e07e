"""Every line of a provider file has a source: a page that was read, or the admission that there was none."""

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.providers.definition.errors import Fault

_OURS = frozenset(
    {"provider_id", "display_name", "documentation", "checked_on", "unverified", "notes", "registration", "mark"}
)


def leaves(document: Mapping[str, Any]) -> Iterator[str]:
    """The dotted keys that need a source; a scope is one of them, its words are ours."""
    for key, value in document.items():
        if key == "scopes" and isinstance(value, dict):
            yield from (f"scopes.{name}" for name in value)
        elif key not in _OURS:
            yield from _below(key, value)


def check_sources(document: Mapping[str, Any]) -> list[Fault]:
    """Each leaf is covered once: by `documentation` or by `unverified`, the longest key that names it deciding."""
    documentation, unverified = document["documentation"], document.get("unverified", ())
    found = sorted(set(leaves(document)))
    faults = [
        Fault("documentation", f"documentation: {page} is an https link to a page", "name the page that was read")
        for page in documentation
        if not page.startswith("https://")
    ]
    if not documentation:
        faults.append(Fault("documentation", "documentation needs a link", "name a page and the keys that it states"))
    for page, keys in documentation.items():
        faults += _unknown(f"documentation.{page}", keys, found)
        if not keys:
            faults.append(Fault(f"documentation.{page}", f"documentation: {page} states something", "list its keys"))
    faults += _unknown("unverified", unverified, found)
    documented = {key for keys in documentation.values() for key in keys}
    for leaf in found:
        stated, admitted = _longest(leaf, documented), _longest(leaf, set(unverified))
        if not stated and not admitted:
            fix = "list it below the page in `documentation` that states it, else in `unverified`"
            faults.append(Fault(leaf, f"{leaf} has no source", fix))
        elif stated == admitted:
            fix = "leave it in one of the two"
            faults.append(Fault(leaf, f"{leaf} is named in `documentation` and in `unverified`", fix))
    return faults


def count_sources(document: Mapping[str, Any]) -> tuple[int, int]:
    """How many lines a page states, and how many none does."""
    documented = {key for keys in document["documentation"].values() for key in keys}
    unverified = set(document.get("unverified", ()))
    found = set(leaves(document))
    verified = sum(len(_longest(leaf, documented)) > len(_longest(leaf, unverified)) for leaf in found)
    return verified, len(found) - verified


def _below(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _below(f"{key}.{name}", inner)
    else:
        yield key


def _covers(key: str, leaf: str) -> bool:
    return leaf == key or leaf.startswith(key + ".")


def _longest(leaf: str, keys: set[str]) -> str:
    """The most exact of the keys that name this leaf; "" for none."""
    return max((key for key in keys if _covers(key, leaf)), key=len, default="")


def _unknown(place: str, keys: Any, found: list[str]) -> list[Fault]:
    return [
        Fault(place, f"{key} is named as a key and stands nowhere in the file", "remove it, or correct its spelling")
        for key in keys
        if not any(_covers(key, leaf) for leaf in found)
    ]
