"""What is installed is pinned to its bytes, and what ships is no more than it needs."""

import json
import re

import pytest

from local.package.lock import LOCKS as NAMES
from tests.kit import ROOT
from tests.kit.requirement import requirement

LOCKS = tuple(f"{name}.txt" for name in NAMES)
PIN = re.compile(r"([a-z0-9][a-z0-9-]*)==([0-9][0-9a-z.]*)( ; [a-z_<>=!. '0-9A-Z]+)?")


def pins(lock: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9].*?(?= \\$)", (ROOT / lock).read_text(), re.MULTILINE))


@requirement("OPS-04")
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_names_versions_and_hashes_and_nothing_else(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = [entry.split(" \\\n    ") for entry in re.sub(r"\n(?=\S)", "\0", text.strip()).split("\0")]
    for pin, *hashes in entries:
        assert PIN.fullmatch(pin), pin
        assert hashes, pin
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", value) for value in hashes), pin


@requirement("OPS-04")
@pytest.mark.parametrize("folder", ["tests/interop/clients", "tests/interop/clients/projects"])
def test_an_npm_lock_holds_versions_and_hashes_and_no_host(folder: str) -> None:
    text = (ROOT / folder / "package-lock.json").read_text()
    assert "://" not in text
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    # What is bundled lies in the archive of another, under whose hash it is.
    fetched = [entry for entry in packages.values() if not entry.get("inBundle")]
    assert fetched and all(re.fullmatch(r"sha512-[\w+/=]{88}", entry["integrity"]) for entry in fetched)
    wanted = json.loads((ROOT / folder / "package.json").read_text())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_what_ships_is_what_was_tested() -> None:
    assert pins("requirements.txt") <= pins("requirements-dev.txt")


def test_what_a_first_start_installs_is_part_of_what_development_installs() -> None:
    assert pins("requirements.txt") < pins("requirements-local.txt") < pins("requirements-dev.txt")


def test_nothing_ships_that_the_function_does_not_import() -> None:
    shipped = {pin.partition("==")[0] for pin in pins("requirements.txt")}
    assert shipped == {"cffi", "cryptography", "jinja2", "markupsafe", "msgspec", "pycparser", "pyjwt"}
