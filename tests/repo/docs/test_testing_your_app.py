"""docs/testing-your-app.md: its list of faults is complete, and every request to the control in it is understood."""

import itertools
import json
import re
import shlex
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from local.fake.command import CLIENT_ID, CLIENT_SECRET, find_definition
from local.fake.faults import Faults
from local.fake.profile.profile_server import _ANSWERS, RunningProfile
from tests.kit import ROOT
from tests.kit.providers.team_provider import control

PAGE = (ROOT / "docs" / "testing-your-app.md").read_text(encoding="utf-8")
COMMANDS = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ").splitlines()
SAID = [json.loads(body) for body in re.findall(r"`(\{\".*?\})`", PAGE)]


@pytest.fixture
def zoom() -> Iterator[RunningProfile]:
    """As `dev.py provider zoom` plays it."""
    player = RunningProfile(find_definition("zoom"))
    player.add_client(CLIENT_ID, CLIENT_SECRET)
    yield player
    player.stop()


def test_every_fault_stands_in_it_once_and_no_other() -> None:
    named = re.findall(r"^- `([a-z0-9_]+)` \(.+\): ", PAGE.partition("## Faults")[2], re.MULTILINE)
    assert sorted(named) == sorted(Faults().normal)


def test_every_place_of_a_fault_stands_in_it() -> None:
    (row,) = re.findall(r"^- `at` .*$", PAGE, re.MULTILINE)
    assert set(_ANSWERS) | {"*", "at"} <= set(re.findall(r"`([a-z*]+)`", row))


def test_every_request_to_the_control_is_understood(zoom: RunningProfile) -> None:
    assert len(SAID) > 10
    for wanted in SAID:
        assert "error" not in control(zoom, wanted), wanted
    assert control(zoom)["faults"] == {}


def test_a_test_can_sign_in_as_it_says(zoom: RunningProfile) -> None:
    (words,) = [shlex.split(line) for line in COMMANDS if "decision=alice" in line]
    form = "&".join(word for flag, word in itertools.pairwise(words) if flag == "-d")
    (url,) = [word.replace("$PROVIDER", zoom.url) for word in words if word.startswith("$PROVIDER/")]
    there = urlsplit(url)
    asked = HTTPConnection(there.hostname or "", there.port, timeout=10)
    asked.request("POST", there.path, form, {"Content-Type": "application/x-www-form-urlencoded"})
    leads = asked.getresponse().headers["Location"]
    assert re.fullmatch(r"http://127\.0\.0\.1:3000/callback\?code=demo_code_\S+&state=xyz", leads)
