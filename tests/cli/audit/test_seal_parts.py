"""A window with many audit records is sealed over several runs: each goes on where the one before it stopped."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import audit_windows
from chalicelib.adapters.dynamodb.audit_records import CHAIN
from chalicelib.audit.window_seals import seal_windows
from chalicelib.ports import Broker, StoreUnavailable
from chalicelib.records.seal import SETTLE_SECONDS, AuditSeal
from tests.cli.audit.audit_records import Records
from tests.kit.cli.operator import Done
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.requirement import requirement

RECORDS = 12
BATCH = 2


class Batches:
    """The time of a run: enough for so many batches of records."""

    def __init__(self, most: int) -> None:
        self.rest = most + 1  # the loop over the windows asks once more

    def begin(self) -> None:
        """A run has as long as it has."""

    def left(self) -> float:
        """None, once it was asked so often."""
        self.rest -= 1
        return 60.0 if self.rest >= 0 else 0.0


class Reading:
    """Counts the records that are read, and lets something happen before the first write."""

    def __init__(self, records: Records, before_write: Callable[[], object] | None = None) -> None:
        self.inner = records.deployment.dynamodb
        self.before_write = before_write
        self.read = 0

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        if operation == "BatchGetItem":
            keys = [key for asked in payload["RequestItems"].values() for key in asked["Keys"]]
            self.read += sum(key["pk"]["S"].startswith("AUDIT#") for key in keys)
        elif operation == "PutItem" and self.before_write:
            act, self.before_write = self.before_write, None
            act()
        return self.inner.call(operation, payload)


@pytest.fixture(autouse=True)
def busy(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first window has more records than one batch."""
    monkeypatch.setattr(audit_windows, "PART_RECORDS", BATCH)
    for second in range(RECORDS - 3):
        records.leave(records.at(0) + second)


def sealer(records: Records, **parts: Any) -> Broker:
    """Who seals when only the first window has settled."""
    return records.broker(records.at(1) + SETTLE_SECONDS, **parts)


def seal_bit_by_bit(records: Records, batches: int, **parts: Any) -> tuple[int, list[AuditSeal]]:
    """How many runs it took, of so many batches each, and the seals."""
    for run in range(1, RECORDS + 1):
        if seals := seal_windows(sealer(records, deadline=Batches(batches), **parts)):
            return run, seals
    return 0, []


@requirement("AUD-10")
def test_a_window_that_one_run_cannot_read_is_sealed_after_several(
    records: Records, typed: Callable[..., Done]
) -> None:
    counted = Reading(records)
    runs, (seal,) = seal_bit_by_bit(records, 2, dynamodb=counted)
    assert (runs, seal.window, seal.count, counted.read) == (3, records.at(0), RECORDS, RECORDS)
    seal_windows(records.broker(records.now))
    verified = typed("audit", "verify", "--json")
    assert (verified.code, verified.json["seals"]) == (0, 5)


@requirement("AUD-10")
@pytest.mark.parametrize(("mode", "lost"), [("K", BATCH), ("C", 0)])
def test_a_killed_run_loses_no_more_than_its_last_batch(records: Records, mode: Any, lost: int) -> None:
    """K: before its third note arrives, C: after that."""
    killed = FaultyTransport(records.deployment.dynamodb, Fault(mode=mode, operation="PutItem", first=2))
    with pytest.raises(ProcessDied):
        seal_windows(sealer(records, dynamodb=killed))
    counted = Reading(records)
    (seal,) = seal_windows(sealer(records, dynamodb=counted))
    assert (seal.count, counted.read) == (RECORDS, RECORDS - 3 * BATCH + lost)


@requirement("AUD-10")
@pytest.mark.parametrize("batches", [1, 2, RECORDS])
def test_two_that_read_one_window_at_once_make_one_seal(
    records: Records, typed: Callable[..., Done], batches: int
) -> None:
    """The other one comes before the first note of this one, and does a little, or all of it."""
    made = list[AuditSeal]()
    other = Reading(records, lambda: made.extend(seal_windows(sealer(records, deadline=Batches(batches)))))
    made += seal_windows(sealer(records, dynamodb=other))
    made += seal_windows(sealer(records))
    assert {(seal.number, seal.count) for seal in made} == {(1, RECORDS)} and len(records.items(CHAIN)) == 1
    seal_windows(records.broker(records.now))
    assert typed("audit", "verify").code == 0


@requirement("AUD-10")
def test_who_finds_a_note_that_is_not_its_own_stops(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an update runs, the other one may have batches of another size."""

    def read_more() -> None:
        monkeypatch.setattr(audit_windows, "PART_RECORDS", BATCH + 1)
        seal_windows(sealer(records, deadline=Batches(1)))
        monkeypatch.setattr(audit_windows, "PART_RECORDS", BATCH)

    assert seal_windows(sealer(records, deadline=Batches(3), dynamodb=Reading(records, read_more))) == []
    assert len(records.items("AUDITPART")) == 1
    assert [seal.count for seal in seal_windows(sealer(records))] == [RECORDS]


@requirement("AUD-10")
def test_a_window_of_one_batch_leaves_nothing_but_its_seal(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_windows, "PART_RECORDS", RECORDS + 1)
    assert len(seal_windows(sealer(records, deadline=Batches(1)))) == 1
    assert records.items("AUDITPART") == []


@requirement("AUD-10")
def test_nothing_is_sealed_over_progress_of_which_a_part_is_gone(records: Records) -> None:
    seal_windows(sealer(records, deadline=Batches(3)))
    records.remove(records.items("AUDITPART")[0])
    with pytest.raises(StoreUnavailable, match="seal_parts_missing"):
        seal_windows(sealer(records))
    records.remove(*records.items("AUDITPART"))
    assert [seal.count for seal in seal_windows(sealer(records))] == [RECORDS]
