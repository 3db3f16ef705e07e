"""broker audit export|verify: audit records of token hand-outs and operator commands, and whether they are complete."""

import argparse
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.adapters.aws.transport import call_with_repeats
from chalicelib.adapters.dynamodb.audit_records import CHAIN
from chalicelib.ports import ItemUnreadable
from chalicelib.records.audit import AuditEvent
from chalicelib.records.seal import WINDOW_SECONDS, window_of
from cli.command_audit import Act, read_record
from cli.deployment.audit_chain import (
    Chain,
    Finding,
    check_log,
    check_records,
    head_of,
    is_over,
    read_chain,
    window_of_item,
)
from cli.deployment.blast_radius import compute
from cli.deployment.inventory import read_deployed
from cli.deployment.leak import as_rows, say
from cli.deployment.operations import Deployment, OperationError
from cli.doctor.checks import printable
from cli.explanation.refusal_log import parse_line, read_text
from cli.output import Lines, Report, date

SCHEMA = 1
CHECKOUT = Path(__file__).resolve().parents[2]
_UNITS = {"m": 60, "h": 3600, "d": 86400}
SAID = {
    "seal_changed": "its seal was changed or forged",
    "seal_removed": "its seal is missing",
    "record_changed": "a record was changed",
    "record_removed": "a record was removed",
    "record_inserted": "a record was added afterwards",
    "chain_rewritten": "the chain was rebuilt from here",
    "not_sealed": "nothing has been sealed since",
}


