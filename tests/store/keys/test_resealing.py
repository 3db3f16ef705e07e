"""After the vault's key was turned every user's key is sealed anew, and then nothing needs the old one."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.encryption import open_provider_secret, seal_job_key, seal_provider_secret
from chalicelib.jobs.user_erasure import erase_user
from chalicelib.keys import rewrap
from chalicelib.keys.lifecycle import LEAD_SECONDS
from chalicelib.keys.rewrap import Resealed, reseal_vault
from chalicelib.keys.rotation import CannotRotate, rotate_one
from chalicelib.ports import StoreUnavailable
from chalicelib.protocol.sealing import sealed_version
from chalicelib.records.item_keys import keyset_copy_item_key, provider_item_key, user_key_item_key
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.small_items import JobKey
from cli.deployment.key_usage import find_needed
from cli.deployment.operations import Deployment
from cli.main import build_parser
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, read, start_session
from tests.kit.requirement import requirement
from tests.store.keys.turning import keyset, rotator_of, states

USERS = ("alice", "bob")


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """With access tokens that outlive a turn."""
    return make_stack(access_token_seconds=36000)


@pytest.fixture(autouse=True)
def by_our_clock(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack.provider.grants, "clock", stack.clock.now)


def turn_vault(stack: Stack) -> None:
    """Another key is in use, long enough for every process to know it."""
    for _ in range(2):
        rotate_one(rotator_of(stack), "vault", now=stack.clock.now())
        stack.clock.advance(LEAD_SECONDS)


def run(stack: Stack, *, left: Any = lambda: 60.0, rotator: Any = None) -> Resealed:
    ids = stack.broker.catalog.ids
    return reseal_vault(
        rotator or rotator_of(stack), stack.broker.keys, provider_ids=ids, now=stack.clock.now, left=left
    )


def version_of(stack: Stack, session: Session) -> int:
    return sealed_version(read(stack, user_key_item_key(session.claims["sub"])).sealed)


def leave_job_key(stack: Stack) -> None:
    """As an erased user's last duties have it."""
    vault, ends = stack.broker.keys.get("vault"), stack.clock.now() + 10 * LEAD_SECONDS
    sealed = seal_job_key(vault, b"j" * 32, sub="left", expires_at=ends, salt=b"s" * 32)
    stack.broker.store.put_job_key(JobKey(sub="left", sealed=sealed, expires_at=ends), now=stack.clock.now())


