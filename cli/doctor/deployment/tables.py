"""Checks the two tables: `broker` must have backups, `broker-keys` must not."""

from collections.abc import Iterator
from typing import Any

from cli.doctor.checks import Fault, Group, Skipped, Source
from cli.doctor.deployment.visit import DEPLOY, Here

GROUP = Group("Tables")
AWS = "aws dynamodb"
GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
TTL = Source("DynamoDB guide, time to live", f"{GUIDE}/TTL.html")
RECOVERY = Source("DynamoDB guide, point-in-time recovery", f"{GUIDE}/Point-in-time-recovery.html")
PROTECTION = Source("DynamoDB guide, deletion protection", f"{GUIDE}/WorkingWithTables.Basics.html")
# As infra/resources.json makes them; a test compares.
KEYS = [("pk", "HASH"), ("sk", "RANGE")]
INDEX, INDEX_KEYS, EXPIRY = "by_sub", [("sub", "HASH"), ("pk", "RANGE")], "purge_at"


def _names(here: Here) -> tuple[str, str]:
    return here.settings.table, here.settings.keys_table


def _keys(described: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key["AttributeName"], key["KeyType"]) for key in described["KeySchema"]]


@GROUP.check("tables-exist", "error", fix="python3 dev.py broker bootstrap", source=DEPLOY)
def exist(here: Here) -> Iterator[str]:
    """Both tables exist and are active."""
    for name in _names(here):
        table = here.table(name)
        if table is None or table["TableStatus"] not in ("ACTIVE", "UPDATING"):
            yield f"{name} is " + (table["TableStatus"] if table else "not there")


@GROUP.check(
    "tables-keys",
    "error",
    fix="Set BROKER_TABLE and BROKER_KEYS_TABLE to the tables from infra/bootstrap.json; key attributes cannot be "
    "changed.",
    source=DEPLOY,
)
def have_keys(here: Here) -> Iterator[str]:
    """The key attributes are pk and sk, and the index by subject projects only keys."""
    for name in _names(here):
        if _keys(here.standing(name)) != KEYS:
            yield f"{name} has other key attributes"
    indexes = {one["IndexName"]: one for one in here.standing(here.settings.table).get("GlobalSecondaryIndexes", [])}
    index = indexes.get(INDEX)
    if index is None or _keys(index) != INDEX_KEYS or index["Projection"].get("ProjectionType") != "KEYS_ONLY":
        yield f"{here.settings.table} has no index {INDEX} that projects only keys"


@GROUP.check("tables-expiry", "error", fix="aws dynamodb update-time-to-live", source=TTL)
def forget(here: Here) -> Iterator[Fault]:
    """TTL on `purge_at` is enabled, so expired items are deleted."""
    for name in _names(here):
        here.standing(name)
        told = here.ask("dynamodb", "DescribeTimeToLive", TableName=name)["TimeToLiveDescription"]
        if told.get("AttributeName") != EXPIRY or told["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
            specification = f"--time-to-live-specification Enabled=true,AttributeName={EXPIRY}"
            yield Fault(f"{name} has no TTL", f"{AWS} update-time-to-live --table-name {name} {specification}")


@GROUP.check("tables-recovery", "error", fix="aws dynamodb update-continuous-backups", source=RECOVERY)
def can_be_restored(here: Here) -> Iterator[Fault]:
    """`broker` has point-in-time recovery."""
    here.only_deployed()
    if not _recovers(here, here.settings.table):
        yield Fault(f"{here.settings.table} has none", _recovery(here.settings.table, on=True))


@GROUP.check("tables-no-recovery", "error", fix="aws dynamodb update-continuous-backups", source=RECOVERY)
def cannot_be_restored(here: Here) -> Iterator[Fault]:
    """`broker-keys` has no backup of any kind: erasing a user has to be final."""
    here.only_deployed()
    name = here.settings.keys_table
    if _recovers(here, name):
        yield Fault(f"{name} has point-in-time recovery", _recovery(name, on=False))
    for backup in here.ask("dynamodb", "ListBackups", TableName=name).get("BackupSummaries", []):
        arn = backup["BackupArn"]
        yield Fault(f"{name} has the backup {backup['BackupName']}", f"{AWS} delete-backup --backup-arn {arn}")


@GROUP.check("tables-protected", "error", fix="aws dynamodb update-table", source=PROTECTION)
def are_protected(here: Here) -> Iterator[Fault]:
    """Both tables have deletion protection."""
    here.only_deployed()
    for name in _names(here):
        if not here.standing(name).get("DeletionProtectionEnabled"):
            fix = f"{AWS} update-table --table-name {name} --deletion-protection-enabled"
            yield Fault(f"{name} has no deletion protection", fix)


@GROUP.check("tables-billing", "warning", fix="aws dynamodb update-table", source=DEPLOY)
def are_on_demand(here: Here) -> Iterator[Fault]:
    """The tables use on-demand capacity, so no fixed capacity throttles requests."""
    for name in _names(here):
        if here.standing(name).get("BillingModeSummary", {}).get("BillingMode") != "PAY_PER_REQUEST":
            fix = f"{AWS} update-table --table-name {name} --billing-mode PAY_PER_REQUEST"
            yield Fault(f"{name} has a fixed capacity", fix)


def _recovers(here: Here, name: str) -> bool:
    if here.table(name) is None:
        raise Skipped(f"no such table: {name}")
    told = here.ask("dynamodb", "DescribeContinuousBackups", TableName=name)["ContinuousBackupsDescription"]
    status: str = told.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus", "DISABLED")
    return status == "ENABLED"


def _recovery(name: str, *, on: bool) -> str:
    enabled = str(on).lower()
    return (
        f"{AWS} update-continuous-backups --table-name {name} "
        f"--point-in-time-recovery-specification PointInTimeRecoveryEnabled={enabled}"
    )
