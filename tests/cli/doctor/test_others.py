"""Servers that others wrote: what is found there is so, and nothing else is found."""

import json
import tomllib
from pathlib import Path

import pytest

from cli.main import main
from local.node import why_no_node
from tests.cli.doctor.others import SERVERS
from tests.kit.requirement import requirement

GOLDEN = tomllib.loads(Path(__file__).with_name("others.toml").read_text(encoding="utf-8"))

MODULES = {"oidc-provider-mock": "oidc_provider_mock", "moto-cognito": "moto", "mcp-sdk": "mcp", "authlib": "authlib"}


@requirement("DIAG-01")
@pytest.mark.parametrize("name", SERVERS)
def test_what_is_found_at_a_server_of_others_is_so(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """others.toml says of each finding what was seen there by hand."""
    if name in MODULES:
        pytest.importorskip(MODULES[name], reason=f"{MODULES[name]} is not installed for this Python")
    elif missing := why_no_node():
        pytest.skip(missing)
    with SERVERS[name]() as (issuer, client, redirect_uri):
        app = ["--client-id", client, "--redirect-uri", redirect_uri] if client else []
        capsys.readouterr()
        code = main(["doctor", "--url", issuer, "--allow-loopback", "--json", *app])
        document = json.loads(capsys.readouterr().out)
    assert {finding["check"] for finding in document["findings"]} == GOLDEN[name].keys()
    assert code == 1 and 0 < document["score"] < 100


@requirement("DIAG-01")
def test_the_list_is_of_these_servers() -> None:
    assert GOLDEN.keys() == SERVERS.keys()
