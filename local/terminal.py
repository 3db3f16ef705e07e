"""Text on a terminal: colors only on a real terminal, and never a whole secret."""

import os
import re
import shutil
import textwrap
from typing import IO

from cli.invocation import as_typed

_SECRET_NAMES = (
    "access_token|refresh_token|id_token|subject_token|code|code_verifier|code_challenge|client_secret|client_assertion|"
    "state|nonce|request|password|registration_access_token|assertion|token"
)
_CREDENTIAL = re.compile(
    rf"(?P<form>(?<![A-Za-z_])(?:{_SECRET_NAMES})=)(?P<a>[^&\s\"]+)"
    rf'|(?P<json>"(?:{_SECRET_NAMES})":\s*")(?P<b>[^"]+)'
    r"|(?P<header>(?:Bearer|Basic) )(?P<c>[A-Za-z0-9._~+/=-]+)"
    r"|(?P<link>https?://[^\s\"]+/connect/)(?P<d>[A-Za-z0-9_-]+)"
)


def abbreviate(secret: str) -> str:
    """The beginning and the length: enough to recognise it in the next step, too little to use it."""
    return f"{secret[:6]}…({len(secret)})" if len(secret) >= 20 else "…"


def redact(text: str) -> str:
    """The same text with every credential abbreviated, in forms, queries, JSON and Authorization headers."""
    return _CREDENTIAL.sub(_shorten, text)


def _shorten(found: re.Match[str]) -> str:
    lead, secret = (part for part in found.groups() if part is not None)
    return lead + abbreviate(secret)


class Terminal:
    """Writes to one stream."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._colour = stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.width = min(110, shutil.get_terminal_size((100, 24)).columns)

    def heading(self, text: str) -> None:
        """A title with room around it."""
        self._write(f"\n  {self._paint('1', text)}\n")

    def note(self, text: str) -> None:
        """Something to know, not a failure."""
        self._write(f"  {self._paint('33', text)}")

    def text(self, text: str) -> None:
        """A sentence."""
        self._write(f"  {self._paint('2', text)}")

    def table(self, rows: list[tuple[str, str, str]]) -> None:
        """Name, value, remark."""
        names, values = (max(len(row[column]) for row in rows) for column in (0, 1))
        for name, value, remark in rows:
            padded = f"{self._paint('1', name.ljust(names))}  {self._paint('36', value.ljust(values))}"
            self._write(f"  {padded}  {self._paint('2', remark)}".rstrip())
        self._write("")

    def step(self, number: int, title: str) -> None:
        """The head of a step."""
        line = "─" * max(4, self.width - len(title) - 8)
        self._write(f"\n {self._paint('1;36', f'{number}  {title}')}  {self._paint('2', line)}")

    def exchange(self, request: str, detail: str, answer: str, good: bool) -> None:
        """A request with its headers or form, and its answer."""
        self._write(f"    {self._paint('1', '→ ' + self._fit(redact(request), 6))}")
        self._block(detail)
        first, _, rest = answer.partition("\n")
        self._write(f"    {self._paint('32' if good else '31', '← ' + self._fit(redact(first), 6))}")
        self._block(rest)

    def aside(self, label: str, text: str) -> None:
        """A labelled paragraph."""
        lines = textwrap.wrap(text, self.width - 6 - len(label) - 2)
        for position, line in enumerate(lines):
            lead = self._paint("33", label) + "  " if position == 0 else " " * (len(label) + 2)
            self._write(f"    {lead}{line}")

    def result(self, text: str, good: bool) -> None:
        """The closing line."""
        self._write(f"\n  {self._paint('1;32' if good else '1;31', text)}\n")

    def _block(self, text: str) -> None:
        for line in text.splitlines():
            wrapped = textwrap.wrap(redact(line), self.width - 8, subsequent_indent="  ", break_on_hyphens=False)
            for part in wrapped:
                self._write(f"        {self._paint('2', part)}")

    def _fit(self, text: str, indent: int) -> str:
        return text if len(text) <= self.width - indent else text[: self.width - indent - 1] + "…"

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and text else text

    def _write(self, line: str) -> None:
        print(as_typed(line), file=self._stream, flush=True)
