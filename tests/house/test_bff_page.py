"""docs/bff.md: its commands can be parsed, and its reasons and lifetimes are those of the code."""

import re
import shlex
from pathlib import Path

from chalicelib.records.settings import Settings
from cli.main import build_parser

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "bff.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(sh|js)\n(.*?)```", PAGE, re.DOTALL))


def test_its_commands_are_read() -> None:
    lines = BLOCKS["sh"].replace("\\\n", "").splitlines()
    assert len(lines) == 2
    for line in lines:
        command, *words = shlex.split(line)
        assert command == "broker" and build_parser().parse_args(words).act


def test_its_reasons_are_given_and_its_times_are_the_settings() -> None:
    files = [*(ROOT / "chalicelib/endpoints/bff").glob("*.py"), ROOT / "chalicelib/protocol/grants.py"]
    sources = "".join(path.read_text(encoding="utf-8") for path in files)
    named = re.findall(r"^\|(?: [^|]+\|)? `([a-z_]+)` \|", PAGE, re.MULTILINE)
    assert {"no_session", "session_over", "paused", "no_api", "not_allowed_yet"} == set(named) - {"reason"}
    assert all(f'"{reason}"' in sources for reason in set(named) - {"reason"})
    assert "one hour without a call" in PAGE and "twelve hours in total" in PAGE
    fields = Settings(issuer="https://broker.example")
    assert (fields.bff_idle_seconds, fields.bff_end_seconds) == (3600, 12 * 3600)
