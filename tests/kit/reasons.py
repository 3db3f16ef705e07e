"""Every private reason that the code can give, read from its syntax: literals, families (`*` for what is filled in).

A reason that is passed on (`error.reason`) is counted where it is made. What this cannot read fails the test instead of
being left out.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.kit import ROOT

CODE = ROOT / "chalicelib"
# Where the reason stands in a call of these, which are no subclasses of OAuthError.
FIRST = {"ProviderUnavailable", "ProviderMisbehaved", "QuirkRefused", "UnusableKeys"}
SECOND = {"ProviderRefused", "RevokeGrant"}
NAMED = {"Refuse"}
# Functions that give a reason as their value; who raises it passes it on.
GIVERS = {"find_revocation", "find_misfit", "explain_login_age"}


@dataclass(frozen=True)
class Given:
    """One reason at one place of the code."""

    reason: str
    place: str


class Unreadable(Exception):
    """An expression for a reason that is neither a text nor one that is passed on."""


def collect() -> list[Given]:
    """All of them, by file and line. Raises Unreadable."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(CODE.rglob("*.py"))}
    errors = _find_subclasses(trees.values())
    constants = _find_constants(trees.values())
    return [given for path, tree in trees.items() for given in _collect(path, tree, errors, constants)]


def _collect(path: Path, tree: ast.Module, errors: set[str], constants: dict[str, str]) -> Iterator[Given]:
    refusals = errors | _find_class_parameters(tree, errors)
    for node in ast.walk(tree):
        found: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            found = [_find_argument(node, refusals)]
        elif isinstance(node, ast.FunctionDef) and node.name in GIVERS:
            found = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
        for expression in found:
            for reason in _read(expression, constants, path) if expression is not None else ():
                yield Given(reason, f"{path.relative_to(ROOT)}:{node.lineno}")


def _find_argument(call: ast.Call, refusals: set[str]) -> ast.expr | None:
    """The expression of the reason in a call that makes a refusal."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    named = next((keyword.value for keyword in call.keywords if keyword.arg == "reason"), None)
    if name in NAMED:
        return named
    if name in refusals | FIRST:
        return named or call.args[0]
    return named or call.args[1] if name in SECOND else None


def _read(expression: ast.expr, constants: dict[str, str], path: Path) -> Iterator[str]:
    if isinstance(expression, ast.Constant):
        if isinstance(expression.value, str):
            yield expression.value
    elif isinstance(expression, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in expression.values)
    elif isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Add):
        yield "".join(_half(side) for side in (expression.left, expression.right))
    elif isinstance(expression, ast.IfExp):
        yield from _read(expression.body, constants, path)
        yield from _read(expression.orelse, constants, path)
    elif isinstance(expression, ast.BoolOp):
        for value in expression.values:
            yield from _read(value, constants, path)
    elif isinstance(expression, ast.Name) and expression.id in constants:
        yield constants[expression.id]
    elif isinstance(expression, ast.Call) and ast.unparse(expression.func) == "next":
        yield from _read(expression.args[0], constants, path)
    elif isinstance(expression, ast.GeneratorExp):
        yield from _read(expression.elt, constants, path)
    elif not _is_passed_on(expression):
        raise Unreadable(f"{path}:{expression.lineno}: {ast.unparse(expression)}")


def _half(side: ast.expr) -> str:
    return side.value if isinstance(side, ast.Constant) and isinstance(side.value, str) else "*"


def _is_passed_on(expression: ast.expr) -> bool:
    passed = isinstance(expression, ast.Attribute) and expression.attr == "reason"
    return passed or (isinstance(expression, ast.Name) and expression.id in ("end", "reason", "misfit"))


def _find_subclasses(trees: object) -> set[str]:
    """OAuthError and everything under it, in any file."""
    bases: dict[str, set[str]] = {}
    for tree in trees:  # type: ignore[attr-defined]
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {ast.unparse(base) for base in node.bases}
    known = {"OAuthError"}
    while more := {name for name, above in bases.items() if above & known} - known:
        known |= more
    return known


def _find_constants(trees: object) -> dict[str, str]:
    """Texts with a name in capitals, of any module."""
    found: dict[str, str] = {}
    for tree in trees:  # type: ignore[attr-defined]
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                for target in node.targets:
                    if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                        found[target.id] = node.value.value
    return found


def _find_class_parameters(tree: ast.Module, errors: set[str]) -> set[str]:
    """Parameters that hold a class of refusal: `refusal: type[InvalidDpopProof]`."""
    return {
        argument.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for argument in (*node.args.args, *node.args.kwonlyargs)
        if isinstance(argument.annotation, ast.Subscript)
        and ast.unparse(argument.annotation.value) == "type"
        and ast.unparse(argument.annotation.slice) in errors
    }
