"""What is saved can be used: the Mermaid text is read by a parser of others, and a curl command is run once more."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from local.demo.demo_stack import DemoStack
from local.demo.live_view.server import LiveServer
from local.demo.live_view.visit import Visit
from local.live.curl import show_curl, show_script
from local.live.exchange import Exchange
from local.live.mermaid import show_mermaid
from local.node import NoNode, install_packages
from tests.kit.requirement import requirement
from tests.local.live.shown_exchange import find

READ = """
import { validate } from '@probelabs/maid';
const texts = JSON.parse(await new Response(process.stdin).text());
console.log(JSON.stringify(texts.map((text) => validate(text).errors.map((one) => `${one.line}: ${one.message}`))));
"""


def read_by_others(*texts: str) -> list[list[str]]:
    """The faults that the parser finds in each text."""
    try:
        modules = install_packages()
    except NoNode as missing:
        pytest.skip(str(missing))
    command = ["node", "--input-type=module", "--eval", READ]
    done = subprocess.run(
        command, cwd=modules.parent, input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found


@requirement("LIVE-10")
def test_the_mermaid_text_is_one_to_who_reads_it(stack: DemoStack, live: LiveServer, toured: list[Exchange]) -> None:
    before = len(live.recorder.all())
    visit = Visit(stack)
    visit.finish(visit.allow("refuse"))
    whole, refused = show_mermaid(toured), show_mermaid(live.recorder.all()[before:])
    assert "--x" in refused and "Note over broker" in refused
    cut = whole.replace("->>", "->", 1).replace("broker: GET", "broker GET", 1)
    right, also_right, wrong = read_by_others(whole, refused, cut)
    assert (right, also_right) == ([], []) and wrong, "a text that is none is found"


@requirement("LIVE-10")
def test_a_path_cannot_end_a_line_of_the_mermaid_text(stack: DemoStack, live: LiveServer) -> None:
    before = len(live.recorder.all())
    Visit(stack).go(f"{stack.broker.issuer}/authorize/%0A%3Bend%23%3C%7Bx%7D?x=%0Aend")
    text = show_mermaid(live.recorder.all()[before:])
    assert len(text.splitlines()) == 1 + 4 + 3
    assert read_by_others(text) == [[]]


@requirement("LIVE-02", "LIVE-10")
def test_the_curl_script_is_bash_and_a_request_of_it_is_answered_again(toured: list[Exchange], tmp_path: Path) -> None:
    script = tmp_path / "sign-in.sh"
    script.write_text(show_script(toured), encoding="utf-8")
    read = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    asked = find(toured, "broker", "/authorize")
    command = show_curl(asked)
    masked = {name: asked.sent[name.lower()] for name in re.findall(r"=\$([A-Z_]+)\"", command)}
    assert masked.keys() >= {"STATE"} and command in script.read_text(encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **masked}
    again = subprocess.run(
        ["bash", "-euc", command], env=environ, capture_output=True, text=True, check=True, timeout=30
    )
    head, _, page = again.stdout.partition("\n\n")
    assert head.startswith(f"HTTP/1.1 {asked.status}") and 'name="decision"' in page
