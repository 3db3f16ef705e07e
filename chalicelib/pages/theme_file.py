"""Reads the operator's file of colours and logo, which override the style sheet. Unreadable colours are refused."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from chalicelib.pages.colours import check_contrast
from chalicelib.pages.theme import Theme
from chalicelib.protocol.images import data_uri, image_type

COLOURS: Final = (
    "ground", "card", "panel", "ink", "quiet", "line", "control", "accent", "accent-tint", "on-accent",
)  # fmt: skip
SCHEMES: Final = ("light", "dark")
MAX_LOGO_BYTES: Final = 16_384
_COLOUR = re.compile(r"#[0-9a-f]{6}")


class InvalidTheme(Exception):
    """The file cannot be used; `faults` lists every fault and how to fix it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def load_theme(file: Path) -> Theme:
    """A theme from its TOML file: tables `light` and `dark` of colours, and `logo` with `file`, `dark_file`, `name`.

    Raises InvalidTheme.
    """
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InvalidTheme(["it is no TOML file that can be read"]) from None
    faults = [f"{name} is not a part of a theme" for name in told if name not in (*SCHEMES, "logo")]
    tables = {name: told.get(name, {}) for name in (*SCHEMES, "logo")}
    faults += [f"{name} must be a table" for name, table in tables.items() if not isinstance(table, dict)]
    if faults:
        raise InvalidTheme(faults)
    logo = _read_logo(tables.pop("logo"), file.parent, faults)
    for scheme, table in tables.items():
        faults += _check_colours(scheme, table)
    if faults:
        raise InvalidTheme(faults)
    return Theme(css=_build_css(tables), **logo)


def _check_colours(scheme: str, table: Mapping[str, Any]) -> list[str]:
    faults = [f"{scheme}.{name} is not a colour of a theme" for name in table if name not in COLOURS]
    given = {name: colour for name, colour in table.items() if name in COLOURS}
    faults += [
        f"{scheme}.{name} must be a colour like #0a5c4d"
        for name, colour in given.items()
        if not (isinstance(colour, str) and _COLOUR.fullmatch(colour))
    ]
    return faults or check_contrast(scheme, given)


def _build_css(tables: Mapping[str, Mapping[str, str]]) -> str:
    """One media query per scheme, so that the colours of one never apply to the other."""
    blocks = []
    for scheme, table in tables.items():
        if table:
            colours = " ".join(f"--{name}: {colour};" for name, colour in table.items())
            blocks.append(f"@media (prefers-color-scheme: {scheme}) {{ :root {{ {colours} }} }}")
    return "\n".join(blocks)


def _read_logo(table: Mapping[str, Any], folder: Path, faults: list[str]) -> dict[str, str]:
    """Embed the images as data: the page fetches nothing, and no script of an SVG runs in an `img`."""
    faults += [f"logo.{name} is not a part of a logo" for name in table if name not in ("file", "dark_file", "name")]
    faults += [f"logo.{name} must be text" for name, value in table.items() if not (isinstance(value, str) and value)]
    if table and not faults and not {"file", "name"} <= table.keys():
        faults.append("logo needs a file and the name that it stands for")
    if not table or faults:
        return {}
    found = {"logo": "file", "dark_logo": "dark_file"}
    logo = {name: _embed(folder / table[key], key, faults) for name, key in found.items() if key in table}
    return {**logo, "name": table["name"]}


def _embed(file: Path, key: str, faults: list[str]) -> str:
    try:
        content = file.read_bytes()
    except OSError:
        faults.append(f"logo.{key} cannot be read")
        return ""
    if not image_type(content) or len(content) > MAX_LOGO_BYTES:
        faults.append(f"logo.{key} must be PNG or SVG of at most {MAX_LOGO_BYTES} bytes")
    return data_uri(content)
