"""docs/conformance: its plan files press buttons that are there, its commands are understood, its counts are right."""

import json
import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cli.main import build_parser
from tests.kit import ROOT
from tests.kit.http.browser import request
from tests.kit.http.stack import Stack
from tests.kit.requirements import read_requirements

FOLDER = ROOT / "docs" / "conformance"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
PLANS: dict[str, dict[str, Any]] = {
    path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))
}
BUTTON = re.compile(r"button\[name=(\w+)\]\[value=(\w+)\]")


def buttons(plan: dict[str, Any], host: str) -> set[tuple[str, str]]:
    """Name and value of what its browser presses at this host."""
    tasks = [task for one in plan.get("browser", ()) for task in one["tasks"] if host in task["match"]]
    return {found for task in tasks for command in task["commands"] for found in BUTTON.findall(command[2])}


def test_each_plan_is_run_by_a_command_and_has_its_file() -> None:
    run = dict(re.findall(r'^run-test-plan\.py "([a-z0-9-]+).*" (\S+\.json)$', PAGE, re.MULTILINE))
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| \[(\S+\.json)\]\(\2\) \| (\d+) \|", PAGE, re.MULTILINE)
    assert {plan: name for plan, name, _ in rows} == run
    assert set(run.values()) == set(PLANS)
    sources = Counter(line.source for line in read_requirements().values())
    assert {plan: int(count) for plan, _, count in rows} == {
        plan: sources[f"OIDF conformance suite, plan {plan}"] for plan in run
    }


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_begins_at_our_discovery_document_and_holds_no_secret(stack: Stack, name: str) -> None:
    plan = PLANS[name]
    assert stack.get(urlsplit(plan["server"]["discoveryUrl"]).path).json["issuer"] == stack.settings.issuer
    secrets = re.findall(r'"(?:client_secret|d)": "([^"]*)"', json.dumps(plan))
    assert all(re.fullmatch(r"[A-Z ]+", secret) for secret in secrets)


def test_what_the_suites_browser_presses_is_there(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), browser)
    left = stack.decide(browser, page, provider="demo").location
    there = request(urlsplit(left).netloc, "GET", f"{urlsplit(left).path}?{urlsplit(left).query}")
    for name in ("basic-op.json", "fapi2-sp.json"):
        for host, body in (("login.example.com", page.body), ("provider.example.com", there.body)):
            pressed = buttons(PLANS[name], host)
            assert pressed
            assert all(f'name="{button}" value="{value}"' in body for button, value in pressed)


def test_every_command_for_the_operator_is_understood(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(broker .*?)```", PAGE, re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.replace("\\\n", "").splitlines()]
    alias = PLANS["basic-op.json"]["alias"]
    assert len(commands) == 3
    for words in commands:
        options = build_parser().parse_args(words[1:])
        assert options.redirect_uri == [f"https://localhost.emobix.co.uk:8443/test/a/{alias}/callback"]
