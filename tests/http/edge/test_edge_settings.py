"""Settings: what is missing, empty or impossible stops the start, and all of it is said at once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.composition import ProcessBroker, build_broker
from chalicelib.config import ConfigurationError, read_settings
from chalicelib.records.settings import Settings
from chalicelib.routes import create_app
from local.stack.gateway import Gateway
from tests.kit import ROOT
from tests.kit.http.browser import request
from tests.kit.http.surface import ENDPOINTS
from tests.kit.requirement import requirement

WHOLE = {"BROKER_ISSUER": "https://broker.example"}

ISSUERS = [
    "http://broker.example", "https://broker.example/", "https://broker.example?x", "https://broker.example#x", "ftp://x",
    "https://user@broker.example", "https://BROKER.example", "https://broker.example/a/", "broker.example", "https://",
    "https://broker.example/../x", "https://broker.example:99999", "https://broker.example:0",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "https://broker.example/a/b", "https://broker.example\\@evil.example", "https://a b",
    "https://.example", "https://broker..example", "https://broker.example//x", "https://-a.example",
    "https://broker.example/..", "https://broker.example/.", "http://[::2]", "http://128.0.0.1", "http://0.0.0.0",
]  # fmt: skip
BAD = {
    "code_seconds": ["0", "-1", "601", "x", "1.5", "", " ", "9" * 40],
    "access_token_seconds": ["0", "-600", "", "ten"],
    "id_token_seconds": ["0", ""],
    "refresh_grace_seconds": ["-1", "1", "4", ""],
    "refresh_idle_seconds": ["0", ""],
    "refresh_end_seconds": ["0", ""],
    "refresh_tokens_unasked": ["", "maybe"],
    "pending_seconds": ["0", ""],
    "session_seconds": ["0", ""],
    "bff_idle_seconds": ["0", ""],
    "bff_end_seconds": ["0", "-1"],
    "device_seconds": ["0", "59", "601", ""],
    "device_poll_seconds": ["0", "31", ""],
    "device_tries_per_browser": ["0", ""],
    "device_tries_per_address": ["0", "-1", ""],
    "device_wrong_codes": ["0", ""],
    "epoch": ["-1", "", "x"],
    "region_letter": ["", "A", "ab", "1"],
    "adopted_letters": ["A", "1", "a", "b,c"],
    "table": ["", " "],
    "keys_table": ["", "broker"],
    "kms_key": [""],
    "deployment": [""],
    "endpoint_url": ["", "nonsense", "ftp://127.0.0.1", "//127.0.0.1", "http://"],
    "require_pushed_authorization_requests": ["", "perhaps", "2"],
    "dpop_nonce": ["", "true", "Required"],
    "requests_per_address": ["-1", "x", ""],
    "requests_per_client": ["-1", "x", ""],
    "event_bus": ["", "a bus", "*", "arn:aws:sqs:eu-west-1:123456789012:queue"],
    "metrics": ["true", "ON", ""],
    "profile": ["", "FAPI2", "fapi1", "true"],
    "registration": ["", "yes", "OPEN", "true"],
    "open_registration_handout": ["", "everything"],
    "open_registration_scopes": [""],
    "open_registration_resources": [
        "",
        "mcp.example",
        "https://mcp.example#x",
        " ".join(f"https://{number}.example" for number in range(201)),
    ],
    "client_id_documents": ["", "perhaps", "2"],
    "document_fetches_per_address": ["0", "-1", ""],
    "document_fetches_per_host": ["0", ""],
    "document_fetches_per_minute": ["0", ""],
    "open_registration_device": ["", "some"],
    "registration_per_address": ["0", "-1", ""],
    "registration_per_day": ["0", ""],
    "registration_total": ["0", ""],
    "registration_unused_days": ["0", ""],
    "connection_unused_days": ["0", "", "never"],
    "signing_key_days": ["-1", "", "never"],
    "key_days": ["29", "-1", ""],
    "failed_authentications_per_address": ["0", "", "many"],
    "handouts_per_user": ["-1", "0", "", "many"],
    "handouts_per_client": ["-1", "0", ""],
    "handouts_unlimited": ["", "perhaps"],
    "provider_dirs": ["", " "],
    "theme": ["", " "],
    "documentation": ["", "docs", "http://docs.example/", "javascript:alert(1)", "https://u@docs.example/"],
}


def faults_of(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(environ)
    return caught.value.faults


@requirement("GEN-12", "META-01")
@pytest.mark.parametrize("issuer", ISSUERS)
def test_an_issuer_that_reads_in_two_ways_is_refused(issuer: str) -> None:
    assert [fault for fault in faults_of({"BROKER_ISSUER": issuer}) if "BROKER_ISSUER" in fault]


@requirement("GEN-12", "META-01")
@pytest.mark.parametrize(
    "issuer",
    [
        *("https://broker.example", "https://broker.example:8443", "https://broker.example/api", "https://a"),
        *("http://127.0.0.1:8080", "http://localhost:1", "http://[::1]", "http://[::1]:65535"),
    ],
)
def test_a_right_issuer_stays_as_it_is(issuer: str) -> None:
    assert read_settings({"BROKER_ISSUER": issuer}).issuer == issuer


@requirement("GEN-12")
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_setting_that_would_switch_a_check_off_is_refused(name: str, value: str) -> None:
    faults = faults_of({**WHOLE, f"BROKER_{name.upper()}": value})
    assert len(faults) == 1 and f"BROKER_{name.upper()}" in faults[0]
    assert not value.strip() or len(value) < 4 or value not in faults[0]


@requirement("GEN-12")
def test_every_setting_has_its_bad_values() -> None:
    assert set(BAD) | {"issuer"} == {field.name for field in msgspec.structs.fields(Settings)}


@requirement("GEN-12")
def test_every_fault_is_named_at_once() -> None:
    bad = {f"BROKER_{name.upper()}": values[0] for name, values in BAD.items()}
    faults = faults_of({**bad, "BROKER_ISSUER": "http://broker.example", "BROKER_UNHEARD_OF": "1"})
    for name in [*bad, "BROKER_ISSUER", "BROKER_UNHEARD_OF"]:
        assert [fault for fault in faults if name in fault], name
    assert "BROKER_ISSUER is missing" in faults_of({"BROKER_CODE_SECONDS": "0", "BROKER_EPOCH": "-1"})
    assert len(faults_of({"BROKER_CODE_SECONDS": "0", "BROKER_EPOCH": "-1"})) == 3


@requirement("GEN-12")
def test_provider_files_that_cannot_be_used_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("provider_id = 7")
    settings = Settings(issuer="https://broker.example", provider_dirs=(str(tmp_path), str(tmp_path / "none")))
    with pytest.raises(ConfigurationError) as caught:
        build_broker(settings)
    assert "none is not a folder" in str(caught.value) and "broken.toml" in str(caught.value)


@requirement("GEN-12", "GEN-13")
def test_a_function_without_settings_answers_503_everywhere_and_logs_every_fault(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("BROKER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BROKER_CODE_SECONDS", "0")
    monkeypatch.setenv("BROKER_UNHEARD_OF", "canary-value")
    gateway = Gateway(create_app(ProcessBroker())).start()
    for endpoint in ENDPOINTS:
        path = endpoint.fill("demo")
        answer = request(gateway.url.removeprefix("http://"), endpoint.method, path)
        assert (answer.status, answer.header("retry-after")) == (503, "60"), endpoint.name
        assert "BROKER_" not in answer.body and answer.header("cache-control") == "no-store"
    monkeypatch.delenv("BROKER_UNHEARD_OF")
    monkeypatch.delenv("BROKER_CODE_SECONDS")
    monkeypatch.setenv("BROKER_ISSUER", gateway.url)
    assert request(gateway.url.removeprefix("http://"), "GET", "/health").status == 200
    gateway.stop()
    lines: list[dict[str, Any]] = [json.loads(line) for line in capfd.readouterr().out.splitlines() if "at" in line]
    faults = next(line["faults"] for line in lines if line["event"] == "not_configured")
    for expected in ("BROKER_ISSUER is missing", "BROKER_CODE_SECONDS", "BROKER_UNHEARD_OF"):
        assert any(expected in fault for fault in faults), expected
    assert "canary-value" not in str(lines)


@requirement("GEN-12")
def test_a_process_refuses_to_start_and_names_every_fault() -> None:
    bad = ["--set", "code_seconds=0", "--set", "region_letter=AB", "--set", "unheard_of=1", "--set", "kms_key="]
    command = [sys.executable, "-m", "local.serve", "--port", "0", "--issuer", "http://broker.example", *bad]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2 and not ended.stdout
    for name in ("ISSUER", "CODE_SECONDS", "REGION_LETTER", "UNHEARD_OF", "KMS_KEY"):
        assert f"BROKER_{name}" in ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr
