"""A deployment with keys and nothing else, and the file that it shall be like."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Operator
from tests.kit.cli.operator import Done

SECRET = "canary-secret-at-the-provider"
HEAD = '[providers.github]\nclient_id = "us"\nsecret_from = "env:GITHUB_SECRET"\n\n'
WEB = '[clients.web]\nname = "Web"\nredirect_uri = ["https://app.example/cb"]\n'


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")


@pytest.fixture
def apply(broker: Operator, tmp_path: Path) -> Callable[..., Done]:
    """`broker apply` of this text, with the provider's secret in the environment."""

    def run(text: str, *words: str, **environ: str | None) -> Done:
        file = tmp_path / "broker.toml"
        file.write_text(text, encoding="utf-8")
        return broker("apply", str(file), *words, **{"GITHUB_SECRET": SECRET, **environ})

    return run


@pytest.fixture
def empty(broker: Operator, apply: Callable[..., Done]) -> None:
    """Everything that earlier tests left is deleted."""
    rows = [("client", row["client_id"]) for row in broker.made("client", "list")]
    rows += [("resource", row["audience"]) for row in broker.made("resource", "list")]
    rows += [("provider", row["provider_id"]) for row in broker.made("provider", "list") if row["switched_on"]]
    words = [word for kind, name in rows for word in ("--delete", f"{kind}:{name}")]
    assert apply("", *words).code == 0


def rows_of(done: Done) -> Any:
    return [(row["change"], row["kind"], row["name"]) for row in done.json]
