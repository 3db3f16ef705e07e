"""A deployment with keys and nothing else, and the file that it shall be like."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.cli.applied_file import SECRET
from tests.kit.cli.operator import Done, Operator


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
