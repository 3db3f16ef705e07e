"""The start stops at a setting that is missing, empty or impossible, and names every fault at once (GEN-12)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.config import ConfigurationError, read_settings
from chalicelib.records.settings import Settings
from tests.requirement import requirement

ROOT = Path(__file__).resolve().parents[2]
RIGHT = {"BROKER_ISSUER": "https://id.example"}


def faults(environ: dict[str, str]) -> tuple[str, ...]:
    """What is said about an environment."""
    with pytest.raises(ConfigurationError) as refused:
        read_settings(environ)
    return refused.value.faults


def test_an_issuer_is_enough() -> None:
    assert read_settings({**RIGHT, "PATH": "/bin"}) == Settings(issuer="https://id.example")


@requirement("GEN-12")
def test_every_fault_is_named_at_once() -> None:
    found = faults({"BROKER_TABLE": " ", "BROKER_EPOCH": "x", "BROKER_TABEL": "broker", "BROKER_CODE_SECONDS": ""})
    assert sorted(found) == [
        "BROKER_CODE_SECONDS is empty",
        "BROKER_EPOCH cannot be read",
        "BROKER_ISSUER is missing",
        "BROKER_TABEL is not a setting",
        "BROKER_TABLE is empty",
    ]


@requirement("GEN-12")
@pytest.mark.parametrize("name", sorted(Settings.__struct_fields__))
def test_no_setting_may_be_empty(name: str) -> None:
    assert faults({**RIGHT, f"BROKER_{name.upper()}": ""}) == (f"BROKER_{name.upper()} is empty",)


@requirement("GEN-12", "META-01")
@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example", "https://id.example/", "https://id.example?x", "https://id.example#x", "id.example",
        "https://", "https://u@id.example", "HTTPS://id.example", "https://ID.example", "https://id.example/a/",
        "https://id.example//a", "http://127.0.0.1.example", "http://localhost.example", "ftp://id.example",
        "https://id.example/../a", "https://id.example:99999999", "https://id example", "https://id.example/.",
        "http://localhost@evil.example",
    ],
)  # fmt: skip
def test_an_issuer_is_https_or_loopback_and_reads_in_one_way(issuer: str) -> None:
    assert len(faults({"BROKER_ISSUER": issuer})) == 1


@pytest.mark.parametrize(
    "issuer", ["https://id.example", "https://id.example/a/b", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"]
)  # fmt: skip
def test_these_issuers_are_taken_as_they_are(issuer: str) -> None:
    assert read_settings({"BROKER_ISSUER": issuer}).issuer == issuer


@requirement("GEN-12")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CODE_SECONDS", "0"), ("CODE_SECONDS", "601"), ("ACCESS_TOKEN_SECONDS", "0"), ("REFRESH_GRACE_SECONDS", "-1"),
        ("REFRESH_GRACE_SECONDS", "4"), ("REFRESH_IDLE_SECONDS", "0"), ("REFRESH_END_SECONDS", "-5"), ("EPOCH", "-1"),
        ("PENDING_SECONDS", "0"), ("SESSION_SECONDS", "0"), ("FAILED_AUTHENTICATIONS_PER_ADDRESS", "0"),
        ("REGISTRATION_PER_ADDRESS", "0"), ("REGION_LETTER", "ab"), ("REGION_LETTER", "A"), ("KEYS_TABLE", "broker"),
        ("OPEN_REGISTRATION", "perhaps"), ("CODE_SECONDS", "1.5"), ("CODE_SECONDS", "١"),
    ],
)  # fmt: skip
def test_a_value_that_would_switch_a_protection_off_is_refused(name: str, value: str) -> None:
    assert len(faults({**RIGHT, f"BROKER_{name}": value})) == 1


@requirement("GEN-12")
def test_the_process_does_not_start() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
    command = [
        sys.executable,
        "-m",
        "local.serve",
        "--port",
        "0",
        "--set",
        "code_seconds=0",
        "--set",
        "tabel=x",
        "--json",
    ]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "BROKER_TABEL" in ended.stderr
    assert ended.stdout == ""
