"""What a sign-in makes of the connection that is there already."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.upstream.token import ProviderTokens
from chalicelib.vault.connecting import KeepStored, Replace, decide_connection
from tests.requirement import requirement

NOW = 1_800_000_000
DEMO: ProviderDefinition = load_catalog("local/providers").get("demo")  # type: ignore[assignment]
OLD = Connection(
    connection_id="c", sub="s", client_id="a", provider_id="demo", status="active", token_generation=3,
    connected_at=NOW - 99, connected_by="-", granted=frozenset({"openid", "notes:read", "notes:write"}),
    access_expires_at=NOW + 60, sealed_refresh_token=b"x",
)  # fmt: skip
NARROW = ProviderTokens(access_token="t", refresh_token="r", granted=frozenset({"openid", "notes:read"}))
ALL = Consent(sub="s", client_id="a", scopes=frozenset({"openid", "demo:notes:read", "demo:notes:write"}))


def decide(old: Connection, **changed: Any) -> KeepStored | Replace:
    facts: dict[str, Any] = {"consent": ALL, "epoch": 0, "now": NOW, **changed}
    return decide_connection(old, NARROW, DEMO, facts.pop("consent"), **facts)


@requirement("CB-11")
def test_only_what_is_well_and_all_allowed_is_kept_over_a_narrower_sign_in() -> None:
    assert decide(OLD) == KeepStored(OLD)
    assert decide(replace(OLD, granted=NARROW.granted)) == Replace(generation=4, keep_refresh_token=False)


@requirement("CB-11", "VLT-08")
@pytest.mark.parametrize(
    ("old", "facts"),
    [
        ({"status": "reauth_required"}, {}),
        ({"status": "in_doubt"}, {}),
        ({"status": "partial"}, {}),
        ({"status": "revoked"}, {}),
        ({"access_expires_at": NOW, "sealed_refresh_token": b""}, {}),
        ({}, {"epoch": 1}),
        ({}, {"is_void": True}),
        ({}, {"consent": None}),
        ({}, {"consent": replace(ALL, scopes=frozenset({"demo:notes:read"}))}),
    ],
    ids=str,
)
def test_a_sign_in_mends_whatever_is_not_well(old: dict[str, Any], facts: dict[str, Any]) -> None:
    assert decide(replace(OLD, **old), **facts) == Replace(generation=4, keep_refresh_token=False)
