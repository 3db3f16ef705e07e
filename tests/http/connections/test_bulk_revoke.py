"""broker connection revoke --provider: all at one third party, honest about each, resumed where it stopped."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.jobs.runner import run_due_jobs
from chalicelib.ports import Broker
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key
from cli.commands.connection_revoke import end_many, find_left, judge
from cli.output import Partly, tell_rest
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, read, start_session
from tests.kit.requirement import requirement

DOWN = {"status": 503, "at": frozenset({"revoke"})}


@pytest.fixture
def held(stack: Stack) -> list[Session]:
    """Two users of one app, and one of them in another app; a connection at another third party beside them."""
    first = start_session(stack)
    rest = [start_session(stack, who="bob", client=(first.client, None)), start_session(stack)]
    elsewhere = replace(read(stack, first.connection_place()), connection_id="e" * 32, provider_id="elsewhere")
    stack.deployment.put(connection_item_key("e" * 32), elsewhere)
    return [first, *rest]


def revoke(stack: Stack, broker: Broker | None = None) -> Any:
    """As the command does it, with a broker that reaches a provider on loopback."""
    asked = find_left(stack.deployment, "demo")
    return judge(stack.broker, end_many(broker or stack.broker, asked), reconnected=0)


def all_of(stack: Stack) -> list[Connection]:
    found: list[Connection] = stack.deployment.scan("CONNECTION#", Connection)
    return [one for one in found if one.provider_id == "demo"]


@requirement("REV-04")
def test_every_connection_at_a_provider_ends_there_and_at_no_other(stack: Stack, held: list[Session]) -> None:
    rows = revoke(stack)
    assert {row["connection_id"] for row in rows} == {one.claims["connections"]["demo"] for one in held}
    assert {(row["status"], row["at_provider"], row["alive_there"]) for row in rows} == {("revoked", "revoked", False)}
    assert {one.exchange().status for one in held} == {400}
    assert read(stack, connection_item_key("e" * 32)).status == "active"
    assert revoke(stack) == []


@requirement("REV-04")
def test_what_the_provider_does_not_take_is_said_token_by_token_and_ends_with_1(
    stack: Stack, held: list[Session], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in DOWN.items():
        setattr(stack.provider.faults, name, value)
    told = revoke(stack)
    assert isinstance(told, Partly) and {row["at_provider"] for row in told.rows} == {"failed"}
    assert {token["result"] for row in told.rows for token in row["tokens"]} == {"failed"}
    assert tell_rest(told) == 1 and "3 of 3 are revoked here but may still be valid" in capsys.readouterr().err
    assert {one.exchange().status for one in held} == {400}
    again = revoke(stack)
    assert isinstance(again, Partly) and len(again.rows) == 3  # it goes on saying so
    stack.provider.faults.status = None
    stack.clock.advance(3600)
    run_due_jobs(stack.broker)
    assert revoke(stack) == [] and tell_rest([]) == 0


@requirement("REV-04", "F21")
@pytest.mark.parametrize("first", range(5))
def test_a_command_that_is_killed_is_typed_again_and_goes_on(stack: Stack, held: list[Session], first: int) -> None:
    """Before each write of a tombstone and of what became of it."""
    dying = stack.build(dynamodb=FaultyTransport(stack.dynamodb, Fault(mode="K", operation="UpdateItem", first=first)))
    with pytest.raises(ProcessDied):
        revoke(stack, dying)
    assert any(one.status == "active" or not one.endings for one in all_of(stack))
    left = revoke(stack)
    assert isinstance(left, list) and left
    assert {(one.status, *one.endings.values()) for one in all_of(stack)} == {("revoked", "revoked", "revoked")}


@requirement("REV-04")
def test_far_along_the_terminal_is_told_how_far(
    stack: Stack, held: list[Session], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.commands.connection_revoke.AT_ONCE", 2)
    revoke(stack)
    assert "of 3 connections have ended" in capsys.readouterr().err


@requirement("REV-04")
def test_who_connects_anew_meanwhile_is_not_told_as_ended(stack: Stack, held: list[Session]) -> None:
    told = judge(stack.broker, end_many(stack.broker, find_left(stack.deployment, "demo")[:2]), reconnected=1)
    assert isinstance(told, Partly) and "1 were connected again meanwhile" in told.left and len(told.rows) == 2
