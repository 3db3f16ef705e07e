"""The one redactor: nothing that is named or looks like a credential is written (GEN-18)."""

import io
import json

import pytest

from chalicelib.adapters.process.log import REDACTED, JsonLog, redact
from tests.kit.requirement import requirement

CANARY = "canary-7f3a51"


class StillClock:
    """Stands."""

    def now(self) -> int:
        return 1_800_000_000


@requirement("GEN-18")
@pytest.mark.parametrize(
    "name",
    [
        "authorization", "Authorization", "DPoP", "cookie", "Set-Cookie", "code", "code_verifier", "access_token",
        "refresh_token", "id_token", "token", "subject_token", "client_secret", "client_assertion", "state",
        "user_code", "password", "request",
    ],
)  # fmt: skip
def test_a_field_that_is_named_like_a_credential_is_dropped(name: str) -> None:
    assert redact(name, CANARY) == REDACTED
    assert CANARY not in str(redact("headers", {name: CANARY, "other": [CANARY and "x"]}))


@requirement("GEN-18")
@pytest.mark.parametrize(
    "value",
    [
        "tb_code_AmGrq6urq6ur-_", "tb_refresh_AmGrq6urq6ur", "tb_device_AmGrq6urq6ur", "tb_bff_AmGrq6urq6ur",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0", "a" * 64,
    ],
)  # fmt: skip
def test_a_string_that_looks_like_one_of_ours_is_dropped_wherever_it_stands(value: str) -> None:
    for place in (value, f"before {value} after", [value], {"reason": value}, {"a": {"b": [value]}}):
        assert value not in json.dumps(redact("reason", place))


def test_what_is_needed_to_understand_stays() -> None:
    fields = {"reason": "code_replayed", "client_id": "ab" * 16, "status": 400, "error_id": "x"}
    assert {name: redact(name, value) for name, value in fields.items()} == fields


@requirement("GEN-18")
def test_one_line_a_record_whatever_is_in_it() -> None:
    stream = io.StringIO()
    JsonLog(StillClock(), stream=stream).event("tried", reason="a\nb\r\u2028{}", token=CANARY, seen=frozenset({"x"}))
    (line,) = (
        stream.getvalue().splitlines() if "\u2028" not in stream.getvalue() else stream.getvalue().split("\n")[:-1]
    )
    assert json.loads(line)["event"] == "tried"
    assert CANARY not in line


def test_a_long_value_is_cut() -> None:
    assert len(str(redact("reason", "x y " * 1000))) == 500
