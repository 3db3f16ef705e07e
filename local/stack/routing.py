"""Matches a path against an API's resources as API Gateway does: the most specific wins, parameters stay encoded."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Match:
    """A resource and what its parameters captured, percent-encoded as sent."""

    resource: str
    parameters: dict[str, str]


@dataclass
class _Node:
    static: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    greedy: str | None = None
    resource: str | None = None


class RouteMatcher:
    """A tree of path segments: at each, a fixed one goes before {name} and that before {name+}."""

    def __init__(self, resources: Iterable[str]) -> None:
        self._root = _Node()
        for resource in resources:
            self._add(resource)

    def match(self, path: str) -> Match | None:
        """The resource for a path that begins with a slash; one slash at its end does not count, except to {name+}."""
        segments = path[1:].split("/")
        found = _find(self._root, segments)
        if (found is None or found == self._root.greedy) and len(segments) > 1 and segments[-1] == "":
            found = _find(self._root, segments[:-1])
        if found is None:
            return None
        return Match(found, _captured(found, segments))

    def _add(self, resource: str) -> None:
        node = self._root
        for segment in resource[1:].split("/"):
            if segment.endswith("+}"):
                node.greedy = resource
                return
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.static.setdefault(segment, _Node())
        node.resource = resource


def _find(node: _Node, segments: list[str]) -> str | None:
    if not segments:
        return node.resource
    first, rest = segments[0], segments[1:]
    fixed = node.static.get(first)
    found = _find(fixed, rest) if fixed else None
    if found is None and node.parameter and first:
        found = _find(node.parameter, rest)
    if found is None and any(segments):
        found = node.greedy
    return found


def _captured(resource: str, segments: list[str]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for position, part in enumerate(resource[1:].split("/")):
        if part.endswith("+}"):
            parameters[part[1:-2]] = "/".join(segments[position:])
        elif part.startswith("{"):
            parameters[part[1:-1]] = segments[position]
    return parameters
