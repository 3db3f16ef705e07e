"""Connections and providers that refresh decisions are tried on."""

from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import ProviderDefinition, RefreshRules
from chalicelib.records.connection import Connection

NOW = 1_800_000_000
DEMO: ProviderDefinition = load_catalog("local/providers").get("demo")  # type: ignore[assignment]
ONCE = RefreshRules(kind="rotating", in_doubt="once")
GRACE = RefreshRules(kind="rotating", in_doubt="again", grace="same", grace_seconds=30)
DUE = Connection(
    connection_id="c", sub="s", client_id="a", provider_id="demo", status="active", token_generation=3, line=2,
    connected_at=NOW - 9, connected_by="-", access_expires_at=NOW - 1, tokens_at=NOW - 3601, sealed_refresh_token=b"x",
    attempt=5,
)  # fmt: skip
