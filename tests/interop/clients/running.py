"""Runs one library through every flow that the broker has."""

import importlib
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from tests.interop.clients.browser import attempt_in_browser, page_of
from tests.interop.clients.flows import FLOWS
from tests.interop.clients.libraries import Library
from tests.interop.clients.node import attempt_in_node
from tests.interop.clients.scene import Scene
from tests.kit.http.stack import Parts

# Their own doors for plain http on loopback; they are open while a library runs.
SWITCHES = {"OAUTHLIB_INSECURE_TRANSPORT": "1", "AUTHLIB_INSECURE_TRANSPORT": "1", "NO_PROXY": "*"}


class Cell(NamedTuple):
    """What came of one flow.

    state   pass and fail; none: the library has no such call; refused: the broker allows it to nobody there, and did
            not; later: the broker does not offer it
    why     what failed, or why there is no such call
    """

    state: Literal["pass", "fail", "none", "refused", "later"]
    why: str = ""


Row = dict[str, Cell]


def run(library: Library, parts: Parts) -> Row:
    """One row of the matrix. Raises NoNode where it takes npm and there is none."""
    scene = Scene(parts, page_of(library.name) if library.where == "browser" else "")
    offered = [flow.name for flow in FLOWS if flow.advertised(scene.metadata)]
    attempt = {"python": attempt_in_python, "node": attempt_in_node, "browser": attempt_in_browser}[library.where]
    try:
        with _switched():
            faults = attempt(library.name, scene, [name for name in offered if name not in library.without])
    finally:
        scene.stop()
    return {flow.name: _judge(library, flow.name, flow.name in offered, faults) for flow in FLOWS}


def attempt_in_python(name: str, scene: Scene, flows: list[str]) -> dict[str, str]:
    """By flow: what went wrong, empty where nothing did."""
    module = importlib.import_module(f"tests.interop.clients.python.{name}")
    return {flow: _attempt(module, flow, scene) for flow in flows}


def _attempt(module: object, name: str, scene: Scene) -> str:
    flow = getattr(module, name, None)
    if flow is None:
        return "the broker offers it, and nobody has written it for this library"
    try:
        flow(scene)
    except Exception:  # noqa: BLE001 - whatever it is, it is what the cell says
        return traceback.format_exc()
    return ""


def _judge(library: Library, name: str, offered: bool, faults: dict[str, str]) -> Cell:
    if name in library.without:
        return Cell("none", library.without[name])
    if not offered:
        return Cell("later")
    fault = faults[name]
    if name in library.refused:
        return (
            Cell("refused", library.refused[name]) if "Failed to fetch" in fault else Cell("fail", fault or "allowed")
        )
    return Cell("fail", fault) if fault else Cell("pass")


@contextmanager
def _switched() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in SWITCHES}
    os.environ.update(SWITCHES)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
