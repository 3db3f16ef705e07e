"""broker audit: what is on record comes out whole, and whoever changed it in the table is told by the window."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.audit_records import CHAIN
from chalicelib.audit.hash_chain import build_seal
from chalicelib.audit.window_seals import seal_windows
from chalicelib.records.audit import RETENTION_SECONDS
from chalicelib.records.keyset import Key, Keyset
from chalicelib.records.seal import SETTLE_SECONDS, WINDOW_SECONDS
from cli.deployment.audit_chain import check_records, read_chain
from tests.cli.audit.audit_records import TOKEN_ID, Records, faults, when
from tests.kit import ROOT
from tests.kit.cli.operator import Done
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.requirement import requirement


@requirement("AUD-02")
def test_what_stands_as_it_was_sealed_is_verified(records: Records, typed: Callable[..., Done]) -> None:
    links = records.seal()
    assert [link.number for link in links] == [1, 2, 3, 4, 5] and {link.count for link in links} == {3}
    verdict = typed("audit", "verify", "--json").json
    assert (verdict["seals"], verdict["records"], verdict["not_sealed_yet"]) == (5, 16, 1)
    assert (verdict["sealed_from"], verdict["number"]) == (when(records, 0), 5)
    assert seal_windows(records.broker(records.now)) == []
    assert typed("audit", "verify").out.startswith("seals ")


Act = Callable[[Records], None]
TAMPERED: dict[str, tuple[Act, list[tuple[int | None, str]]]] = {
    "another client in a record": (
        lambda r: r.put(r.of_window(2)[1], client_id={"S": "another"}), [(2, "record_changed")],
    ),
    "a record that vanishes sooner": (
        lambda r: r.put(r.of_window(1)[0], purge_at={"N": "1"}), [(1, "record_changed")],
    ),
    "a record that is gone": (lambda r: r.remove(r.of_window(3)[0]), [(3, "record_removed")]),
    "all records of a window": (lambda r: r.remove(*r.of_window(3)), [(3, "record_removed")]),
    "a record more": (lambda r: all_of(r.leave(r.at(1) + 5)), [(1, "record_inserted")]),
    "a record more, that the index does not list": (
        lambda r: r.put({k: v for k, v in r.of_window(1)[0].items() if k != "sub"}, sk={"S": f"{r.at(1):012d}#x"}),
        [(1, "record_inserted")],
    ),
    "a record that is elsewhere": (
        lambda r: all_of(r.put(r.of_window(1)[0], sk={"S": f"{r.at(2):012d}#x"}), r.remove(r.of_window(1)[0])),
        [(1, "record_removed"), (2, "record_inserted")],
    ),
    "a seal that is gone": (lambda r: r.remove(r.link(2)), [(2, "seal_removed")]),
    "the first seal that is gone": (lambda r: r.remove(r.link(0)), [(0, "seal_removed")]),
    "a seal that says less": (lambda r: r.put(r.link(2), count={"N": "2"}), [(2, "seal_changed")]),
    "a seal with its record": (
        lambda r: all_of(r.remove(r.of_window(2)[0]), forge(r, 2)), [(2, "seal_changed")],
    ),
    "a seal under a key that there is not": (
        lambda r: r.put(r.link(2), key_version={"N": "9"}), [(2, "seal_changed")],
    ),
    "a seal under key 0": (lambda r: r.put(r.link(2), key_version={"N": "0"}), [(2, "seal_changed")]),
    "a seal in another's place": (
        lambda r: r.put(r.link(1), sk=r.link(3)["sk"]), [(3, "seal_changed")],
    ),
    "a seal that cannot be read": (lambda r: r.put(r.link(1), root={"N": "1"}), [(1, "seal_changed")]),
    "a seal at no time": (lambda r: r.put(r.link(1), sk={"S": "zzz"}), [(None, "seal_changed")]),
    "a seal of the far future": (
        lambda r: all_of(r.call("PutItem", Item={"pk": {"S": CHAIN}, "sk": {"S": f"{r.at(9000):012d}"}})),
        [(9000, "seal_changed")],
    ),
    "a record of tomorrow": (lambda r: all_of(r.leave(r.at(0) + 864000)), [(1440, "record_inserted")]),
    "a record at no time": (
        lambda r: r.put(r.of_window(1)[0], sk={"S": "yesterday"}), [(None, "record_inserted")],
    ),
    "two windows at once": (
        lambda r: all_of(r.remove(r.link(1)), r.put(r.of_window(3)[0], grant_id={"S": "h"})),
        [(1, "seal_removed"), (3, "record_changed")],
    ),
}  # fmt: skip


def all_of(*results: Any) -> None:
    """Several acts, done as they are named."""


def forge(records: Records, window: int) -> None:
    """A seal over what stands there now, by somebody who has the table and no key."""
    link, thief = records.link(window), Key(version=1, secret=b"k" * 32)
    digests = records.broker(records.now).queue.digest_window(records.at(window), has_time=lambda: True)
    keys = Keyset(purpose="audit", current=thief, versions={1: thief})
    forged = build_seal(digests, window=records.at(window), previous=None, keys=keys, now=records.now)
    named = {"count": {"N": str(forged.count)}, "root": {"B": forged.root}, "prints": {"B": forged.prints}}
    records.put(link, **named, mac={"B": forged.mac})


@requirement("AUD-02")
@pytest.mark.parametrize("name", TAMPERED)
def test_whoever_touches_the_table_is_found_by_the_window(
    records: Records, typed: Callable[..., Done], name: str
) -> None:
    tamper, found = TAMPERED[name]
    records.seal()
    tamper(records)
    assert faults(typed("audit", "verify", "--json")) == [(when(records, window), fault) for window, fault in found]


@requirement("AUD-02")
def test_a_record_that_was_put_in_or_changed_is_named(records: Records, typed: Callable[..., Done]) -> None:
    records.seal()
    event = records.leave(records.at(4) + 1)
    done = typed("audit", "verify")
    assert done.code == 1 and f"{when(records, 4)}: a record was added afterwards" in done.err
    assert event.request_id in done.err and "next: docs/audit.md" in done.err


@requirement("AUD-02")
def test_what_is_written_into_the_table_does_nothing_to_a_terminal(
    records: Records, typed: Callable[..., Done]
) -> None:
    records.seal()
    records.put(records.of_window(1)[0], pk={"S": "AUDIT#\x1b[2J"})
    done = typed("audit", "verify")
    assert done.code == 1 and "\x1b" not in done.out + done.err and "AUDIT#\\x1b[2J" in done.err


@requirement("AUD-02")
@pytest.mark.parametrize("place", ["zzz", "999999999999", "of another window"])
def test_a_planted_seal_raises_an_alarm_and_nothing_is_sealed_behind_it(records: Records, place: str) -> None:
    seal_windows(records.broker(records.at(1) + SETTLE_SECONDS))
    planted = {"pk": {"S": CHAIN}} if place == "999999999999" else records.link(0)
    records.put(planted, sk={"S": place})
    assert seal_windows(records.broker(records.now)) == []
    assert '"kind":"audit_seal_broken"' in records.log.getvalue()
    records.remove({"pk": {"S": CHAIN}, "sk": {"S": place}})
    assert len(seal_windows(records.broker(records.now))) == 4


@requirement("AUD-03")
def test_a_chain_that_is_cut_off_and_made_anew_contradicts_the_log(
    records: Records, typed: Callable[..., Done], tmp_path: Path
) -> None:
    """Whoever may delete seals can have the schedule seal again what is left; only what it said before tells."""
    records.seal()
    log = tmp_path / "log"
    others = ['{"event":"audit_sealed"}', '{"event":"audit_sealed","window":[],"number":1,"head":""}']
    lines = [*others, *records.log.getvalue().splitlines()]
    log.write_text("".join(f"2026-11-26T18:00:00 {line}\n" for line in lines))
    assert typed("audit", "verify", "--log", str(log), "--json").code == 0
    records.remove(records.of_window(3)[0], records.link(3), records.link(4))
    found = faults(typed("audit", "verify", "--log", str(log), "--json"))
    assert found == [
        (when(records, 3), "not_sealed"), (when(records, 3), "seal_removed"), (when(records, 4), "seal_removed"),
    ]  # fmt: skip
    assert len(seal_windows(records.broker(records.now))) == 2
    assert typed("audit", "verify").code == 0
    assert faults(typed("audit", "verify", "--log", str(log), "--json")) == [
        (when(records, 3), "chain_rewritten"), (when(records, 4), "chain_rewritten"),
    ]  # fmt: skip
    typed("audit", "verify", "--log", str(tmp_path / "none")).refused("none")
    log.write_text('{"event":"request"}\n')
    typed("audit", "verify", "--log", str(log)).refused("no audit_sealed line", "the function `jobs`")


@requirement("AUD-02")
def test_what_the_table_forgets_in_time_is_no_tampering_and_a_day_before_it_is(records: Records) -> None:
    records.seal()
    keys = records.deployment.keys.get("audit")
    chain = read_chain(records.items(CHAIN), keys)
    left = [one for one in records.items("AUDIT#") if one not in records.of_window(0)]
    end = records.at(0) + RETENTION_SECONDS
    found = {one.fault for one in check_records(chain, left, now=end)}
    assert found == {"not_sealed"}
    assert {one.fault for one in check_records(chain, left, now=end - 1)} == {"not_sealed", "record_removed"}


@requirement("AUD-02")
def test_a_schedule_that_seals_no_more_is_told(records: Records, typed: Callable[..., Done]) -> None:
    (first,) = seal_windows(records.broker(records.at(1) + SETTLE_SECONDS))
    assert faults(typed("audit", "verify", "--json")) == [(when(records, 1), "not_sealed")]
    records.remove(records.link(0))
    assert faults(typed("audit", "verify", "--json")) == [(when(records, 0), "not_sealed")]
    assert first.number == 1


@requirement("AUD-02")
def test_a_late_record_is_sealed_with_its_window(records: Records) -> None:
    """A clock five minutes behind, and the longest request: it comes before anybody seals."""
    first = seal_windows(records.broker(records.at(1) + SETTLE_SECONDS - 1))
    assert all(link.window < records.at(0) for link in first)
    records.leave(records.at(0) + WINDOW_SECONDS - 1)
    assert records.seal()[0].count == 4


@requirement("AUD-02", "F21")
@pytest.mark.parametrize(("operation", "mode"), [("Query", "T"), ("BatchGetItem", "B"), ("PutItem", "A")])
def test_a_hiccup_costs_nothing(records: Records, typed: Callable[..., Done], operation: str, mode: Any) -> None:
    faulty = FaultyTransport(records.deployment.dynamodb, Fault(mode=mode, operation=operation, first=2))
    begun = seal_windows(records.broker(records.at(1) + SETTLE_SECONDS))
    assert len(begun + seal_windows(records.broker(records.now, dynamodb=faulty))) == 5
    assert typed("audit", "verify").code == 0


@requirement("AUD-02", "F21")
@pytest.mark.parametrize("mode", ["C", "K"])
def test_who_dies_while_sealing_is_followed_by_the_next(
    records: Records, typed: Callable[..., Done], mode: Any
) -> None:
    seal_windows(records.broker(records.at(1) + SETTLE_SECONDS))
    faulty = FaultyTransport(records.deployment.dynamodb, Fault(mode=mode, operation="PutItem", first=1))
    with pytest.raises(ProcessDied):
        seal_windows(records.broker(records.now, dynamodb=faulty))
    seal_windows(records.broker(records.now))
    assert typed("audit", "verify", "--json").json["seals"] == 5


@requirement("AUD-02")
def test_two_that_seal_at_once_make_one_chain(records: Records, typed: Callable[..., Done]) -> None:
    class Meanwhile:
        """Another one seals between this one's first look and its write."""

        def __init__(self) -> None:
            self.once = True

        def call(self, operation: str, payload: Any) -> Any:
            if operation == "PutItem" and self.once:
                self.once = False
                records.seal()
            return records.deployment.dynamodb.call(operation, payload)

    assert seal_windows(records.broker(records.at(1) + SETTLE_SECONDS + 1, dynamodb=Meanwhile())) == []
    assert typed("audit", "verify", "--json").json["seals"] == 5


