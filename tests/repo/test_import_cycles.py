"""No import cycle in the repository, between modules or between packages, and no import that points upward."""

from pathlib import Path

import pytest

from tests.kit import ROOT
from tests.repo.import_graph import Graph, children_of, find_cycle, packages_of, read_graph

# From top to bottom; the packages of one row may import each other.
LAYERS = (
    ("bench", "dev", "tests", "token_broker_testing"),
    ("local",),
    ("app", "cli", "demo"),
    ("chalicelib",),
)
TOPS = [name for row in LAYERS for name in row]
LAYERED = ("bench", "chalicelib", "cli", "demo", "local", "token_broker_testing")
UPWARD = {  # `broker provider test` needs the simulated providers, and says so where they are missing
    ("cli.commands.provider_test", "local.trial.steps"),
    ("cli.commands.provider_test", "local.trial.workshop"),
}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return read_graph(ROOT, TOPS)


def test_no_module_imports_itself_through_others(graph: Graph) -> None:
    assert len(graph) > 1000
    assert find_cycle(graph) == []


def test_no_package_imports_itself_through_its_neighbours(graph: Graph) -> None:
    packages = [name for name in packages_of(graph) if name.split(".")[0] in LAYERED]
    assert len(packages) > 50
    assert {name: cycle for name in packages if (cycle := find_cycle(children_of(graph, name)))} == {}


def test_no_import_points_upward(graph: Graph) -> None:
    row_of = {name: number for number, row in enumerate(LAYERS) for name in row}
    upward = {
        (module, other)
        for module, others in graph.items()
        for other in others
        if row_of[other.partition(".")[0]] < row_of[module.partition(".")[0]]
    }
    assert upward == UPWARD


@pytest.mark.parametrize(
    ("files", "cycle"),
    [
        ({"a.py": "import room.b", "b.py": "import room.a"}, ["room.a", "room.b", "room.a"]),
        ({"a.py": "def late():\n    from room import b", "b.py": "import room.a"}, ["room.a", "room.b", "room.a"]),
        (
            {
                "a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import b",
                "b.py": "import room.a",
            },
            ["room.a", "room.b", "room.a"],
        ),
        ({"a.py": "from room.b import a", "b.py": "from room.c import b", "c.py": ""}, []),
    ],
)
def test_a_cycle_of_modules_is_found(tmp_path: Path, files: dict[str, str], cycle: list[str]) -> None:
    write(tmp_path, files)
    assert find_cycle(read_graph(tmp_path, ["room"])) == cycle


def test_a_cycle_of_packages_is_found_without_a_cycle_of_modules(tmp_path: Path) -> None:
    write(tmp_path, {"east/low.py": "", "east/high.py": "import room.west.low", "west/low.py": "import room.east.low"})
    graph = read_graph(tmp_path, ["room"])
    assert find_cycle(graph) == []
    assert find_cycle(children_of(graph, "room")) == ["room.east", "room.west", "room.east"]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = folder / "room" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
