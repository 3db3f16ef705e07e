"""Every block of code in the documentation can be read by what it is meant for; other tests here run most of them.

A block without a language is a command, an answer, an address, a request or a setting, and is known by how it looks.
What is none of these stands in DRAWN by its beginning, with the reason.
"""

import importlib
import json
import re
import shlex
import subprocess
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import dev
from cli.main import build_parser
from local import installed
from local.node import why_no_node
from tests.deploy.infra.terraform import evaluate
from tests.kit.markdown import Block, blocks, pages
from tests.kit.requirement import requirement

BLOCKS = [block for page in pages() for block in blocks(page)]
DRAWN = {
    "https://zoom.us/oauth/token   ->": "docs/testing-your-app.md: an address and what becomes of it",
    "ERROR    jwks-public": "docs/doctor.md: what a command prints; tests/cli/doctor compares it",
    "tb_refresh_AWFx": "docs/regions.md: a handle and what its first bytes are",
    "18:04:12 answered": "docs/observing.md: what a command prints; tests/cli/audit/test_tail.py compares its kind",
    "refused   GET /authorize": "docs/explain.md: what a command prints; test_doc_commands.py compares it",
}
METHOD = "(?:GET|POST|PUT|DELETE|ANY)"
WORD = r"(?:[A-Z_]+=\S+ )*"
PROGRAMS = (
    "python3|python|sh|broker|aws|apt-get|brew|chalice|curl|pip|npm|npx|eval|export|mkdir|cd|git|sha256sum|terraform"
    "|docker|token-broker|token-broker-testing"
)
COMMAND = re.compile(rf"{WORD}(?:{PROGRAMS}|\S*\.venv/bin/\S+)(?: |$)|[A-Z_]+=\S+(?:\n|$)")
PARSE = """
const { SourceTextModule } = require("node:vm");
for (const [name, text] of JSON.parse(require("node:fs").readFileSync(0, "utf8"))) {
  try { new SourceTextModule(text) } catch (error) { console.log(name + ": " + error) }
}"""


def read_json(text: str) -> None:
    """What is left out stands as three dots; a part of an object has no braces."""
    text = re.sub(r",\s*\.\.\.(?=\s*[}\]])", "", text.strip().rstrip(","))
    text = re.sub(r"([:\[,{]\s*)\.\.\.", r"\1null", text)
    json.loads(text if text[0] in "{[" else f"{{{text}}}")


def read_command(text: str) -> None:
    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def read_python(text: str) -> None:
    compile(text, "block.py", "exec", dont_inherit=True)


def read_request(text: str) -> None:
    """Methods and paths, perhaps with words behind them; then headers."""
    for line in text.strip().splitlines():
        assert re.fullmatch(rf"{METHOD} +/\S*(?: HTTP/1\.1| {{2,}}.+)?|[A-Za-z-]+: .+", line), line


def read_terraform(text: str) -> None:
    """By HashiCorp's parser; tests/deploy/infra/test_terraform.py holds its names against the module."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "main.tf").write_text(text)
        (Path(folder) / "given.tfvars").touch()
        evaluate(Path(folder))


def read_address(text: str) -> None:
    assert all(re.fullmatch(r"https?://\S+", line) for line in text.strip().splitlines()), text


READERS: dict[str, Callable[[str], object]] = {
    "python": read_python,
    "sh": read_command,
    "bash": read_command,
    "json": json.loads,
    "toml": tomllib.loads,
    "http": read_request,
    "hcl": read_terraform,
    "yaml": yaml.safe_load,
}
LOOKS: tuple[tuple[str, Callable[[str], object]], ...] = (
    (r'[{"]|\[[{"]', read_json),
    (r"https?://\S+\s*\Z", read_address),
    (rf"{METHOD} +/", read_request),
    (COMMAND.pattern, read_command),
    (r"[a-z_.]+ = |\[", tomllib.loads),
)


def reader_of(text: str) -> Callable[[str], object] | None:
    """What reads a block without a language; None where it looks like nothing known."""
    return next((read for looks, read in LOOKS if re.match(looks, text.strip())), None)


def name_of(block: Block) -> str:
    return f"{block.page}: {block.text.strip().splitlines()[0][:40]}"


@requirement("DOC-03")
@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language != "js"], ids=name_of)
def test_a_block_can_be_read_by_what_it_is_meant_for(block: Block) -> None:
    if block.language:
        assert block.language in READERS, "tell READERS what reads it"
        READERS[block.language](block.text)
        return
    if block.text.strip().startswith(tuple(DRAWN)):
        return
    for part in re.split(r"\n\n(?=\S)", block.text):
        read = reader_of(part)
        assert read, "give it a language, or tell DRAWN the reason"
        read(part)


@requirement("DOC-03")
def test_what_is_not_read_is_still_there() -> None:
    assert [start for start in DRAWN if not any(block.text.strip().startswith(start) for block in BLOCKS)] == []


@requirement("DOC-03")
def test_every_script_is_one() -> None:
    if missing := why_no_node():
        pytest.skip(missing)
    scripts = [(name_of(block), block.text) for block in BLOCKS if block.language == "js"]
    command = ["node", "--no-warnings", "--experimental-vm-modules", "--eval", PARSE]
    done = subprocess.run(command, input=json.dumps(scripts), capture_output=True, text=True, check=True)
    assert scripts and done.stdout == ""


def commands() -> list[tuple[str, str]]:
    """(page, line) of every command of ours, with its continuation."""
    found = []
    for block in BLOCKS:
        for line in block.text.replace("\\\n", " ").splitlines():
            words = re.sub(r"\s+#.*", "", line.strip())
            if re.match(rf"{WORD}(?:python3 dev\.py|broker) ", words):
                found.append((block.page, re.sub(rf"^{WORD}", "", words)))
    return found


@requirement("DOC-03")
@pytest.mark.parametrize(("page", "line"), commands())
def test_every_command_of_ours_is_one(page: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(line.removeprefix("python3 dev.py ").partition(" > ")[0])
    assert words[0] in dev.COMMANDS, line
    if words[0] != "broker":
        return
    try:
        build_parser().parse_args(words[1:])
    except SystemExit as ended:
        assert ended.code == 0, capsys.readouterr().err


def installed_commands() -> list[tuple[str, str]]:
    """(page, arguments) of every `token-broker`, in a container too."""
    found = []
    for block in BLOCKS:
        for line in block.text.replace("\\\n", " ").splitlines():
            words = re.sub(r"\s+#.*", "", line.strip())
            found += [
                (block.page, words) for words in re.findall(r"^(?:\S*/|docker .* )?token-broker +([a-z].*)$", words)
            ]
    return found


@requirement("DOC-03")
@pytest.mark.parametrize(("page", "line"), installed_commands())
def test_every_installed_command_is_one(page: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(line.partition(" -- ")[0])
    parser = build_parser()
    if words[0] in installed.COMMANDS:
        parser = importlib.import_module(installed.COMMANDS[words.pop(0)][0]).build_parser()
    try:
        parser.parse_args(words)
    except SystemExit as ended:
        assert ended.code == 0, capsys.readouterr().err