@requirement("KEY-04", "VLT-04")
def test_nothing_needs_the_old_key_afterwards_and_every_connection_opens(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [start_session(stack) for _ in range(2)]
    leave_job_key(stack)
    erased = start_session(stack, who="bob").claims["sub"]
    erase_user(stack.broker, erased)
    turn_vault(stack)
    assert find_needed(stack.deployment, "vault", 1)["keys of users"] >= 2
    monkeypatch.setattr(rewrap, "PAGE", 1)
    done = run(stack)
    assert done.state == "resealed" and done.look is not None and done.look.broken == 0
    assert done.look.seen >= done.look.resealed - 1 >= 2  # and the secret at the provider
    assert find_needed(stack.deployment, "vault", 1) == {}
    assert run(stack).state == "clean" and states(stack, "vault") == {2: "current"}
    assert read(stack, keyset_copy_item_key("vault")) == keyset(stack, "vault")
    assert run(stack).state == "nothing_to_do"
    assert not read(stack, user_key_item_key(erased)).sealed
    stack.restart()
    for session in sessions:
        again = session.refresh()
        assert again.status == 200 and session.exchange(again.json["access_token"]).status == 200
        assert version_of(stack, session) == 2


@requirement("KEY-04", "F21")
def test_it_goes_on_where_it_stopped_and_two_at_once_do_no_harm(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = [start_session(stack, who=who) for who in USERS]
    turn_vault(stack)
    monkeypatch.setattr(rewrap, "PAGE", 1)

    def until_the_first() -> float:
        return 60.0 if {version_of(stack, session) for session in sessions} == {1} else 0.0

    first = run(stack, left=until_the_first)
    assert first.state == "going_on" and first.look is not None and first.look.cursor
    assert {version_of(stack, session) for session in sessions} == {1, 2}
    moved = iter([True])

    def another() -> float:
        if next(moved, False):
            assert run(stack).state == "resealed"
        return 60.0

    assert run(stack, left=another).state == "going_on"  # the other one was faster
    assert {version_of(stack, session) for session in sessions} == {2}
    assert run(stack).state in ("resealed", "clean")


@requirement("KEY-04", "F21")
@pytest.mark.parametrize("mode", ["B", "A", "C"])
def test_a_crash_or_a_lost_answer_at_any_write_loses_no_key(stack: Stack, mode: Any) -> None:
    session = start_session(stack)
    turn_vault(stack)
    for first in range(4):
        rotator = rotator_of(stack)
        fault = Fault(mode=mode, operation="UpdateItem" if first < 2 else "PutItem", first=first % 2, times=3)
        rotator.ring._transport = FaultyTransport(stack.deployment.dynamodb, fault)  # type: ignore[attr-defined]
        with contextlib.suppress(ProcessDied, StoreUnavailable):
            run(stack, rotator=rotator)
        assert session.exchange().status == 200
    for _ in range(3):
        last = run(stack)
    assert last.state == "nothing_to_do" and states(stack, "vault") == {2: "current"}
    assert version_of(stack, session) == 2 and session.exchange().status == 200


@requirement("KEY-04")
def test_it_waits_until_nobody_seals_under_the_old_key(stack: Stack) -> None:
    session = start_session(stack)
    rotate_one(rotator_of(stack), "vault", now=stack.clock.now())
    assert run(stack).state == "nothing_to_do"
    stack.clock.advance(LEAD_SECONDS)
    rotate_one(rotator_of(stack), "vault", now=stack.clock.now())
    stack.clock.advance(LEAD_SECONDS - 1)
    early = run(stack)
    assert early.state == "too_early" and early.at == stack.clock.now() + 1 and version_of(stack, session) == 1


@requirement("KEY-04")
def test_what_does_not_open_is_counted_and_keeps_the_old_key(stack: Stack) -> None:
    session = start_session(stack)
    turn_vault(stack)
    kept = read(stack, user_key_item_key(session.claims["sub"]))
    altered = kept.sealed[:-1] + bytes([kept.sealed[-1] ^ 1])
    item = {"pk": {"S": f"USER#{kept.sub}"}, "sk": {"S": "#"}, "schema": {"N": "1"}, "sub": {"S": kept.sub}}
    stack.deployment.dynamodb.call(
        "PutItem", {"TableName": stack.settings.keys_table, "Item": {**item, "sealed": {"B": altered}}}
    )
    for _ in range(2):
        done = run(stack)
        assert done.state == "resealed" and done.look is not None and done.look.broken == 1
    assert states(stack, "vault") == {1: "retired", 2: "current"}
    assert "user_key_does_not_open" in stack.log.getvalue()


@requirement("KEY-04", "STORE-31")
def test_a_key_that_cannot_be_read_keeps_no_other_from_being_sealed_anew(stack: Stack) -> None:
    session = start_session(stack)
    torn = {"pk": {"S": "USER#torn"}, "sk": {"S": "#"}, "sub": {"S": "torn"}, "sealed": {"N": "1"}}
    stack.deployment.dynamodb.call("PutItem", {"TableName": stack.settings.keys_table, "Item": torn})
    turn_vault(stack)
    done = run(stack)
    assert done.look is not None and done.look.broken == 1 and version_of(stack, session) == 2
    assert states(stack, "vault") == {1: "retired", 2: "current"}


@requirement("KEY-04")
def test_the_providers_secret_is_sealed_anew_too(stack: Stack) -> None:
    turn_vault(stack)
    assert run(stack).state == "resealed"
    secret = read(stack, provider_item_key("demo")).sealed_secret
    assert secret is not None and sealed_version(secret) == 2
    stack.restart()
    assert start_session(stack).exchange().status == 200


@requirement("KEY-04")
def test_the_operator_seals_the_secret_of_a_provider_anew_that_has_no_file_any_more(stack: Stack) -> None:
    """The schedule knows those alone that it has files for, and would end the old key after its next look."""
    place, vault = provider_item_key("gone"), stack.broker.keys.get("vault")
    gone = ProviderRecord(provider_id="gone", client_id="ours", issuer="https://gone.example")
    sealed = seal_provider_secret(vault, "their secret", record=gone, salt=b"s" * 32)
    stack.deployment.put_if_absent(place, replace(gone, sealed_secret=sealed))
    turn_vault(stack)
    terminal = Deployment(stack.settings, dynamodb=stack.deployment.dynamodb, kms=stack.deployment.kms)
    terminal.clock = stack.clock
    options = build_parser().parse_args(["vault", "reseal"])
    assert options.act(terminal, options)["state"] == "resealed"
    assert find_needed(stack.deployment, "vault", 1) == {}
    assert open_provider_secret(terminal.keys.get("vault"), read(stack, place)) == "their secret"


@requirement("KEY-04", "VLT-09")
def test_who_is_erased_meanwhile_stays_erased(stack: Stack) -> None:
    """The look has read a key; its user is erased before the look writes."""
    session = start_session(stack)
    turn_vault(stack)
    rotator, place = rotator_of(stack), user_key_item_key(session.claims["sub"])
    kept = read(stack, place)
    assert not rotator.ring.reseal(place, b"another" * 8, read=b"not what stands there")
    erase_user(stack.broker, session.claims["sub"])
    assert not rotator.ring.reseal(place, b"another" * 8, read=kept.sealed)
    assert read(stack, place).sealed == b"" and run(stack).state == "resealed"
    assert read(stack, place).sealed == b""


@requirement("KEY-04", "KEY-02")
def test_who_comes_late_takes_no_key_out_of_the_copy_that_outlasts_a_restore(stack: Stack) -> None:
    """A process that froze before it kept the copy wakes when the vault's key was turned again."""
    turn_vault(stack)
    frozen = keyset(stack, "vault")
    turn_vault(stack)
    kept = read(stack, keyset_copy_item_key("vault"))
    assert kept == keyset(stack, "vault")
    assert rotator_of(stack).ring.keep_copy(frozen) is False
    assert read(stack, keyset_copy_item_key("vault")) == kept


@requirement("KEY-04")
def test_nothing_is_sealed_under_a_key_of_which_there_is_no_copy(stack: Stack) -> None:
    """As after a restore that is not finished: the copy is ahead of the keyset."""
    rotator, before = rotator_of(stack), keyset(stack, "vault")
    rotate_one(rotator, "vault", now=stack.clock.now())
    assert rotator.ring.keep_copy(replace(before, revision=before.revision + 9))
    stack.clock.advance(LEAD_SECONDS)
    with pytest.raises(CannotRotate, match="copy_is_newer"):
        rotate_one(rotator, "vault", now=stack.clock.now())
    assert states(stack, "vault") == {1: "current", 2: "published"}
