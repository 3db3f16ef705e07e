"""Adding a provider is one file and no code: written into a folder, checked, tried, and used for a whole life."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from chalicelib.config import read_catalog
from chalicelib.providers.catalog import OUR_FILES, load_catalog
from chalicelib.providers.definition import fill
from cli.main import main
from tests.kit import ROOT
from tests.kit.provider_files import CENTERS, changed, read
from tests.kit.providers.provider_scene import Scene
from tests.kit.requirement import requirement

TEXT = changed(CENTERS, ('"centers"', '"notebook"'), ('"Centers"', '"Notebook"'))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """In a folder of the operator's."""
    written = tmp_path / "notebook.toml"
    written.write_text(TEXT)
    return written


@requirement("VAL-05")
def test_the_command_checks_and_tries_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load_catalog().get("notebook") is None and not (OUR_FILES / file.name).exists()
    assert main(["provider", "check", str(file)]) == 0
    capsys.readouterr()
    assert main(["provider", "test", str(file), "--json"]) == 0
    (tried,) = json.loads(capsys.readouterr().out)
    assert [step["step"] for step in tried["steps"]] == ["sign-in", "hand-out", "refresh", "hand-out again", "revoke"]


@requirement("VAL-05")
def test_a_broker_that_is_given_the_folder_goes_the_whole_way_with_it(stage: Callable[..., Scene], file: Path) -> None:
    scene = stage(read(TEXT), metadata={"company": "12"})
    shop = scene.trial.shop
    settings = msgspec.structs.replace(shop.settings, provider_dirs=(str(file.parent),))
    catalog = read_catalog(settings)
    assert catalog.get("notebook") is not scene.player.file and catalog.ids > load_catalog().ids
    shop._broker = scene.trial.broker = dataclasses.replace(scene.trial.broker, catalog=catalog)

    scene.redeem(scene.come_back())
    scene.trial.hand_out()
    bearer = {"Authorization": f"Bearer {scene.app.tokens['access_token']}"}
    called = scene.app.person.call(f"{scene.app.issuer}/proxy/notebook/pages", bearer)
    assert (called.status, called.json()["login"]) == (200, "alice")
    assert scene.trial.refresh() == "rotating, one request"
    assert scene.trial.revoke() == "refresh_token revoked, access_token revoked"
    assert {one.endpoint for one in scene.player.requests} == {
        "authorize", "token", "metadata", "userinfo", "api", "revoke",
    }  # fmt: skip


def test_the_values_that_the_page_shows_fit_its_example() -> None:
    page = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    shown = "\n".join(line[4:] for line in page[page.index("    issuer = ") :].splitlines() if line.startswith("    "))
    shown = shown[: shown.index("python3")]
    issuer, _, sections = shown.partition("\n")
    whole = changed(
        example,
        ('issuer = "https://login.team.example"', issuer),
        ('unverified = ["refresh"', 'unverified = ["variables", "metadata", "api", "refresh"'),
    )
    definition = read(f"{whole}\n{sections}")
    filled = fill(definition, {"tenant": "acme", "center": "eu"}, complete=True)
    assert filled.issuer == "https://login.team.example/acme"
    assert filled.api is not None and filled.api.base_url == "https://eu.team.example/v1"
