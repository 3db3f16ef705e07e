"""Every regular expression of the code: where it stands, what it is, and with which methods it is used."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.kit import ROOT

FOLDERS = ("chalicelib", "cli", "local")
METHODS = {"fullmatch", "match", "search", "findall", "finditer", "split", "sub", "subn"}


class Expression(Struct, frozen=True, kw_only=True):
    """One regular expression.

    name      module and variable; without a variable, module, function and the call as it is written
    pattern   None where it is put together while the code runs
    methods   with which it is used; where none is seen, all that its module calls
    """

    name: str
    pattern: re.Pattern[Any] | None
    methods: frozenset[str]


def read_inventory() -> list[Expression]:
    """In the order of the files."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    trees = {_module(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    uses = {module: _uses(tree) for module, tree in trees.items()}
    return [one for module, tree in trees.items() for one in _expressions(module, tree, uses)]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _expressions(module: str, tree: ast.Module, uses: dict[str, dict[str, set[str]]]) -> Iterator[Expression]:
    named = {id(call): target for target, call in _assigned(tree)}
    for function, call in _calls(tree):
        if target := named.get(id(call)):
            users = [uses[module]] if target.startswith("_") else list(uses.values())
            methods = frozenset[str]().union(*(each.get(target, set()) for each in users))
            methods = methods or frozenset[str]().union(*uses[module].values())
            pattern = getattr(importlib.import_module(module), target)
            yield Expression(name=f"{module}:{target}", pattern=pattern, methods=frozenset(methods))
            continue
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        methods = frozenset({method}) if method in METHODS else frozenset({"fullmatch"})
        name = f"{module}:{function}:{ast.unparse(call.args[0])}"
        yield Expression(name=name, pattern=_literal(call), methods=methods)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _calls(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.Call]]:
    """Calls of the module `re` that take an expression, with the function around each."""
    for node in ast.iter_child_nodes(tree):
        inside = node.name if isinstance(node, ast.FunctionDef) else function
        is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if is_method and ast.unparse(node.func.value) == "re" and node.func.attr in METHODS | {"compile"}:
            yield function, node
        yield from _calls(node, inside)


def _uses(tree: ast.AST) -> dict[str, set[str]]:
    """Variable -> methods that are called on it."""
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in METHODS
            and isinstance(node.value, (ast.Name, ast.Attribute))
        ):
            uses.setdefault(ast.unparse(node.value).rpartition(".")[2], set()).add(node.attr)
    return uses


def _literal(call: ast.Call) -> re.Pattern[Any] | None:
    if not isinstance(call.args[0], ast.Constant):
        return None
    named = (one.attr for one in ast.walk(call) if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "re")
    return re.compile(call.args[0].value, sum(getattr(re, name) for name in named if name.isupper()))
