"""docs/fapi2.md: its app works as it stands at a broker under the profile, its words are the broker's."""

import json
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import chalicelib
from chalicelib.config import ConfigurationError, read_settings
from cli.main import build_parser
from tests.flow.assertions import new_key
from tests.flow.stack import Stack, start_parts
from tests.flow.tokens import read_claims

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "fapi2.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A broker of its own, with the clock on the wall."""
    parts = start_parts()
    yield Stack(parts, profile="fapi2", provider_dirs=(str(ROOT / "local" / "providers"),))
    parts.gateway.stop()
    parts.provider.stop()
    parts.aws.stop()


def test_the_app_works_as_it_stands(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stack.clock, "now", lambda: int(time.time()))
    key = new_key("ES256")
    Path("private.json").write_text(json.dumps({**key.private.as_dict(private=True), "kid": key.kid}))
    Path("jwks.json").write_text(json.dumps({"keys": [key.public]}))
    (register,) = COMMANDS
    words = shlex.split(register)
    assert words[:3] == ["python3", "dev.py", "broker"]
    options = build_parser().parse_args(words[3:])
    made = options.act(stack.deployment, options)
    assert made["require_pushed_authorization_requests"] and made["dpop_bound_access_tokens"]
    names: dict[str, Any] = {"BROKER": stack.settings.issuer, "CLIENT_ID": made["client_id"]}
    names["REDIRECT_URI"] = made["redirect_uris"][0]
    begin, go_on = PROGRAMS
    exec(compile(begin, "docs/fapi2.md", "exec"), names)
    place, browser = urlsplit(names["link"]), stack.browser()
    page = browser.get(f"{place.path}?{place.query}")
    left = stack.decide(browser, page, provider="demo")
    answer = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert (answer.answered["state"], answer.answered["iss"]) == (names["state"], stack.settings.issuer)
    names["CODE"] = answer.answered["code"]
    exec(compile(go_on, "docs/fapi2.md", "exec"), names)
    tokens, again = names["tokens"], names["again"]
    assert names["who"]["sub"] and again["refresh_token"] == tokens["refresh_token"]
    assert read_claims(again["access_token"])["cnf"] == {"jkt": names["token_key"].thumbprint()}


def test_every_reason_and_every_setting_is_one() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| `([a-z_]+)` \|", PAGE, re.MULTILINE)
    folder = Path(chalicelib.__file__).parent
    sources = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    assert len(rows) >= 10
    for error, reason in rows:
        assert f'= "{error}"' in sources, error
        assert f'"{reason}"' in sources, reason
    wrong = dict(re.findall(r"`(BROKER_[A-Z_]+)=(false|true)`", PAGE)) | {"BROKER_CODE_SECONDS": "61"}
    with pytest.raises(ConfigurationError) as refused:
        read_settings({"BROKER_ISSUER": "https://broker.example", "BROKER_PROFILE": "fapi2", **wrong})
    assert len(refused.value.faults) == len(wrong) == 3
