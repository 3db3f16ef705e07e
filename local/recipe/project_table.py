"""clients/projects/projects.toml: which files a copied project has, and how it starts."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLIENTS = Path(__file__).resolve().parents[2] / "clients"
TABLE = CLIENTS / "projects" / "projects.toml"


@dataclass(frozen=True)
class Project:
    """One table of the file, with what it extends; the file explains each key.

    url   where the page is served; empty for a program
    """

    copies: Mapping[str, str]
    env: Mapping[str, str]
    client: Mapping[str, Any]
    start: tuple[str, ...]
    checked: str
    url: str = ""
    package: Mapping[str, Any] = field(default_factory=dict)
    python: tuple[str, ...] = ()


def read_projects(port: int | None = None) -> dict[str, Project]:
    """Every project that can be copied.

    port   where pages are served; None: each at its own
    """
    tables = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    bases = {table["extends"] for table in tables.values() if "extends" in table}
    return {name: _read_table(tables, name, port) for name in tables if name not in bases}


def _read_table(tables: Mapping[str, Any], name: str, port: int | None) -> Project:
    table = dict(tables[name])
    if base := table.pop("extends", None):
        table = _merge(tables[base], table)
    served = port or table.pop("port", None)
    table.pop("port", None)
    url = table.get("url", "").format(port=served)
    return Project(**_fill(table, {"{port}": str(served), "{url}": url}))


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged, and an empty text removes an entry; every other value replaces that of the base."""
    merged = dict(base)
    for name, value in over.items():
        before = merged.get(name)
        merged[name] = _merge(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return {name: value for name, value in merged.items() if value != ""}


def _fill(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _fill(each, names) for name, each in value.items()}
    if isinstance(value, list):
        return tuple(_fill(each, names) for each in value)
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(name, text)
    return value
