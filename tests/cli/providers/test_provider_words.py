"""What the command says of provider files: how much of each was read in the provider's documentation, and every key."""

import json
import tomllib
from collections.abc import Callable

from chalicelib.providers.definition.sources import count_sources
from tests.kit import ROOT
from tests.kit.cli.operator import Done

HOME = ROOT


def test_a_list_counts_what_was_read_and_what_was_not(typed: Callable[..., Done]) -> None:
    counted = {
        row["provider_id"]: (row["verified"], row["unverified"]) for row in typed("provider", "list", "--json").json
    }
    files = [*(HOME / "chalicelib" / "providers").glob("*.toml"), HOME / "local" / "providers" / "demo.toml"]
    for path in files:
        assert counted[path.stem] == count_sources(tomllib.loads(path.read_text(encoding="utf-8"))), path.stem
    assert typed("provider", "show", "github", "--json").json["verified"] == counted["github"][0]


def test_a_line_counts_as_read_only_where_the_closest_key_says_so() -> None:
    document = {
        "token_endpoint": "x",
        "refresh": {"kind": "static", "grace": "none"},
        "scopes": {"a": {"title": "t", "access": "read"}, "b": {"title": "t", "access": "read"}},
        "documentation": {"https://docs.example": ["token_endpoint", "refresh", "scopes.a"]},
        "unverified": ["refresh.grace", "scopes"],
    }
    assert count_sources(document) == (3, 2)


def test_the_keys_are_printed_for_programs_and_for_people(typed: Callable[..., Done]) -> None:
    assert "terminal_errors" in json.loads(typed("provider", "schema").out)["$defs"]["RefreshRules"]["properties"]
    assert "- `terminal_errors` (list of text, default" in typed("provider", "schema", "--words").out
