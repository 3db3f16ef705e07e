"""Compares the audit records with their chain: which windows differ from what was sealed, and what is missing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from chalicelib.adapters.dynamodb.audit_records import read_seal
from chalicelib.adapters.dynamodb.audit_windows import digest_of
from chalicelib.audit.hash_chain import hash_of, is_genuine, root_of
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.audit import RETENTION_SECONDS
from chalicelib.records.keyset import Keyset
from chalicelib.records.seal import PRINT_BYTES, SETTLE_SECONDS, WINDOW_SECONDS, AuditSeal, window_of

Fault = Literal[
    "seal_changed",
    "seal_removed",
    "record_changed",
    "record_removed",
    "record_inserted",
    "chain_rewritten",
    "not_sealed",
]
# The next run, a minute later, seals the settled records. Report only if runs have failed for this long.
PLACE_DIGITS = 12  # of the time in a key
SKEW_SECONDS = 600  # so far ahead a function's clock may have been, and the one of this command behind
OVERDUE_SECONDS = SETTLE_SECONDS + 2 * WINDOW_SECONDS


class Finding(Struct, frozen=True, kw_only=True):
    """One window that differs from what was sealed.

    window    its first second
    missing   how many sealed records are missing or changed
    unknown   keys of records that are stored but were not sealed in this form; empty for a window without digests
    """

    fault: Fault
    window: int
    missing: int = 0
    unknown: tuple[str, ...] = ()


class Chain(Struct, frozen=True, kw_only=True):
    """The genuine links by window, and the faults of the others."""

    links: dict[int, AuditSeal]
    findings: tuple[Finding, ...]

    @property
    def last(self) -> AuditSeal | None:
        """The newest link."""
        return self.links[max(self.links)] if self.links else None


def read_chain(items: Iterable[Mapping[str, Any]], keys: Keyset) -> Chain:
    """Every link that the key authenticates, in order. Detects gaps, forgeries and forks."""
    links, standing, findings = dict[int, AuditSeal](), set[int](), list[Finding]()
    for item in items:
        place = item["sk"]["S"]
        window = int(place) if len(place) == PLACE_DIGITS and place.isdecimal() else 0
        standing.add(window)
        try:
            link = read_seal(item)
        except DecryptionFailed:
            link = None
        if link is not None and is_genuine(link, keys):
            links[window] = link
        else:
            findings.append(Finding(fault="seal_changed", window=window, unknown=() if window else (place,)))
    if links:
        newest = links[max(links)]
        first = newest.window - (newest.number - 1) * WINDOW_SECONDS
        for window in range(first, newest.window + 1, WINDOW_SECONDS):
            link, before = links.get(window), links.get(window - WINDOW_SECONDS)
            if window not in standing:
                findings.append(Finding(fault="seal_removed", window=window))
            elif link and before and (link.previous, link.number) != (hash_of(before), before.number + 1):
                findings.append(Finding(fault="chain_rewritten", window=window))
    return Chain(links=links, findings=tuple(findings))


def check_records(chain: Chain, items: Iterable[Mapping[str, Any]], *, now: int) -> list[Finding]:
    """Every sealed window whose records must still be stored; DynamoDB deletes older ones by TTL."""
    by_window: dict[int, dict[str, bytes]] = {}
    for item in items:
        by_window.setdefault(window_of_item(item), {})[f"{item['pk']['S']} {item['sk']['S']}"] = digest_of(item)
    findings = []
    for window, link in sorted(chain.links.items()):
        if not is_over(window, now):
            findings += _compare(link, by_window.get(window, {}))
    findings += [
        Finding(fault="record_inserted", window=window, unknown=tuple(sorted(found)))
        for window, found in by_window.items()
        if not 0 < window <= now + SKEW_SECONDS
    ]
    overdue = window_of(now - OVERDUE_SECONDS)
    last = chain.last.window if chain.last else 0
    if last < overdue and (chain.links or min(by_window, default=overdue + 1) <= overdue):
        findings.append(Finding(fault="not_sealed", window=last + WINDOW_SECONDS if last else min(by_window)))
    return findings


def check_log(chain: Chain, lines: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """The links as logged when they were made. Writers to the table cannot change the log, so a chain that was cut or
    rebuilt contradicts it."""
    findings = []
    for line in lines:
        if not (isinstance(line.get("window"), int) and isinstance(line.get("number"), int) and "head" in line):
            continue  # not a seal
        link = chain.links.get(line["window"])
        if link is None:
            findings.append(Finding(fault="seal_removed", window=line["window"]))
        elif (link.number, head_of(link)) != (line["number"], line["head"]):
            findings.append(Finding(fault="chain_rewritten", window=line["window"]))
    return findings


def head_of(link: AuditSeal) -> str:
    """A link as the log names it."""
    return hash_of(link).hex()[:32]


def is_over(window: int, now: int) -> bool:
    """Whether the first record of that window may have expired by now."""
    return window + RETENTION_SECONDS <= now


def window_of_item(item: Mapping[str, Any]) -> int:
    """When a record was written, from its key; 0 if the key cannot be read."""
    at = item["sk"]["S"].partition("#")[0]
    return window_of(int(at)) if len(at) == PLACE_DIGITS and at.isdecimal() else 0


def _compare(link: AuditSeal, found: Mapping[str, bytes]) -> list[Finding]:
    digests = sorted(found.values())
    if (len(digests), root_of(digests)) == (link.count, link.root):
        return []
    missing, unknown = max(link.count - len(digests), 0), tuple[str, ...]()
    if link.prints or not link.count:
        sealed = Counter(_prints(link.prints))
        missing = (sealed - Counter(one[:PRINT_BYTES] for one in digests)).total()
        unknown = tuple(sorted(key for key, digest in found.items() if digest[:PRINT_BYTES] not in sealed))
    fault: Fault = "record_changed"
    if missing and not unknown:
        fault = "record_removed"
    elif len(digests) > link.count and not missing:
        fault = "record_inserted"
    return [Finding(fault=fault, window=link.window, missing=missing, unknown=unknown)]


def _prints(joined: bytes) -> Sequence[bytes]:
    return [joined[start : start + PRINT_BYTES] for start in range(0, len(joined), PRINT_BYTES)]
