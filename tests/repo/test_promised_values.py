"""Numbers that a page promises, written out again: a test that imports the number it checks follows any change."""

import ast
import importlib

from tests.kit import ROOT
from tests.kit.requirement import requirement

MINUTE, DAY = 60, 86400

# module, name: what is promised, and the page that says so
PROMISED: dict[tuple[str, str], tuple[int, str]] = {
    ("adapters.dynamodb.store", "LOOKED_AT"): (500, "docs/my-access.md"),
    ("adapters.kms.keys", "OPEN_AGE"): (5 * MINUTE, "docs/keys.md"),
    ("adapters.kms.keys", "READ_AGE"): (MINUTE, "docs/keys.md"),
    ("adapters.dynamodb.record_cache", "AGE"): (10, "docs/kill-switches.md"),
    ("vault.outbox", "LEFT_SECONDS"): (7 * DAY, "docs/revoking.md"),
    ("vault.unused_connections", "FOREWARNED_SECONDS"): (7 * DAY, "docs/events.md"),
    ("jobs.runner", "MAX_TRIES"): (16, "docs/revoking.md"),
    ("endpoints.callers.client_id_documents", "KNOWN_FETCHES"): (6, "docs/observing.md"),
    ("pages.theme_file", "MAX_LOGO_BYTES"): (16 * 1024, "docs/pages.md"),
    ("keys.lifecycle", "LEAD_SECONDS"): (10 * MINUTE, "docs/keys.md"),
    ("keys.lifecycle", "PROCESS_SECONDS"): (5 * MINUTE, "docs/keys.md"),
    ("keys.lifecycle", "SKEW_SECONDS"): (2 * MINUTE, "docs/keys.md"),
    ("records.audit", "RETENTION_SECONDS"): (400 * DAY, "docs/audit.md"),
    ("records.seal", "SETTLE_SECONDS"): (15 * MINUTE, "docs/audit.md"),
    ("records.seal", "WINDOW_SECONDS"): (10 * MINUTE, "docs/audit.md"),
    ("records.client", "MOST_RESOURCES"): (200, "CHANGELOG.md"),
    ("upstream.client_document", "MAX_BYTES"): (5 * 1024, "docs/client-documents.md"),
    ("upstream.proxy_path", "MAX_PATH_CHARACTERS"): (4096, "docs/proxy.md"),
    ("vault.rules.refresh_decision", "LEASE_SECONDS"): (15, "docs/vault.md"),
    ("vault.rules.refresh_decision", "LEAST_AGE_SECONDS"): (MINUTE, "docs/proxy.md"),
}
# What no page promises, and why a test may follow it.
INNER: dict[tuple[str, str], str] = {
    ("vault.new_connections", "MOST_NOTED"): "a bound on the size of an item",
    ("vault.new_connections", "NOTED_SECONDS"): "how long a note outlives the lag of an index",
    ("adapters.aws.transport", "REPEAT_SECONDS"): "how long a call to AWS is repeated",
    ("adapters.dynamodb.store", "PURGED_AFTER"): "when DynamoDB deletes what has ended long ago",
    ("adapters.http.document_cache", "MAX_KEPT"): "the size of a cache",
    ("adapters.http.document_cache", "RETRY_SECONDS"): "the pause of a cache after a failure",
    ("records.seal", "SHARDS"): "a spread of one index over partitions",
    ("adapters.dynamodb.codec", "SCHEMA"): "the number of the format of items",
    ("adapters.kms.keys", "PART_AGE"): "the age of a cached keyset of which one key did not open",
    ("adapters.process.rate_limiter", "ENTRIES"): "the size of a cache",
    ("adapters.dynamodb.record_cache", "ENTRIES"): "the size of a cache",
    ("adapters.aws.event_bus_log", "AT_ONCE"): "the number of events that EventBridge takes in one call",
    ("contention", "LEAST_SECONDS"): "the time that a request keeps for what follows a write",
    ("contention", "LONGEST_PAUSE"): "a pause between two tries of a write",
    ("contention", "TRIES"): "how often an overtaken write is tried",
    ("vault.journal_log", "ANSWER_BYTES"): "the size of a line of the log",
    ("vault.unused_connections", "DAY"): "a unit",
    ("protocol.client_assertion", "MAX_ASSERTION_LENGTH"): "a bound on the work for one request",
    ("protocol.client_keys", "MAX_KEYS"): "a bound on the work for one request",
    ("protocol.log_redaction", "MAX_ITEMS"): "the size of a line of the log",
    ("protocol.log_redaction", "MAX_TEXT"): "the size of a line of the log",
    ("protocol.return_path", "MAX_PATH"): "a bound on the size of a cookie",
    ("protocol.scope", "MAX_ITEMS"): "a bound on the work for one request",
    ("protocol.sealing", "FORMAT"): "the number of the format of sealed values",
    ("protocol.sealing", "SECOND_LOCK"): "the number of the format of sealed values",
    ("vault.rules.account_label", "LONGEST"): "a bound on the size of an item",
    (
        "vault.rules.refresh_decision",
        "UNREAD_SECONDS",
    ): "how long an unread answer waits for a release that can read it",
    ("encryption", "USER_KEY_BYTES"): "the size of a key, which the cipher fixes",
}


def numbers_of_the_code_in_tests() -> set[tuple[str, str]]:
    """Constants that a test imports from the package, as far as they are numbers."""
    found = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chalicelib."):
                module = str(node.module)
                for name in (alias.name for alias in node.names if alias.name.isupper()):
                    if isinstance(getattr(importlib.import_module(module), name), int | float):
                        found.add((module.removeprefix("chalicelib."), name))
    return found


@requirement("DOC-09")
def test_every_promised_number_is_the_one_that_its_page_says() -> None:
    wrong = {
        f"{module}.{name}": (number, page)
        for (module, name), (promised, page) in PROMISED.items()
        if (number := getattr(importlib.import_module(f"chalicelib.{module}"), name)) != promised
    }
    assert wrong == {}


@requirement("DOC-09")
def test_a_number_that_a_test_imports_is_promised_here_or_promised_nowhere() -> None:
    assert numbers_of_the_code_in_tests() == PROMISED.keys() | INNER.keys()
    assert all((ROOT / page).exists() for _, page in PROMISED.values())
