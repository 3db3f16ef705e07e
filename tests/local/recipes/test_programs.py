"""Each recipe that is a program: run as it stands, with a person at the address that it shows."""

import json
import plistlib
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from local.browser import Browser, query_of
from local.demo.backend import Behind
from local.node import ROOT
from local.recipe.recipe import PAGES, PROGRAMS, RECIPES, register_recipe
from tests.kit.person import without_query
from tests.kit.requirement import requirement
from tests.local.recipes.program import act, run

CLAIMED = "https://app.example.com/callback"


@requirement("DLV-02")
@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_program_signs_in(demo: Behind, name: str, tmp_path: Path) -> None:
    revoked = demo.provider.count("revoke")
    printed = run(demo, name, tmp_path)
    assert "Alice Almeida" in printed
    if name in ("device", "native-loopback"):
        assert "demo: alice, active" in printed
    if name == "curl":
        assert '"at_provider":"revoked"' in printed and demo.provider.count("revoke") > revoked
    if name == "electron":
        assert (tmp_path / "session").read_bytes()[::-1].startswith(b"tb_refresh_")


@requirement("DLV-02")
def test_a_claimed_link_is_the_same_everywhere_and_the_sign_in_ends_there(demo: Behind) -> None:
    folder = RECIPES / "claimed-https"
    apple = json.loads((folder / "well-known" / "apple-app-site-association").read_text())
    (details,) = apple["applinks"]["details"]
    domains = plistlib.loads((folder / "App.entitlements").read_bytes())["com.apple.developer.associated-domains"]
    assert {f"https://{one.partition(':')[2]}{details['components'][0]['/']}" for one in domains} == {CLAIMED}
    manifest = ElementTree.parse(folder / "AndroidManifest.xml").getroot()
    (data,) = manifest.iter("data")
    place = {name.rpartition("}")[2]: value for name, value in data.items()}
    assert "{scheme}://{host}{path}".format(**place) == CLAIMED
    (statement,) = json.loads((folder / "well-known" / "assetlinks.json").read_text())
    assert statement["target"]["package_name"] in details["appIDs"][0]
    assert CLAIMED in (RECIPES / "expo" / "broker.ts").read_text()
    client_id = register_recipe(demo, "claimed-https", CLAIMED)
    asked = (
        f"{demo.broker.issuer}/authorize?response_type=code&client_id={client_id}&redirect_uri={CLAIMED}"
        f"&scope=openid&state=s&code_challenge={'c' * 43}&code_challenge_method=S256&provider=demo"
    )
    end = act(demo, asked).location
    assert without_query(end) == CLAIMED and query_of(end).keys() == {"code", "state", "iss"}


@requirement("DLV-02")
def test_a_recipe_is_short() -> None:
    files = [file for file in RECIPES.rglob("*") if file.is_file()]
    assert {file.name: lines for file in files if (lines := len(file.read_text().splitlines())) > 80} == {}


@requirement("DLV-02")
@pytest.mark.parametrize(
    ("name", "says"),
    [("device", r"BROKER=\S+ CLIENT_ID=\S+ \S+ \S+/app\.py"), ("popup", r"http://\S+")],
    ids=["program", "page"],
)
def test_the_command_says_how_a_recipe_begins(name: str, says: str) -> None:
    command = [sys.executable, "dev.py", "recipe", name]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        said = process.stdout.readline().strip()
        if name in PAGES and "not installed" in (process.stderr.read() if not said else ""):
            pytest.skip("npm is not installed")
        assert re.fullmatch(says, said)
        if name in PAGES:
            assert "Sign-in in a window" in Browser().get(said).text
        process.terminate()
        assert process.wait(timeout=20) == 0
