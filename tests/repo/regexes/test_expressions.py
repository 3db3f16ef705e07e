"""No text from outside makes a regular expression of the code backtrack: each is attacked with its own worst cases."""

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.process.log import redact
from chalicelib.protocol.provider_id_token import IssuerByClaim
from chalicelib.upstream.client_document import read_fresh_seconds
from chalicelib.upstream.http import HttpResponse
from chalicelib.upstream.link_header import read_links
from tests.kit.requirement import requirement
from tests.repo.regexes.attacks import BUDGET, find_attack, processor_time
from tests.repo.regexes.inventory import FOLDERS, ROOT, Expression, read_inventory

TABLE = tomllib.loads(Path(__file__).with_name("expressions.toml").read_text(encoding="utf-8"))
INVENTORY = {one.name: one for one in read_inventory()}
FUZZED = {name: (INVENTORY[name], longest) for name, longest in TABLE["fuzzed"].items() if name in INVENTORY}
LONGEST_VALUE = 255
HEADER = 65_536  # what the fetcher lets through


@requirement("GEN-26")
def test_every_regular_expression_is_in_the_table() -> None:
    """New here? Add it to `expressions.toml` with the longest input that the code lets through to it."""
    listed = [name for section in TABLE.values() for name in section]
    assert sorted(listed) == sorted(INVENTORY)
    assert {name for name, one in INVENTORY.items() if one.pattern is None} == set(TABLE["built"])
    assert all(len(reason) > 20 for reason in TABLE["own"].values())


@requirement("GEN-26")
def test_the_module_of_regular_expressions_has_one_name_in_all_files() -> None:
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.module == "re"), path
            assert not any(isinstance(node, ast.Import) and one.name == "re" and one.asname for one in _names(node)), (
                path
            )


def _names(node: ast.AST) -> list[ast.alias]:
    return node.names if isinstance(node, ast.Import) else []


@requirement("GEN-26")
@pytest.mark.parametrize(("one", "longest"), FUZZED.values(), ids=FUZZED)
def test_no_text_makes_it_backtrack(one: Expression, longest: int) -> None:
    assert one.pattern is not None
    assert find_attack(one.pattern, set(one.methods), longest=longest) is None


def _built() -> dict[str, str]:
    """Examples of what is put together while the code runs, by a name for each."""
    examples = {f"{name} {text}": text for name, texts in TABLE["built"].items() for text in texts}
    patterns = {f"{path.name} {text}": text for path in _provider_files() for text in _patterns(_read(path))}
    return {name: text for name, text in examples.items() if text not in ("providers", "none")} | patterns


def _provider_files() -> list[Path]:
    return sorted((ROOT / "chalicelib" / "providers").glob("*.toml"))


def _read(path: Path) -> Any:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _patterns(value: Any) -> list[str]:
    """What stands under a key that ends in `pattern`, at any depth."""
    if isinstance(value, list):
        return [text for one in value for text in _patterns(one)]
    if not isinstance(value, dict):
        return []
    here = [text for key, text in value.items() if key.endswith("pattern") and isinstance(text, str)]
    return here + [text for one in value.values() for text in _patterns(one)]


@requirement("GEN-26")
@pytest.mark.parametrize("text", _built().values(), ids=_built())
def test_what_is_built_while_the_code_runs_does_not_backtrack(text: str) -> None:
    assert find_attack(re.compile(text, re.ASCII), {"fullmatch"}, longest=LONGEST_VALUE) is None


@requirement("GEN-26")
def test_an_operators_pattern_reads_no_longer_value_than_that() -> None:
    tenant = IssuerByClaim(template="https://login.example/{tid}", claim="tid", pattern="[a-z]+")
    assert tenant.of({"tid": "a" * LONGEST_VALUE}) is not None
    assert tenant.of({"tid": "a" * (LONGEST_VALUE + 1)}) is None


@requirement("GEN-26")
@pytest.mark.parametrize(
    ("text", "method"),
    [
        (r"""\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*("[^"]*"|[^\s,"]*))?\s*(?:,|$)""", "findall"),
        (r'<([^<>"\s]*)>((?:\s*;\s*[a-z]+="?[A-Za-z0-9 _-]*"?)*)', "fullmatch"),
        *[("(a+)+$", "match"), ("(a|a)*b", "fullmatch"), ("(?:a|aa)+b", "fullmatch"), (r"\s+$", "search")],
        *[(r"eyJ[\w-]+\.[\w-]+", "sub"), (r"(\w+\s?)*x", "fullmatch"), ("x*y*x*z", "fullmatch")],
        *[("(.*),(.*),(.*),(.*);", "fullmatch"), ("<!--.*?-->(?:<!--.*?-->)*x", "match")],
    ],
)
def test_the_tool_finds_the_worst_case_of_expressions_that_backtrack(text: str, method: str) -> None:
    assert find_attack(re.compile(text), {method}, longest=HEADER) is not None


PIECES = ["a", " ", "a@", '"', '"\\', "; a= ", ";a=", ",", "=", "<", "<a>;", ">", "a=,", '="', "\t;", "eyJa"]


@requirement("GEN-26", "CIMD-02", "PRX-03")
@pytest.mark.parametrize("end", ["", "@", '"', "!", "\0"])
@pytest.mark.parametrize("piece", PIECES)
def test_what_is_read_without_an_expression_costs_linear_time(piece: str, end: str) -> None:
    """Cache-Control of a client's document, Link of an API, and a text on its way into the log."""
    text = piece * (HEADER // len(piece)) + end
    link = "<https://api.example/x>" + text[:2048]
    response = HttpResponse(status=200, headers={"cache-control": text, "age": text}, body=b"")
    for read in (lambda: read_fresh_seconds(response), lambda: read_links(link), lambda: redact("what", text)):
        assert min(processor_time(read) for _ in range(2)) < BUDGET


@requirement("GEN-18")
@pytest.mark.parametrize("secret", ["tb_code_" + "a" * 43, "0123456789abcdef" * 4, "eyJ" + "a" * 30 + "." + "b" * 30])
@pytest.mark.parametrize("before", [0, 440, 490, 1960, 2000, 2020, 2030, 2047, 5000])
def test_a_long_text_takes_no_part_of_a_secret_into_the_log(before: int, secret: str) -> None:
    text = ("tb_code_" + "c" * 91 + " ") * (before // 100) + " " * (before % 100) + secret + " rest"
    told = json.dumps(redact("what", text))
    assert secret[:20] not in told and secret[-20:] not in told and len(told) <= 502