@requirement("AUD-02")
@pytest.mark.parametrize("forged", [{"count": {"N": "1"}}, {"key_version": {"N": "9"}}, {"mac": {"B": b""}}])
def test_nobody_seals_over_a_forged_link(records: Records, forged: dict[str, Any]) -> None:
    seal_windows(records.broker(records.at(1) + SETTLE_SECONDS))
    records.put(records.link(0), **forged)
    assert seal_windows(records.broker(records.now)) == []
    assert '"kind":"audit_seal_broken"' in records.log.getvalue()


@requirement("AUD-04", "GEN-18")
def test_the_export_is_a_line_for_each_record_and_holds_no_token(records: Records, typed: Callable[..., Done]) -> None:
    records.seal()
    records.leave(records.now - 30, event="acted", actor_id="agent", audience="https://api.example", connection_id="")
    lines = typed("audit", "export", "--since", "2h", "--json").out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 17 and [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    page = (ROOT / "docs" / "audit.md").read_text()
    assert all(row.keys() == rows[0].keys() for row in rows)
    assert [name for name in rows[0] if f"- `{name}`: " not in page] == []
    assert rows[0] | {"id": "", "user": ""} == {
        "schema": 1, "event": "handout", "at": when(records, 0), "id": "", "user": "", "client_id": "app",
        "actor_id": None, "provider_id": "demo", "connection_id": "c", "grant_id": "g", "scopes": ["a", "b"],
        "audience": None, "method": None, "reason": None, "token_sha256": TOKEN_ID, "sealed": 1,
        **dict.fromkeys(("operator", "command", "given", "outcome", "begun")),
    }  # fmt: skip
    assert {row["user"] for row in rows} <= {"user0", "user1"}
    assert (rows[-2]["actor_id"], rows[-2]["sealed"]) == ("agent", None)


@requirement("AUD-04")
def test_the_export_keeps_to_its_times(records: Records, typed: Callable[..., Done]) -> None:
    since, until = when(records, 1), when(records, 2)
    rows = [
        json.loads(line)
        for line in typed("audit", "export", "--since", since, "--until", until, "--json").out.splitlines()
    ]
    assert len(rows) == 4 and rows[0]["at"] == since and rows[-1]["at"] == until
    assert len(typed("audit", "export", "--since", "5m").out.splitlines()) == 2
    typed("audit", "export", "--since", "yesterday").refused("yesterday")
    records.put(records.of_window(0)[0], at={"S": "x"})
    typed("audit", "export", "--since", "1h").refused("broker audit verify")