def parse_time(text: str, *, now: int) -> int:
    """Epoch seconds of `90m`, `24h`, `7d` (that long ago), or of an ISO 8601 date or time (default: UTC).

    Raises OperationError.
    """
    if match := re.fullmatch(r"([0-9]{1,6})([mhd])", text):
        return now - int(match[1]) * _UNITS[match[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OperationError(f"not a time: {text}", "--since 24h, or --since 2026-11-26T18:00:00Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _export(deployment: Deployment, options: argparse.Namespace) -> Any:
    now = int(time.time())
    since, until = (parse_time(text, now=now) for text in (options.since, options.until or "0m"))
    numbers = {window: link.number for window, link in _read_chain(deployment).links.items()}
    try:
        found = sorted(map(read_record, _scan(deployment)), key=_in_order)
    except ItemUnreadable:
        raise OperationError("a record is not an audit record of the broker", "broker audit verify") from None
    return Lines([_row(one, numbers.get(window_of(one.at))) for one in found if since <= one.at <= until])


def _in_order(event: AuditEvent) -> tuple[int, bool, str]:
    """Sort by time; within one second, the start of a command before its end."""
    return event.at, isinstance(event, Act) and event.begun != "", event.request_id


def _row(event: AuditEvent, sealed: int | None) -> dict[str, Any]:
    """One line of the export; docs/audit.md defines each member."""
    act = event if isinstance(event, Act) else None
    return {
        "schema": SCHEMA,
        "event": event.event,
        "at": date(event.at),
        "id": event.request_id,
        "user": (act.user or None) if act else event.sub,
        "client_id": event.client_id or None,
        "actor_id": event.actor_id or None,
        "provider_id": event.provider_id or None,
        "connection_id": event.connection_id or None,
        "grant_id": event.grant_id or None,
        "scopes": sorted(event.scopes),
        "audience": event.audience or None,
        "method": event.method or None,
        "reason": event.reason or None,
        "token_sha256": event.token_id or None,
        "operator": act.operator if act else None,
        "command": act.command if act else None,
        "given": act.given if act else None,
        "outcome": act.outcome if act else None,
        "begun": act.begun or None if act else None,
        "sealed": sealed,
    }


def _verify(deployment: Deployment, options: argparse.Namespace) -> Any:
    now, chain = int(time.time()), _read_chain(deployment)
    items = list(_scan(deployment))
    findings = [*chain.findings, *check_records(chain, items, now=now)]
    if options.log:
        findings += check_log(chain, _read_seals(options.log))
    row = _verdict(chain, items, now)
    if findings:
        told = [_finding_row(one) for one in sorted(set(findings), key=lambda one: (one.window, one.fault))]
        said = "\n".join(f"  {one['window'] or 'at no time'}: {SAID[one['fault']]}{_count(one)}" for one in told)
        raise OperationError(
            f"the audit records differ from what was sealed\n{said}", "docs/audit.md", {**row, "findings": told}
        )
    return row


def _read_seals(file: str) -> list[dict[str, Any]]:
    """The seals in a log. Raises OperationError if there are none: an empty comparison would look like proof."""
    lines = filter(None, map(parse_line, read_text(file)))
    seals = [line for line in lines if line.get("event") == "audit_sealed"]
    if not seals:
        raise OperationError(f"{file} has no audit_sealed line", "use the log of the function `jobs`: docs/audit.md")
    return seals


def _verdict(chain: Chain, items: list[dict[str, Any]], now: int) -> dict[str, Any]:
    last = chain.last
    windows = [window_of_item(item) for item in items]
    return {
        "seals": len(chain.links),
        "sealed_from": date(min(chain.links, default=0)),
        "sealed_until": date(last.window + WINDOW_SECONDS) if last else None,
        "records": len(items),
        "not_sealed_yet": sum(last is None or window > last.window for window in windows),
        "older_than_the_chain": sum(window < min(chain.links, default=0) for window in windows),
        "windows_forgotten": sum(is_over(window, now) for window in chain.links),
        "number": last.number if last else 0,
        "head": head_of(last) if last else None,
    }


def _finding_row(one: Finding) -> dict[str, Any]:
    return {"window": date(one.window), "fault": one.fault, "missing": one.missing, "unknown": list(one.unknown)}


def _count(row: dict[str, Any]) -> str:
    missing = f"; {row['missing']} as sealed missing" if row["missing"] else ""
    return missing + "".join(f"; not sealed so: {printable(key)}" for key in row["unknown"][:5])


def _blast_radius(deployment: Deployment, options: argparse.Namespace) -> Any:
    exposures = compute(read_deployed(deployment, Path(options.checkout)))
    return Report(as_rows(exposures), say(exposures))


def _read_chain(deployment: Deployment) -> Chain:
    payload = {"KeyConditionExpression": "pk = :chain", "ExpressionAttributeValues": {":chain": {"S": CHAIN}}}
    return read_chain(_pages(deployment, "Query", payload), deployment.keys.get("audit"))


def _scan(deployment: Deployment) -> Iterator[dict[str, Any]]:
    """Every audit record, including those missing from the index."""
    payload = {
        "FilterExpression": "begins_with(pk, :prefix)",
        "ExpressionAttributeValues": {":prefix": {"S": "AUDIT#"}},
    }
    return _pages(deployment, "Scan", payload)


def _pages(deployment: Deployment, operation: str, payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    start: dict[str, Any] = {}
    while True:
        asked = {"TableName": deployment.settings.table, "ConsistentRead": True, **payload, **start}
        answer = call_with_repeats(deployment.dynamodb, operation, asked)
        yield from answer.get("Items", [])
        if not answer.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker audit`."""
    verbs = groups.add_parser("audit", help="audit records of token hand-outs and operator commands").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    export = verbs.add_parser(
        "export",
        parents=[common],
        help="list every hand-out, proxy call and operator command; with --json one per line",
    )
    export.add_argument("--since", required=True, metavar="TIME", help="24h, 7d, or 2026-11-26T18:00:00Z")
    export.add_argument("--until", metavar="TIME", help="same formats; default: now")
    export.set_defaults(act=_export)
    verify = verbs.add_parser("verify", parents=[common], help="compare the records with their chain of seals")
    verify.add_argument(
        "--log", metavar="FILE", help="file with log lines of the function `jobs`, or - for standard input"
    )
    verify.set_defaults(act=_verify)
    radius = verbs.add_parser(
        "blast-radius", parents=[common], help="show what each leak would expose, and for how long"
    )
    radius.add_argument("--checkout", default=str(CHECKOUT), metavar="DIR", help="folder that has .chalice/ and infra/")
    radius.set_defaults(act=_blast_radius)
