"""What a revocation says, and what it leaves of a consent: pure."""

import pytest
from msgspec.structs import replace

from chalicelib.providers.catalog import load_catalog
from chalicelib.records.connection import Connection, Ending
from chalicelib.records.consent import Consent
from chalicelib.records.revocation import Revocation
from chalicelib.vault.rules.revocation_results import describe_endings, is_alive_there, merge_endings, result_of
from chalicelib.vault.rules.shared_accounts import is_used_by, shares_account, without_connection
from tests.kit.requirement import requirement

DEMO = load_catalog("local/providers").get("demo")
MINE = Connection(
    connection_id="a", sub="s", client_id="one", provider_id="demo", status="revoked", token_generation=1,
    connected_at=100, connected_by="x", account_id="account", revoked_at=200, granted=frozenset({"notes:read"}),
)  # fmt: skip
OTHER = replace(MINE, connection_id="b", client_id="two", status="active", revoked_at=0)
CONSENT = Consent(
    sub="s", client_id="one", scopes=frozenset({"openid", "demo:notes:read", "github:repo"}), decided_at=200,
    redirect_hashes=frozenset({"place"}), default_connections={"demo": "a", "github": "g"}, version=3,
)  # fmt: skip


@requirement("VLT-07")
@pytest.mark.parametrize(
    ("ending", "result"),
    [("revoked", "revoked"), ("not_supported", "not_supported"), ("kept_shared", "kept_shared"), ("pending", "pending"),
     ("failed", "failed"), ("given_up", "failed"), ("lost", "failed")],
)  # fmt: skip
def test_every_ending_has_its_word_and_its_reason(ending: Ending, result: str) -> None:
    tombstone = replace(MINE, endings={"access_token": ending})
    (row,) = describe_endings(tombstone)
    assert (row["token"], row["result"], result_of(tombstone)) == ("access_token", result, result) and row["reason"]
    assert is_alive_there(tombstone) == (ending not in ("revoked", "kept_shared"))


@requirement("VLT-07")
def test_the_whole_is_as_bad_as_its_worst_token() -> None:
    rows: list[tuple[str, Ending]] = [("refresh_token", "revoked"), ("access_token", "not_supported")]
    assert result_of(replace(MINE, endings=merge_endings(rows))) == "not_supported"
    assert (
        merge_endings([*rows, ("refresh_token", "failed"), ("refresh_token", "revoked")])["refresh_token"] == "failed"
    )
    assert result_of(MINE) == "pending" and is_alive_there(MINE) and not is_alive_there(OTHER)


@requirement("VLT-07")
@pytest.mark.parametrize(
    ("changed", "shares"),
    [({}, True), ({"status": "in_doubt"}, True), ({"status": "partial"}, True), ({"account_id": ""}, True),
     ({"account_id": "else"}, False), ({"provider_id": "github"}, False), ({"sub": "t"}, False),
     ({"status": "revoked"}, False), ({"status": "reauth_required"}, False), ({"connection_id": "a"}, False)],
)  # fmt: skip
def test_who_would_lose_its_access_by_a_call_that_ends_the_accounts_grant(
    changed: dict[str, str], shares: bool
) -> None:
    assert shares_account(MINE, replace(OTHER, **changed)) == shares


@requirement("CONS-07")
def test_a_consent_loses_what_the_connection_was_for_and_the_places_that_were_seen() -> None:
    less = without_connection(CONSENT, MINE, [])
    assert less == replace(
        CONSENT, scopes=frozenset({"openid", "github:repo"}), redirect_hashes=frozenset(),
        default_connections={"github": "g"}, reduced_at=201, version=4,
    )  # fmt: skip
    assert less is not None and without_connection(less, MINE, []) is None
    assert without_connection(replace(CONSENT, decided_at=201), MINE, []) is None, "given after it was taken back"


@requirement("CONS-07")
def test_the_scopes_stay_where_another_account_is_connected_to_the_same_app() -> None:
    second = replace(OTHER, client_id="one", account_id="second")
    less = without_connection(CONSENT, MINE, [MINE, second])
    assert less is not None and less.scopes == CONSENT.scopes and less.default_connections == {"github": "g"}
    for other in (OTHER, replace(second, status="revoked"), replace(second, provider_id="github")):
        gone = without_connection(CONSENT, MINE, [MINE, other])
        assert gone is not None and "demo:notes:read" not in gone.scopes


@requirement("CB-11")
@pytest.mark.parametrize(
    ("consent", "used"),
    [({}, True), ({"scopes": frozenset({"openid"})}, False), ({"epoch": 1}, False),
     ({"default_connections": {"demo": "b"}}, False), ({"marks": Revocation(not_before=201)}, False)],
)  # fmt: skip
def test_an_earlier_consent_goes_on_with_what_it_covers(consent: dict[str, object], used: bool) -> None:
    assert DEMO is not None
    earlier = replace(CONSENT, **consent)  # type: ignore[arg-type]
    assert is_used_by(earlier, replace(MINE, status="partial"), DEMO, epoch=0) == used
    assert not is_used_by(None, MINE, DEMO, epoch=0)
