"""The Dockerfile as a list of instructions."""

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from tests.kit import ROOT

FOLDER = ROOT / "infra" / "container"


class Instruction(NamedTuple):
    """One line: "COPY", "cli /source/cli". stage: 0 builds, the last one runs."""

    name: str
    rest: str
    stage: int

    def words(self) -> list[str]:
        """Its arguments, of the exec form too."""
        if self.rest.startswith("["):
            found: list[str] = json.loads(self.rest)
            return found
        return shlex.split(self.rest)


def read_dockerfile(path: Path = FOLDER / "Dockerfile") -> list[Instruction]:
    stage, found = -1, []
    for line in re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8")).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(" ")
        stage += name == "FROM"
        found.append(Instruction(name, rest.strip(), stage))
    return found
