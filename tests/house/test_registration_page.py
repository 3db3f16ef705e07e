"""docs/registration.md: every command in it is run, in its order, and does what the page says."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import build_parser
from tests.flow.browser import Answer
from tests.flow.stack import Stack, own_parts
from tests.flow.surface import raw
from tests.requirement import requirement

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "registration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A broker of its own."""
    with own_parts() as parts:
        yield Stack(parts, registration="token")


class Shell:
    """Does what stands in a block: `python3 dev.py broker` and `curl`, with variables."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.names = stack, {"BROKER": stack.settings.issuer}

    def run(self, block: str) -> list[Any]:
        """What came of each line."""
        lines = block.replace("\\\n", " ").splitlines()
        filled = [re.sub(r"\$([A-Z_]+)", lambda found: self.names[found[1]], line) for line in lines]
        return [self._do(shlex.split(line)) for line in filled]

    def _do(self, words: list[str]) -> Any:
        if words[:3] == ["python3", "dev.py", "broker"]:
            options = build_parser().parse_args(words[3:])
            return options.act(self.stack.deployment, options)
        assert words[:2] == ["curl", "-s"]
        return self._curl(words[2:])

    def _curl(self, words: list[str]) -> Answer:
        told = {flag: words[at + 1] for at, flag in enumerate(words) if flag in ("-X", "-d")}
        headers = [tuple(words[at + 1].split(": ", 1)) for at, flag in enumerate(words) if flag == "-H"]
        (url,) = [word for word in words if word.startswith(self.stack.settings.issuer)]
        method = told.get("-X", "POST" if "-d" in told else "GET")
        path = url.removeprefix(self.stack.settings.issuer)
        return raw(self.stack.netloc, method, path, headers, told.get("-d", "").encode())  # type: ignore[arg-type]

    def learn(self, members: dict[str, Any]) -> None:
        """What the next block may use."""
        self.names |= {name.upper(): value for name, value in members.items() if isinstance(value, str)}


@requirement("REG-01", "REG-05")
def test_every_block_does_what_the_page_says(stack: Stack) -> None:
    shell = Shell(stack)
    create, listing, register, get, put, delete = BLOCKS
    (made,) = shell.run(create)
    shell.learn(made)
    (answer,) = shell.run(register)
    assert answer.status == 201
    shell.learn(answer.json)
    rows, revoked = shell.run(listing)
    assert (rows[0]["used"], rows[0]["over"], revoked["revoked"]) == (1, True, True)
    for block in (get, put):
        (answer,) = shell.run(block)
        assert answer.status == 200, answer.body
        shell.learn(answer.json)
    assert answer.json["client_name"] == "My Other App"
    for _ in range(2):
        (ended,) = shell.run(delete)
        assert ended.status == 204
    shown = json.loads("{" + ", ".join(re.findall(r"^    (\"registration\w+\": \"\S+\")", PAGE, re.MULTILINE)) + "}")
    assert set(shown) == {"registration_client_uri", "registration_access_token"}


def test_every_option_of_the_command_stands_in_it() -> None:
    parser = build_parser()
    known = parser.parse_args(["registration-token", "create"])
    named = set(re.findall(r"`--([a-z-]+)[^`]*`", PAGE.partition("## Register")[0]))
    options = {name.replace("_", "-") for name in vars(known)} - {
        "group",
        "verb",
        "command",
        "json",
        "stack",
        "force",
        "act",
        "note",
    }
    assert options <= named, options - named
