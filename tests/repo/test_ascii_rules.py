"""What reads a protocol element follows ASCII: `str.strip()` and its kin follow Unicode and need a reason on a list."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.protocol.ascii_text import is_digits, lower, trim, upper, words
from tests.kit import ROOT
from tests.kit.requirement import requirement

SHIPPED = (ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py")))
REASONS = Path(__file__).with_name("unicode_uses.toml")
ALWAYS = {"lower", "upper", "casefold", "title", "capitalize", "swapcase", "splitlines", "expandtabs"}
ALWAYS |= {"isdigit", "isdecimal", "isnumeric", "isalpha", "isalnum", "isspace", "isprintable", "isidentifier"}
WITHOUT_ARGUMENTS = {"strip", "lstrip", "rstrip", "split", "rsplit"}
NUMBERS = {"int", "float"}
CLASSES = re.compile(r"\\[swdbSWDB]")


def of_unicode(tree: ast.AST) -> Iterator[ast.AST]:
    """Calls and references that behave otherwise for characters beyond ASCII."""
    guarded = {id(inner) for node in ast.walk(tree) for inner in _guarded(node)}
    for node in ast.walk(tree):
        if id(node) not in guarded and _follows_unicode(node):
            yield node


def _guarded(node: ast.AST) -> Iterator[ast.AST]:
    """What stands behind `x.isascii() and` or `not x.isascii() or`, of that same x."""
    if isinstance(node, ast.BoolOp):
        sure: set[str] = set()
        for value in node.values:
            for inner in ast.walk(value):
                is_method = isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute)
                if is_method and ast.unparse(inner.func.value) in sure:
                    yield inner
            plain = value.operand if isinstance(node.op, ast.Or) and isinstance(value, ast.UnaryOp) else value
            if isinstance(plain, ast.Call) and isinstance(plain.func, ast.Attribute) and plain.func.attr == "isascii":
                sure.add(ast.unparse(plain.func.value))


def _follows_unicode(call: ast.AST) -> bool:
    if isinstance(call, ast.Attribute):
        return isinstance(call.value, ast.Name) and call.value.id == "str"
    if not isinstance(call, ast.Call):
        return False
    if isinstance(call.func, ast.Name):
        return call.func.id in NUMBERS
    if not isinstance(call.func, ast.Attribute):
        return False
    name, owner = call.func.attr, ast.unparse(call.func.value)
    if owner == "re":
        return _is_unicode_pattern(call)
    return name in ALWAYS or (name in WITHOUT_ARGUMENTS and not call.args and not call.keywords)


def _is_unicode_pattern(call: ast.Call) -> bool:
    written = ast.unparse(call)
    is_bytes = any(isinstance(one, ast.Constant) and isinstance(one.value, bytes) for one in ast.walk(call))
    by_class = CLASSES.search("".join(_texts(call))) or "IGNORECASE" in written or "re.I" in written
    return bool(by_class) and not is_bytes and "re.ASCII" not in written


def _texts(call: ast.Call) -> Iterator[str]:
    return (one.value for one in ast.walk(call) if isinstance(one, ast.Constant) and isinstance(one.value, str))


def found() -> dict[str, set[str]]:
    """File -> expressions."""
    uses: dict[str, set[str]] = {}
    for path in SHIPPED:
        for node in of_unicode(ast.parse(path.read_text(encoding="utf-8"))):
            uses.setdefault(str(path.relative_to(ROOT)), set()).add(ast.unparse(node))
    return uses


@requirement("GEN-25")
def test_shipped_code_follows_unicode_only_where_a_reason_is_on_the_list() -> None:
    """New here? Take `chalicelib/protocol/ascii_text.py`, or `re.ASCII`; for people's words write down the reason."""
    listed = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    assert {file: set(uses) for file, uses in listed.items()} == found()
    assert all(len(reason) > 15 for uses in listed.values() for reason in uses.values())


@requirement("GEN-25")
@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        *[(f"x.{name}()", True) for name in sorted(ALWAYS | WITHOUT_ARGUMENTS)],
        *[("x.strip(' \\t')", False), ("x.split(',')", False), ("int(x)", True), ("map(str.isdigit, x)", True)],
        *[("x.isascii() and x.isdigit()", False), ("y.isascii() and x.isdigit()", True)],
        *[("not x.isascii() or not x.isprintable()", False), ("x.isdigit() and x.isascii()", True)],
        *[("re.compile(r'\\d+')", True), ("re.compile(r'\\d+', re.ASCII)", False), ("re.compile(rb'\\d+')", False)],
        *[("re.search('a', x, re.IGNORECASE)", True), ("re.split(r',\\s', x)", True), ("re.compile('[0-9]')", False)],
    ],
)
def test_the_search_finds_each_kind(source: str, is_found: bool) -> None:
    assert bool(list(of_unicode(ast.parse(source)))) is is_found


@requirement("GEN-25")
def test_text_of_the_protocol_is_read_by_ascii_alone() -> None:
    assert trim(" \t\u2000a\x0b\xa0 ") == "\u2000a\x0b\xa0"
    assert (lower("AZ\u212a\u0130"), upper("az\u017f\u00df")) == ("az\u212a\u0130", "AZ\u017f\u00df")
    assert [is_digits(text) for text in ("0", "19", "", "\u0663", "\u00b2", "-1", "1 ")] == [True, True] + [False] * 5
    assert words(" a  b\u2003c\td ") == ["a", "b\u2003c\td"] and words("") == []
