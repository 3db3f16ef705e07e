"""docs/explain.md: its example is what the command prints for such a line."""

import json
import re
import shlex
import time
from pathlib import Path

import pytest

from cli.main import build_parser, main
from tests.requirement import requirement

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()]


@requirement("OPS-08")
def test_the_example_is_what_the_command_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ((*_, error_id),) = COMMANDS
    assert build_parser().parse_args(COMMANDS[0][3:]).error_id == error_id
    evidence = {
        "endpoint": "GET /authorize",
        "client_id": "0f" * 16,
        "expected": ["https://app.example/callback"],
        "received": "https://app.example/Callback/",
    }
    at = int(time.mktime(time.strptime("2026-07-28 09:14:03", "%Y-%m-%d %H:%M:%S"))) - time.timezone
    line = {"at": at, "event": "refused", "error": "invalid_request", "reason": "redirect_uri_not_registered"}
    (tmp_path / "log").write_text(json.dumps({**line, "error_id": error_id, "evidence": evidence}) + "\n")
    assert main(["explain", error_id, "--log", str(tmp_path / "log")]) == 0
    shown = re.findall(r"```\n(refused.*?)```", PAGE, re.DOTALL)[0]
    assert capsys.readouterr().out == shown
