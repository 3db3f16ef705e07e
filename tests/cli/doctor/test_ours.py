"""Our own broker, asked by real HTTP through a gateway that renames a header, and behind a bare stage URL."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.routes import create_app
from cli.main import main
from local.stack.gateway import Gateway
from tests.cli.doctor.findings import CHECKS
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

# Without TLS, a path or a second of something there is nothing to be told.
ON_LOOPBACK = {"discovery-path-inserted", "discovery-path-appended", "tls-plain-http", "tls-hsts"}


def examine(stack: Stack, issuer: str, capsys: pytest.CaptureFixture[str], **fields: Any) -> tuple[int, Any]:
    client, _ = stack.client(**fields)
    app = ["--client-id", client.client_id, "--redirect-uri", client.redirect_uris[0]]
    capsys.readouterr()
    code = main(["doctor", "--url", issuer, "--allow-loopback", "--json", *app])
    return code, json.loads(capsys.readouterr().out)


@requirement("DIAG-01", "META-02")
def test_at_our_own_broker_nothing_is_found_but_the_header_that_api_gateway_renames(
    make_stack: Callable[..., Stack], capsys: pytest.CaptureFixture[str]
) -> None:
    stack = make_stack(client_id_documents=True, registration="open")
    code, document = examine(stack, stack.settings.issuer, capsys)
    assert [finding["check"] for finding in document["findings"]] == ["header-renamed"] and code == 1
    assert "Lambda@Edge" in json.dumps(document["findings"]), (
        "API Gateway takes the header away, and the doctor says so"
    )
    assert set(document["skipped"]) == ON_LOOPBACK
    assert len(document["passed"]) == len(CHECKS) - len(ON_LOOPBACK) - 1


@requirement("DIAG-01", "META-05")
def test_a_bare_stage_url_is_found_out(make_stack: Callable[..., Stack], capsys: pytest.CaptureFixture[str]) -> None:
    """Its root is not ours; API Gateway renames WWW-Authenticate there as anywhere."""
    built: list[Stack] = []
    gateway = Gateway(create_app(lambda: built[0].broker), stage_prefix="/api")
    try:
        built.append(make_stack(issuer=gateway.url, client_id_documents=True))
        gateway.start()
        code, document = examine(built[0], gateway.url, capsys)
    finally:
        gateway.stop()
    assert code == 1
    assert {finding["check"] for finding in document["findings"]} == {"discovery-path-inserted", "header-renamed"}
    assert "custom domain" in json.dumps(document["findings"])
