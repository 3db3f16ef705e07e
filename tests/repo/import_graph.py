"""The imports between the modules of the repository, read from their source.

Imports inside functions and under TYPE_CHECKING count: a reader follows them like any other.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

Graph = Mapping[str, frozenset[str]]


def read_graph(root: Path, tops: Iterable[str]) -> Graph:
    """Module -> the modules that it imports, for the packages and modules `tops` of a folder."""
    files = {_module_name(root, file): file for top in tops for file in _python_files(root, top)}
    return {name: frozenset(_read_imports(name, file, files)) - {name} for name, file in files.items()}


def children_of(graph: Graph, package: str) -> Graph:
    """The graph between the direct children of a package; "": between the top-level packages."""
    depth = len(package.split(".")) if package else 0
    inside = f"{package}." if package else ""
    found: dict[str, set[str]] = defaultdict(set)
    for module, imported in graph.items():
        if module.startswith(inside):
            child = _cut(module, depth)
            found[child] |= {_cut(other, depth) for other in imported if other.startswith(inside)} - {child}
    return {child: frozenset(others) for child, others in found.items()}


def packages_of(graph: Graph) -> list[str]:
    """The names of all packages."""
    return sorted({module[:dot] for module in graph for dot, letter in enumerate(module) if letter == "."})


def find_cycle(graph: Graph) -> list[str]:
    """One cycle, first name repeated at its end; empty if there is none."""
    done: set[str] = set()
    for start in sorted(graph):
        path: list[str] = []
        waiting: list[tuple[str, Iterator[str]]] = []
        if start not in done:
            path, waiting = [start], [(start, iter(sorted(graph[start])))]
        while waiting:
            name, rest = waiting[-1]
            following = next(rest, None)
            if following is None:
                waiting.pop()
                path.pop()
                done.add(name)
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in done:
                path.append(following)
                waiting.append((following, iter(sorted(graph.get(following, ())))))
    return []


def _python_files(root: Path, top: str) -> list[Path]:
    single = root / f"{top}.py"
    return [single] if single.exists() else [file for file in (root / top).rglob("*.py") if file.is_file()]


def _module_name(root: Path, file: Path) -> str:
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _cut(module: str, depth: int) -> str:
    return ".".join(module.split(".")[: depth + 1])


def _read_imports(name: str, file: Path, files: Mapping[str, Path]) -> Iterator[str]:
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield from (found for found in (inner if inner in files else module,) if found in files)
