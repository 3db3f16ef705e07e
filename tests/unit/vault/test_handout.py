"""Who may have which access token: everything that is not certain refuses (VLT-01, VLT-02, VLT-10)."""

import pytest
from msgspec.structs import replace

from chalicelib.protocol.errors import InvalidScope, InvalidTarget, OAuthError
from chalicelib.providers.catalog import load_catalog
from chalicelib.records.connection import Connection
from chalicelib.records.grant import Grant
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.revocation import Revocation
from chalicelib.vault.rules.handout_permission import check_handout
from tests.kit.requirement import requirement

NOW = 1_800_000_000
DEMO = load_catalog("local/providers").get("demo")
PROVIDER = ProviderRecord(provider_id="demo", client_id="broker")
CONNECTION = Connection(
    connection_id="c1", sub="alice", client_id="app", provider_id="demo", status="active", token_generation=1,
    connected_at=NOW, connected_by="r", granted=frozenset({"openid", "notes:read"}), access_expires_at=NOW + 600,
)  # fmt: skip
GRANT = Grant(
    grant_id="g", status="active", client_id="app", sub="alice", provider_id="demo", connections={"demo": "c1"},
    decided_at=NOW, expires_at=NOW + 900, purge_at=NOW + 900, written_by="",
)  # fmt: skip
READ = frozenset({"openid", "demo:notes:read"})


def decide(
    *,
    connection: Connection | None = CONNECTION,
    grant: Grant = GRANT,
    provider: ProviderRecord | None = PROVIDER,
    asked: frozenset[str] = frozenset(),
    scopes: frozenset[str] = READ,
) -> Connection:
    """The check with everything right, unless said."""
    return check_handout(connection, grant, provider, DEMO, asked=asked, token_scopes=scopes)


def test_an_own_connection_may_be_handed_out() -> None:
    assert decide() == CONNECTION


@requirement("VLT-01")
@pytest.mark.parametrize(
    "connection",
    [
        None,
        replace(CONNECTION, sub="bob"),
        replace(CONNECTION, sub="alice2"),
        replace(CONNECTION, sub="alic"),
        replace(CONNECTION, client_id="another"),
        replace(CONNECTION, client_id="app2"),
        replace(CONNECTION, status="revoked"),
    ],
    ids=lambda c: "absent" if c is None else f"{c.connection_id} {c.sub} {c.client_id} {c.status}",
)
def test_what_is_not_exactly_theirs_reads_like_what_does_not_exist(connection: Connection | None) -> None:
    with pytest.raises(InvalidTarget) as refusal:
        decide(connection=connection)
    assert refusal.value.members == {"reason": "not_connected"}


@requirement("VLT-02", "VLT-12")
@pytest.mark.parametrize("scopes", [frozenset({"openid"}), frozenset({"github:repo"}), frozenset()], ids=sorted)
def test_a_token_without_scopes_of_this_provider_brings_nothing(scopes: frozenset[str]) -> None:
    with pytest.raises(InvalidTarget):
        decide(scopes=scopes)


@requirement("VLT-02", "VLT-10")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"connection": replace(CONNECTION, granted=CONNECTION.granted | {"notes:write"})}, "more_than_allowed"),
        ({"asked": frozenset({"notes:write"})}, "not_allowed"),
        ({"asked": frozenset({"demo:notes:read"})}, "not_allowed"),
        (
            {"connection": replace(CONNECTION, granted=frozenset({"openid"})), "asked": frozenset({"notes:read"})},
            "missing_scopes",
        ),
    ],
    ids=["granted more", "asks for more", "prefix left on", "connected with less"],
)
def test_more_than_was_allowed_or_granted_is_never_handed_out(change: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidScope) as refusal:
        decide(**change)  # type: ignore[arg-type]
    assert refusal.value.members["reason"] == reason


@requirement("XCH-04", "VLT-01")
@pytest.mark.parametrize(
    "provider",
    [None, replace(PROVIDER, marks=Revocation(disabled=True)), replace(PROVIDER, marks=Revocation(not_before=NOW + 1))],
    ids=["absent", "switched off", "marked"],
)
def test_nothing_comes_from_a_provider_that_is_switched_off(provider: ProviderRecord | None) -> None:
    with pytest.raises(InvalidTarget):
        decide(provider=provider)


@requirement("GEN-07")
def test_refusals_hold_no_value_of_the_records() -> None:
    for change in ({"connection": None}, {"asked": frozenset({"notes:write"})}):
        with pytest.raises(OAuthError) as refusal:
            decide(**change)  # type: ignore[arg-type]
        assert not any(value in repr(refusal.value.members) for value in ("c1", "alice", "app"))
