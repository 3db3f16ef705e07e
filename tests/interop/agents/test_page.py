"""What docs/mcp.md shows is run, and what it names is there."""

import re
import shlex
import sys
from collections.abc import Iterator

import pytest

import dev
from chalicelib.config import read_settings
from cli.main import build_parser
from demo.mcp import guard as module
from tests.kit import ROOT
from tests.kit.http.stack import Stack, own_parts
from tests.kit.requirement import requirement

PAGE = (ROOT / "docs" / "mcp.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with own_parts() as parts:
        yield Stack(parts)


@requirement("MCP-01", "MCP-03")
def test_a_server_set_up_as_the_page_says_takes_its_tokens(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {}
    for line in BLOCKS[1][1].splitlines():
        options = build_parser().parse_args(shlex.split(line)[1:])
        made |= options.act(stack.deployment, options)
    monkeypatch.setitem(sys.modules, "guard", module)
    scope, resource = "openid notes:read notes:write", "https://mcp.example.com/mcp"
    client, _ = stack.client(scopes=frozenset(scope.split()), resources=frozenset({resource}))
    access = stack.redeem(stack.sign_in(client, scope=scope, resource=resource)).json["access_token"]
    names = {"BROKER": stack.settings.issuer, "CLIENT_ID": made["client_id"], "CLIENT_SECRET": made["client_secret"]}
    for header, status in ((f"Bearer {access}", 200), (None, 401)):
        here = {**names, "authorization_header": header}
        exec(compile(BLOCKS[2][1], "docs/mcp.md", "exec"), here)
        assert here["answer"][0] == status  # type: ignore[index]


def test_its_commands_and_settings_are_there() -> None:
    commands = set(re.findall(r"dev\.py ([a-z]+)", PAGE))
    assert commands == {"mcp", "agents"} <= set(dev.COMMANDS)
    given = dict(re.findall(r'export (BROKER_[A-Z_]+)="([^"]*)"', BLOCKS[3][1]))
    settings = read_settings({"BROKER_ISSUER": "https://login.example.com", **given})
    assert settings.open_registration_resources == {"https://mcp.example.com/mcp"}
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE)
    assert links and not [link for link in links if not (ROOT / "docs" / link).exists()]


@requirement("MCP-01")
def test_the_guard_prints_its_metadata(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = re.search(r"python (guard\.py [^`]+)`", PAGE)
    assert arguments
    monkeypatch.setattr(sys, "argv", arguments[1].split())
    module.main()
    said = capsys.readouterr().out
    assert said.startswith("# serve this at https://mcp.example.com/.well-known/oauth-protected-resource/mcp\n{")
    assert '"https://login.example.com"' in said
