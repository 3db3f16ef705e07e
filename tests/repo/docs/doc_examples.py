"""Runs the examples of a page as they stand: Python programs, commands of ours, and curl."""

import re
import shlex
from typing import Any

from cli.main import build_parser
from tests.kit.http.browser import Answer
from tests.kit.http.stack import Stack
from tests.kit.http.surface import raw
from tests.kit.markdown import Block, blocks


def examples(page: str, *languages: str) -> list[Block]:
    """The blocks of these languages, in the order of the page."""
    return [block for block in blocks(page) if block.language in languages]


def run_program(block: Block, names: dict[str, Any], *, text: str = "") -> None:
    """Leaves in `names` what the program defines. `text` stands in for the block's own."""
    exec(compile(text or block.text, block.page, "exec"), names)


class Shell:
    """Does what stands in a block: `python3 dev.py broker` and `curl`, with variables."""

    def __init__(self, stack: Stack, **names: str) -> None:
        self.stack, self.names = stack, {"BROKER": stack.settings.issuer, **names}

    def run(self, block: Block) -> list[Any]:
        """What came of each line."""
        lines = block.text.replace("\\\n", " ").splitlines()
        filled = [re.sub(r"\$([A-Z_]+)", lambda found: self.names[found[1]], line) for line in lines]
        return [self._do(shlex.split(line)) for line in filled]

    def learn(self, members: dict[str, Any]) -> None:
        """What the next block may use."""
        self.names |= {name.upper(): value for name, value in members.items() if isinstance(value, str)}

    def _do(self, words: list[str]) -> Any:
        if "broker" in (words[0], *words[2:3]):
            options = build_parser().parse_args(words[words.index("broker") + 1 :])
            return options.act(self.stack.deployment, options)
        assert words[:2] == ["curl", "-s"], words
        return self._curl(words[2:])

    def _curl(self, words: list[str]) -> Answer:
        told = {flag: words[at + 1] for at, flag in enumerate(words) if flag in ("-X", "-d")}
        headers = [tuple(words[at + 1].split(": ", 1)) for at, flag in enumerate(words) if flag == "-H"]
        (url,) = [word for word in words if word.startswith(self.stack.settings.issuer)]
        method = told.get("-X", "POST" if "-d" in told else "GET")
        path = url.removeprefix(self.stack.settings.issuer)
        return raw(self.stack.netloc, method, path, headers, told.get("-d", "").encode())  # type: ignore[arg-type]
