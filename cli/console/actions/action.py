"""One action: a command, the values that a page gives it, and the fields that the operator fills in."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from cli.deployment.operations import OperationError

STANDARD_INPUT = "-"
LATER = "Consents from before then stay void, so users are asked again."


class Field(Struct, frozen=True, kw_only=True):
    """One input of a form.

    option    of the command: "--overlap"; "" for a value by its position
    kind      lines: one value on each line, and the option repeats; flag: an option without a value
    choices   of a list; the first one is chosen
    """

    name: str
    label: str
    option: str = ""
    kind: Literal["text", "number", "lines", "flag", "choice"] = "text"
    hint: str = ""
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()


class Action(Struct, frozen=True, kw_only=True):
    """A command and its form.

    slug     in its path: "client-disable"
    words    the command, with fixed options
    says     what it does, for the operator
    button   text of the button
    ends     it ends or voids something, so the operator types yes
    about    values that the page gives: name -> option; "" for a value by its position
    up       the section that it belongs to
    """

    slug: str
    words: tuple[str, ...]
    title: str
    says: str
    button: str
    up: str
    ends: bool = False
    about: Mapping[str, str] = {}
    fields: tuple[Field, ...] = ()

    def command(self, given: Mapping[str, str]) -> list[str]:
        """The command with these values, all of them behind their option or behind `--`. Raises OperationError."""
        if missing := [name for name in self.about if not given.get(name)]:
            raise OperationError(f"this form names no {missing[0]}", "open it from the page of what it is about")
        options = [f"{option}={given[name]}" for name, option in self.about.items() if option]
        placed = [given[name] for name, option in self.about.items() if not option]
        for field in self.fields:
            values = _read(field, given.get(field.name, ""))
            if not field.option:
                placed += values
            elif field.kind == "flag":
                options += [field.option] if values else []
            else:
                options += [f"{field.option}={value}" for value in values]
        if STANDARD_INPUT in placed or any(word.endswith(f"={STANDARD_INPUT}") for word in options):
            raise OperationError("the console has no terminal to read from", "use env:NAME or file:PATH")
        return [*self.words, *options, *(["--", *placed] if placed else [])]


def _read(field: Field, text: str) -> list[str]:
    if field.kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    return [text] if text else []
