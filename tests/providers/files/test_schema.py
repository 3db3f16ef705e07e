"""docs/provider.schema.json: current, and of one mind with the parser as far as a schema can tell."""

import copy
import datetime
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from chalicelib.providers.catalog import OUR_FILES
from chalicelib.providers.definition import InvalidDefinition, parse_definition
from chalicelib.providers.definition.parsing import find_wrong_kinds
from cli.commands.provider_schema import build_schema
from cli.main import main
from tests.kit import ROOT
from tests.kit.provider_files import CENTERS, TENANTS, changed
from tests.kit.requirement import requirement

PUBLISHED = ROOT / "docs" / "provider.schema.json"
FILES = sorted([*OUR_FILES.glob("*.toml"), *(ROOT / "local" / "providers").glob("*.toml")])
VALIDATOR = jsonschema.Draft202012Validator(build_schema())
ODD: tuple[Any, ...] = ("a text", 7, True, ["a"], [7], {"a": "b"}, {"a": 7})


def plain(value: Any) -> Any:
    """As JSON has it: days are texts."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def refuses(document: dict[str, Any]) -> bool:
    return not VALIDATOR.is_valid(plain(document))


def spoilt(document: dict[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The file with one key after the other made odd, taken out, or joined by one that nobody knows."""
    inner = document
    for key in at:
        inner = inner[key]
    for key, value in [*inner.items(), ("unheard_of", None)]:
        for odd in (*ODD, None):
            whole = copy.deepcopy(document)
            place = whole
            for step in at:
                place = place[step]
            if odd is None:
                place.pop(key, None)
            else:
                place[key] = odd
            yield (*at, key, repr(odd)), whole
        if isinstance(value, dict):
            yield from spoilt(document, (*at, key))


@requirement("VAL-04")
@pytest.mark.parametrize(
    "text", [CENTERS, TENANTS, (OUR_FILES / "apple.toml").read_text()], ids=["centers", "tenants", "apple"]
)
def test_schema_and_parser_agree_on_the_kind_of_every_key(text: str) -> None:
    """Wherever the parser finds a wrong kind the schema does too."""
    seen = 0
    for where, document in spoilt(tomllib.loads(text)):
        if wrong := find_wrong_kinds(document):
            assert refuses(document), (where, wrong)
            seen += 1
    assert seen > 300


@requirement("VAL-04")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('provider_id = "centers"', 'provider_id = "Centers"'),
        ('token_endpoint = "{accounts}/token"', ""),
        ('token_endpoint = "{accounts}/token"', 'token_endpoint = "http://accounts.team.example/token"'),
        ('token_endpoint = "{accounts}/token"', 'token_endpoint = "https://team.example:8443/token"'),
        ('sign_in_scopes = ["me"]', "sign_in_scopes = []"),
        ("[metadata.company]", "[metadata.Company]"),
        ("[metadata.company]", "[metadata.token]"),
        ('url = "https://{center}.team.example/sites"', ""),
        ('from = "token"', 'from = "token"\nurl = "https://team.example/x"'),
        ('pattern = "[0-9]{1,9}"', ""),
        ('pattern = "[0-9]{1,9}"', 'pattern = "[0-9]{1,9}"\nvalues = ["1"]'),
        ('pattern = "[0-9]{1,9}"', 'suffixes = ["team.example"]'),
        ('"https://team.example/docs"', '"a book"'),
        ('["scopes.me"]', "[]"),
        ('kind = "rotating"', 'kind = "swap"'),
        ('kind = "rotating"', 'kind = "rotating"\ngrace = "same"'),
        ('url = "{accounts}/{company}/revoke"', ""),
        ('token_endpoint_auth_method = "client_secret_post"', 'token_endpoint_auth_method = "client_assertion"'),
        ("[refresh]", '[authorization]\nparameters = { state = "x" }\n[refresh]'),
        ("[refresh]", '[token]\nparameters = { code = "x" }\n[refresh]'),
        ("[refresh]", '[authorization]\nscope_separator = ";"\n[refresh]'),
        ("[refresh]", '[registration]\nclient_id = "x"\nclient_secret = "shown"\n[refresh]'),
    ],
)
def test_what_the_checks_refuse_and_a_schema_can_say_is_refused_by_both(old: str, new: str) -> None:
    text = changed(CENTERS, (old, new))
    with pytest.raises(InvalidDefinition):
        parse_definition(text, source="centers.toml")
    assert refuses(tomllib.loads(text))


def test_a_fault_is_one_row_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "team.toml"
    wrong.write_text(changed(CENTERS, ('from = "token"', 'from = "tokens"'), ('kind = "rotating"', "kind = 7")))
    assert main(["provider", "check", str(wrong), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    lines = wrong.read_text().splitlines()
    assert told["faults"] == [
        {
            "key": "metadata.center.from",
            "expected": 'metadata.center.from must be one of "callback", "token", "request"',
            "fix": 'write from = "callback"',
            "line": 1 + lines.index('from = "tokens"'),
        },
        {
            "key": "refresh.kind",
            "expected": 'refresh.kind must be one of "none", "static", "rotating", "swap"',
            "fix": 'write kind = "none"',
            "line": 1 + lines.index("kind = 7"),
        },
    ]
    wrong.write_text('provider_id = "x\n')
    assert main(["provider", "check", str(wrong), "--json"]) == 1
    assert "not TOML" in json.loads(capsys.readouterr().out)["faults"][0]["expected"]
    wrong.write_bytes(b"\xff\xfe")
    assert main(["provider", "check", str(wrong)]) == 1


def test_check_and_list_count_what_is_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "centers.toml").write_text(CENTERS)
    assert main(["provider", "check", str(tmp_path / "centers.toml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["verified"]) == ("ok", 1) and told["unverified"] > 20
    assert msgspec.json.encode(told)
