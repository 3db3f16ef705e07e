"""`dev.py device`, as a person sees it in a terminal."""

import re
from collections.abc import Iterator

import pytest

from local.demo import device as command
from tests.kit.http.device import Device, ask, cancel, start_device
from tests.kit.http.stack import Stack, own_parts
from tests.kit.requirement import requirement


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A broker of its own."""
    with own_parts() as parts:
        yield Stack(parts)


@requirement("DEV-03")
def test_it_prints_a_code_waits_and_signs_in(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    client, waited = start_device(stack).client, []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            (code,) = re.findall(r"code +([A-Z]{4}-[A-Z]{4})", capsys.readouterr().out)
            Device(stack, client, None, {"user_code": code}).approve()

    arguments = ["--issuer", stack.settings.issuer, "--client-id", client.client_id]
    assert command.main(arguments, sleep=sleep) == 0
    shown = capsys.readouterr().out
    assert "Signed in as Alice" in shown and waited == [5, 5, 10]
    assert not re.search(r"eyJ[\w-]{20}|tb_refresh_[\w-]{20}", shown)


@requirement("DEV-07")
def test_it_says_that_the_user_said_no(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    client = start_device(stack).client

    def sleep(seconds: float) -> None:
        (code,) = re.findall(r"code +([A-Z]{4}-[A-Z]{4})", capsys.readouterr().out)
        cancel(stack, *Device(stack, client, None, {"user_code": code}).type())

    assert command.main(["--issuer", stack.settings.issuer, "--client-id", client.client_id], sleep=sleep) == 1
    assert "No tokens: the user said no." in capsys.readouterr().out


def test_without_a_broker_it_says_what_to_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_running", lambda: None)
    assert command.main([]) == 2
    assert "python3 dev.py demo" in capsys.readouterr().err


@requirement("RUN-01")
def test_an_issuer_that_is_no_url_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--issuer", "::", "--client-id", "app"]) == 2
    assert capsys.readouterr().err.startswith("dev.py device: :: does not answer (")


def test_it_has_a_client_of_its_own_at_the_local_stack(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.deployment.lookup.find_deployment", lambda: stack.deployment)
    client_id = command._register()
    assert command._register() == client_id
    found = [
        client for client in stack.deployment.scan("CLIENT#", type(stack.client()[0])) if client.client_id == client_id
    ]
    assert ask(stack, found[0], scope="openid").told["interval"] == 5
