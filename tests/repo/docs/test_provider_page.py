"""What is published of provider files is made from the code, and counts what is there."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chalicelib.providers.catalog import OUR_FILES
from chalicelib.providers.definition import InvalidDefinition, parse_definition
from chalicelib.providers.definition.sources import count_sources
from cli.commands.provider_schema import build_schema, describe_keys
from local.trial.steps import run_trial
from local.trial.workshop import Workshop
from tests.kit import ROOT

PAGE = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
FILES = sorted((*OUR_FILES.glob("*.toml"), *(ROOT / "local" / "providers").glob("*.toml")))
SCHEMA = jsonschema.Draft202012Validator(build_schema())
(EXAMPLE,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
MADE = "python3 dev.py broker provider schema [--words], into docs/provider.schema.json and docs/provider-keys.md"


def as_json(text: str) -> Any:
    """As an editor shows a file to a JSON Schema."""
    return json.loads(json.dumps(tomllib.loads(text), default=str))


def test_what_is_published_is_made_from_the_code() -> None:
    published = json.loads((ROOT / "docs" / "provider.schema.json").read_text(encoding="utf-8"))
    assert published == build_schema(), MADE
    assert (ROOT / "docs" / "provider-keys.md").read_text(encoding="utf-8") == describe_keys() + "\n", MADE
    jsonschema.Draft202012Validator.check_schema(published)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_as_the_schema_says(path: Path) -> None:
    assert list(SCHEMA.iter_errors(as_json(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ('provider_id = "team"\n', ""),
        ('provider_id = "team"', 'provider_id = "Team Login"'),
        ("checked_on = 2026-01-31", "checked_on = 2026"),
        ("https://docs.team.example/oauth", "docs.team.example/oauth"),
        ('kind = "rotating"', 'kind = "rotates"'),
        ('kind = "rotating"', 'kin = "rotating"'),
        ('access = "read" }\n"notes', 'access = "all" }\n"notes'),
        ("[refresh]", "[refreshing]"),
    ],
)
def test_what_the_schema_refuses_the_check_refuses_too(written: str, instead: str) -> None:
    assert written in EXAMPLE
    wrong = EXAMPLE.replace(written, instead)
    assert list(SCHEMA.iter_errors(as_json(wrong))) != []
    with pytest.raises(InvalidDefinition):
        parse_definition(wrong, source="team.toml")


def test_the_example_of_the_page_is_a_provider_that_works() -> None:
    definition, shop = parse_definition(EXAMPLE, source="team.toml"), Workshop()
    try:
        steps = list(run_trial(shop, definition))
    finally:
        shop.close()
    assert [step.step for step in steps if not step.passed] == [] and len(steps) == 5, steps


def test_the_readme_counts_what_was_read_and_what_was_not() -> None:
    files = sorted(OUR_FILES.glob("*.toml"))
    counts = [count_sources(tomllib.loads(path.read_text(encoding="utf-8"))) for path in files]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    verified, unverified = (sum(column) for column in zip(*counts, strict=True))
    assert f"[{len(files)} of them]" in readme, len(files)
    assert f"**{verified} are taken from the provider's documentation" in readme, verified
    assert f"documentation, {unverified} are unverified**" in readme, unverified
