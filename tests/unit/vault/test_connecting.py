"""What a sign-in makes of the connection that is there already."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import ProviderDefinition, RevocationRules
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.upstream.token import ProviderTokens
from chalicelib.vault.rules.connection_merge import KeepStored, Replace, carry_over, decide_connection, is_superseded
from tests.kit.requirement import requirement

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
    facts: dict[str, Any] = {"tokens": NARROW, "definition": DEMO, "consent": ALL, "epoch": 0, "now": NOW, **changed}
    return decide_connection(old, facts.pop("tokens"), facts.pop("definition"), facts.pop("consent"), **facts)


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


SILENT = replace(NARROW, refresh_token=None, granted=OLD.granted)
FORGETFUL = replace(DEMO, refresh=replace(DEMO.refresh, keep_old_if_missing=False))


@requirement("CB-12")
def test_an_answer_without_a_refresh_token_keeps_the_stored_one_where_the_file_says_so() -> None:
    assert decide(OLD, tokens=SILENT) == Replace(generation=4, keep_refresh_token=True)
    assert decide(OLD, tokens=SILENT, definition=FORGETFUL) == Replace(generation=4, keep_refresh_token=False)


@requirement("CB-12", "VLT-07", "VLT-11")
@pytest.mark.parametrize(
    ("old", "facts"),
    [({"status": "revoked"}, {}), ({}, {"epoch": 1}), ({}, {"is_void": True}), ({}, {"moved": True})],
    ids=str,
)
def test_nothing_that_has_ended_is_kept_though_the_answer_brings_no_refresh_token(
    old: dict[str, Any], facts: dict[str, Any]
) -> None:
    ended = replace(OLD, **old)
    assert decide(ended, tokens=SILENT, **facts) == Replace(generation=4, keep_refresh_token=False)


@requirement("CB-11")
def test_where_a_new_grant_ends_the_old_one_the_stored_set_is_not_kept_however_wide() -> None:
    ends_old = replace(DEMO, new_grant_ends_old=True)
    assert decide(OLD, definition=ends_old) == Replace(generation=4, keep_refresh_token=False)


def revoking(ends: str) -> ProviderDefinition:
    """The demo provider, whose call ends so much."""
    return replace(DEMO, revocation=RevocationRules(kind="rfc7009", ends=ends))  # type: ignore[arg-type]


@requirement("VLT-07", "VLT-11")
def test_over_a_tombstone_only_a_later_decision_connects_and_after_a_call_for_the_whole_app_one_later_than_that() -> (
    None
):
    tombstone = replace(OLD, status="revoked", revoked_at=NOW)
    for ends in ("token", "family", "app"):
        assert is_superseded(tombstone, revoking(ends), decided_at=NOW)
        assert not is_superseded(replace(tombstone, settled_at=NOW), revoking(ends), decided_at=NOW + 1)
        assert not is_superseded(OLD, revoking(ends), decided_at=NOW), "it is connected, and was never revoked"
        reconnected = replace(tombstone, status="active")
        assert not is_superseded(reconnected, revoking(ends), decided_at=NOW + 1)
    for settled_at in (0, NOW + 1):
        unsettled = replace(tombstone, settled_at=settled_at)
        assert is_superseded(unsettled, revoking("app"), decided_at=NOW + 1)
        assert not is_superseded(unsettled, revoking("family"), decided_at=NOW + 1)


@requirement("F16", "VLT-07")
def test_a_sign_in_takes_over_what_was_begun_and_what_was_revoked() -> None:
    before = replace(OLD, attempt=7, revoked_at=NOW - 5, revoked_generation=2)
    carried = carry_over(before, revoking("token"), keeps_refresh_token=False)
    assert carried == {"attempt": 7, "revoked_at": NOW - 5, "revoked_generation": 2, "lost": 0}
    assert carry_over(None, DEMO, keeps_refresh_token=False) == {}


@requirement("F16", "VLT-07")
@pytest.mark.parametrize("begun", [{"lost": 1}, {"lost": 2}, {"attempt_started": NOW - 20}], ids=str)
def test_an_answer_that_may_have_been_lost_stays_known_where_a_new_grant_does_not_end_it(begun: dict[str, int]) -> None:
    before = replace(OLD, **begun)
    assert carry_over(before, revoking("family"), keeps_refresh_token=False)["lost"] == 2
    assert carry_over(before, revoking("app"), keeps_refresh_token=False)["lost"] == 0
    ends_old = replace(revoking("family"), new_grant_ends_old=True)
    assert carry_over(before, ends_old, keeps_refresh_token=False)["lost"] == 0


@requirement("F16", "VLT-08")
def test_a_refresh_token_that_stays_has_the_doubt_that_it_had() -> None:
    tries = (NOW - 9,)
    open_attempt = replace(OLD, attempt_started=NOW - 20, doubt_since=NOW - 30, doubt_tries=tries)
    recorded = replace(OLD, status="in_doubt", doubt_since=NOW - 30, doubt_tries=tries)
    for before, started in ((open_attempt, NOW - 20), (recorded, NOW - 30)):
        carried = carry_over(before, DEMO, keeps_refresh_token=True)
        assert (carried["attempt_started"], carried["doubt_since"], carried["doubt_tries"]) == (
            started,
            NOW - 30,
            tries,
        )
        assert "attempt_started" not in carry_over(before, DEMO, keeps_refresh_token=False)
    assert carry_over(OLD, DEMO, keeps_refresh_token=True)["attempt_started"] == 0
