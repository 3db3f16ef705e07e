"""docs/device.md: its commands are ours, its app signs in, and its words are what the broker says."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dev
from chalicelib.protocol import errors
from chalicelib.records.settings import Settings
from cli.main import build_parser
from tests.flow.device import Device
from tests.flow.stack import Stack, own_parts

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "device.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A broker of its own."""
    with own_parts() as parts:
        yield Stack(parts)


def test_the_app_signs_in_as_it_stands(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (register,) = [words for words in COMMANDS if "client" in words]
    options = build_parser().parse_args(register[3:])
    client_id = options.act(stack.deployment, options)["client_id"]
    waited: list[int] = []

    def sleep(seconds: int) -> None:
        """The user acts in the third interval; until then the broker's clock stands still: the second poll is early."""
        waited.append(seconds)
        if len(waited) == 3:
            stack.clock.advance(seconds)
            (code,) = re.findall(r"type ([A-Z-]+)", capsys.readouterr().out)
            Device(stack, stack.client()[0], None, {"user_code": code}).approve()

    monkeypatch.setattr(sys, "argv", ["device_app.py", client_id])
    program = program.replace("http://127.0.0.1:8080", stack.settings.issuer)
    exec(compile(program.replace("from time import sleep\n", ""), "device_app.py", "exec"), {"sleep": sleep})
    assert (capsys.readouterr().out, waited) == ("Signed in.\n", [5, 5, 10])


def test_every_command_is_one() -> None:
    assert {words[2] for words in COMMANDS} <= set(dev.COMMANDS)


def test_every_word_and_setting_is_one_of_the_brokers() -> None:
    told = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE))
    classes = (errors.AuthorizationPending, errors.PollTooEarly, errors.AccessDenied, errors.ExpiredToken)
    assert told == {one.code for one in classes} | {errors.InvalidGrant.code}
    settings = {name.removeprefix("BROKER_").lower() for name in re.findall(r"BROKER_[A-Z_]+", PAGE)}
    assert settings and settings <= set(Settings.__struct_fields__)
    assert {name for name in Settings.__struct_fields__ if name.startswith("device_")} <= settings
