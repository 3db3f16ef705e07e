"""docs/client-keys.md: every example runs as it stands, in the order of the page, and every reason in it is one."""

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import build_parser
from tests.flow.stack import Stack, own_parts

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "client-keys.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(sh|python)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A broker of its own, with the clock on the wall."""
    with own_parts() as parts:
        found = Stack(parts, provider_dirs=(str(ROOT / "local" / "providers"),))
        yield found


def test_the_examples_make_a_key_register_it_and_get_tokens_with_it(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stack.clock, "now", lambda: int(time.time()))
    names: dict[str, str] = {"BROKER": stack.settings.issuer}
    assert [language for language, _ in EXAMPLES] == ["python", "sh", "python", "python", "sh"]
    for language, text in EXAMPLES:
        if language == "python":
            exec(compile(text, "client-keys.md", "exec"), {**names})
        else:
            words = shlex.split(text.replace("$CLIENT_ID", names.get("CLIENT_ID", "")))
            assert words[:3] == ["python3", "dev.py", "broker"]
            options = build_parser().parse_args(words[3:])
            names["CLIENT_ID"] = options.act(stack.deployment, options)["client_id"]
    tokens = capsys.readouterr().out.split()
    assert len(set(tokens)) == 2 and all(token.count(".") == 2 for token in tokens)


def test_every_reason_in_the_table_is_one() -> None:
    rows = [line.rsplit("|", 2)[1] for line in PAGE.splitlines() if line.startswith("|") and "`" in line]
    sources = "".join(
        (ROOT / "chalicelib" / name).read_text(encoding="utf-8")
        for name in (
            "protocol/client_assertion.py",
            "protocol/client_authentication.py",
            "protocol/key_sets.py",
            "protocol/jws.py",
            "endpoints/client_authentication.py",
        )
    )
    reasons = [reason for row in rows for reason in re.findall(r"`([a-z_]+)`", row)]
    assert len(reasons) >= 12
    for reason in reasons:
        assert f'"{reason}"' in sources or f'"{reason.removeprefix("assertion_")}"' in sources, reason
