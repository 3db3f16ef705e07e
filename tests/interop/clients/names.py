"""The public names of a library: where it says that it has no such call, none of them may sound like one."""

import importlib
import json
import re
import subprocess
from functools import cache

from local.node import FOLDER, install_packages
from tests.interop.clients.flows import FLOWS
from tests.interop.clients.libraries import Library, libraries


def suspects(library: Library) -> dict[str, list[str]]:
    """By flow that it has no call for: its names that sound as if it had one. Raises NoNode."""
    names = names_of(library)
    found = {
        flow.name: [name for name in names if re.search(flow.named, name.lower().replace("_", ""))]
        for flow in FLOWS
        if flow.name in library.without
    }
    return {flow: hits for flow, hits in found.items() if hits}


def names_of(library: Library) -> list[str]:
    """What it exports, and the methods of its classes. Raises NoNode."""
    if library.where != "python":
        return _names_in_node()[library.package]
    api = importlib.import_module(f"tests.interop.clients.python.{library.name}").API
    return sorted({name for part in api for name in dir(part) if not name.startswith("_")})


@cache
def _names_in_node() -> dict[str, list[str]]:
    install_packages()
    packages = sorted({library.package for library in libraries() if library.where != "python"})
    done = subprocess.run(
        ["node", "names.mjs", *packages], cwd=FOLDER / "js", capture_output=True, text=True, timeout=60, check=True
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found
