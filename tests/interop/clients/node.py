"""Runs a library in Node: one process for all its flows."""

import json
import os
import subprocess
from typing import Any

from demo.mcp.notes import READ, WRITE
from local.node import install_packages
from tests.interop.clients.apps import JOBS, OPEN, SCOPE
from tests.interop.clients.scene import Scene

SECONDS = 120
APPS = ("public", "web", "machine", "agent", "robot", "keyed", "television", "documented", "api", "tools", "acted")


def attempt_in_node(name: str, scene: Scene, flows: list[str]) -> dict[str, str]:
    """By flow: what went wrong, empty where nothing did. Raises NoNode."""
    modules = install_packages()
    done = subprocess.run(
        ["node", "run.mjs", name],
        cwd=modules.parent / "js",
        env={**os.environ, "NODE_OPTIONS": "", "NO_PROXY": "*"},
        input=json.dumps(describe(scene, flows)),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    outcomes = {line["name"]: line["fault"] for line in map(json.loads, done.stdout.splitlines())}
    return {flow: outcomes.get(flow, done.stderr or "it was not tried") for flow in flows}


def describe(scene: Scene, flows: list[str]) -> dict[str, Any]:
    """What a script is told: where the broker is, and the apps that are registered there."""
    apps = {name: getattr(scene, name)._asdict() for name in APPS}
    return {
        "issuer": scene.issuer,
        "callback": scene.callback,
        "scope": SCOPE,
        "open": OPEN,
        "jobs": JOBS,
        "read": READ,
        "write": WRITE,
        "server": scene.server,
        "helper": scene.helper.url,
        "notes": scene.notes,
        "apps": apps,
        "flows": flows,
    }
