"""The rows of the matrix: libraries.toml, read, with the versions that the locks name."""

import json
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct, convert

HERE = Path(__file__).parent


class Library(Struct, frozen=True, forbid_unknown_fields=True):
    """One row.

    where           python, node or browser
    package         as its registry names it
    documentation   the page that lists the calls that it has
    without         by flow: why it has no call for it
    refused         by flow: what the broker lets nobody do from there
    """

    name: str
    title: str
    where: str
    package: str
    documentation: str
    without: dict[str, str] = {}
    refused: dict[str, str] = {}

    @property
    def key(self) -> str:
        """Unique: one library may be tried in two places."""
        return f"{self.where}-{self.name}"

    @property
    def version(self) -> str:
        """The one that is locked."""
        if self.where == "python":
            return version(self.package)
        lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
        found: str = lock["packages"][f"node_modules/{self.package}"]["version"]
        return found


@cache
def libraries() -> tuple[Library, ...]:
    """All rows, in the order of the table."""
    document = tomllib.loads((HERE / "libraries.toml").read_text(encoding="utf-8"))
    return tuple(convert(document["library"], list[Library]))
