"""A recipe that is a program, run beside the demo."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.browser import Browser, Exchange
from local.demo.backend import Behind
from local.node import ROOT, NoNode, install_packages
from local.recipe.recipe import PROGRAMS, register_recipe
from local.testing.control import walk
from tests.kit.person import without_query

SHOWN = re.compile(r"(?:Sign in: |Open: |or open )(http\S+)")


def act(demo: Behind, url: str) -> Exchange:
    """Alice, in a browser of hers: what it shows in the end, or where it is sent to."""
    return walk((demo.broker.issuer, demo.provider.url), url, "alice")


def command_of(name: str) -> list[str]:
    """As `dev.py recipe` prints it; Electron's own program cannot be had, so its calls are played."""
    words = shlex.split(PROGRAMS[name].command)
    if name != "electron":
        return [sys.executable if word == ".venv/bin/python" else word for word in words]
    try:
        hooks = install_packages().parent / "js" / "electron.mjs"
    except NoNode as missing:
        pytest.skip(str(missing))
    return ["node", "--import", hooks.as_uri(), words[-1]]


def run(demo: Behind, name: str, folder: Path, person: Callable[[str], None] | None = None) -> str:
    """What it prints after the person has signed in: the one given, who goes where it shows, or one who only reads."""
    client_id = register_recipe(demo, name, PROGRAMS[name].redirect_uri)
    environ = {"BROKER": demo.broker.issuer, "CLIENT_ID": client_id, "BROWSER": "true", "USER_DATA": str(folder)}
    with subprocess.Popen(
        command_of(name),
        cwd=ROOT,
        env={**os.environ, **environ, "NO_PROXY": "127.0.0.0/8", "no_proxy": "127.0.0.1", "NODE_OPTIONS": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        shown = next(found[1] for line in process.stdout if (found := SHOWN.search(line)))
        end = act(demo, shown) if person is None else person(shown)
        if end is None:
            pass  # that browser went to the program by itself
        elif name == "curl":
            process.stdin.write(f"{end.location}\n")
        elif name != "device":
            assert Browser().get(f"{without_query(end.location)}?code=x&state=forged").status == 404
            assert "Signed in" in Browser().get(end.location).text
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0, printed
    return printed
