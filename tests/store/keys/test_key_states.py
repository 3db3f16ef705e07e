"""When a key takes its next step, by values alone."""

import pytest
from msgspec.structs import replace

from chalicelib.keys.lifecycle import (
    LEAD_SECONDS,
    PROCESS_SECONDS,
    SKEW_SECONDS,
    NeverRotated,
    Step,
    current_of,
    next_step,
    next_version,
    noting,
    published,
    replaced,
    rules_of,
    used,
)
from chalicelib.records.keyset import WrappedKey
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import KeysetItem
from tests.kit.requirement import requirement

DAY, MADE = 86400, 1_900_000_000
SETTINGS = Settings(issuer="https://login.example.com")
FIRST = WrappedKey(version=1, state="signing", created_at=MADE, wrapped=b"1")
SECOND = WrappedKey(version=2, state="published", created_at=MADE, since=MADE + 5 * DAY, wrapped=b"2")


def keyset(*keys: WrappedKey, purpose: str = "signing") -> KeysetItem:
    return KeysetItem(purpose=purpose, keys=keys or (FIRST,))


@requirement("META-04", "KEY-01")
def test_a_signing_key_waits_a_day_longer_than_any_cache_and_stays_while_its_tokens_live() -> None:
    rules = rules_of("signing", SETTINGS)
    waiting = published(keyset(), SECOND)
    step = next_step(waiting, rules)
    assert step == Step(kind="use", at=SECOND.since + DAY + LEAD_SECONDS, version=2)
    assert rules.lead >= max(300, DAY) + PROCESS_SECONDS
    turned_at = step.at or 0
    turned = used(waiting, 2, rules=rules, now=turned_at)
    assert [(key.version, key.state) for key in turned.keys] == [(1, "retiring"), (2, "signing")]
    gone = next_step(turned, rules)
    longest = max(SETTINGS.access_token_seconds, SETTINGS.id_token_seconds, DAY)
    assert gone == Step(kind="forget", at=turned_at + longest + PROCESS_SECONDS + SKEW_SECONDS, version=1)


@requirement("KEY-01")
@pytest.mark.parametrize(
    ("purpose", "setting"),
    [
        ("signing", "access_token_seconds"), ("signing", "id_token_seconds"), ("pairwise", "access_token_seconds"),
        ("handle", "refresh_end_seconds"), ("handle", "bff_end_seconds"), ("cookie", "session_seconds"),
        ("cookie", "bff_end_seconds"), ("user_code", "device_seconds"),
    ],
)  # fmt: skip
def test_an_old_key_outlives_the_longest_that_it_sealed_by_the_settings(purpose: str, setting: str) -> None:
    longest = rules_of(purpose, replace(SETTINGS, **{setting: 400 * DAY})).longest
    assert longest is not None and longest >= 400 * DAY


@requirement("KEY-01")
def test_a_setting_that_is_lowered_ends_nothing_that_lives() -> None:
    long, short = (rules_of("handle", replace(SETTINGS, refresh_end_seconds=days * DAY)) for days in (90, 1))
    first = replace(FIRST, state="current")
    noted = noting(keyset(first, purpose="handle"), long)
    assert noted.keys[0].longest == long.longest and noted.revision == 1
    assert noting(noted, short) is noted is noting(noted, long)
    turned = used(published(noted, SECOND), 2, rules=short, now=MADE)
    assert next_step(turned, short).at == MADE + (long.longest or 0) + PROCESS_SECONDS + SKEW_SECONDS


@requirement("KEY-02")
def test_a_key_is_in_use_for_so_many_days_and_its_successor_is_published_before() -> None:
    rules = rules_of("signing", SETTINGS)
    step = next_step(keyset(), rules)
    assert step == Step(kind="publish", at=MADE + 90 * DAY - rules.lead)
    assert not step.is_due(MADE + 90 * DAY - rules.lead - 1) and step.is_due(MADE + 90 * DAY - rules.lead)
    never = next_step(keyset(), rules_of("signing", replace(SETTINGS, signing_key_days=0)))
    assert never.at is None and not never.is_due(MADE * 2)


@requirement("KEY-01")
def test_the_pepper_and_the_vaults_old_keys_have_no_time_of_their_own() -> None:
    for purpose in ("pepper", "vault"):
        rules = rules_of(purpose, SETTINGS)
        turned = used(
            published(keyset(replace(FIRST, state="current"), purpose=purpose), SECOND), 2, rules=rules, now=MADE
        )
        assert next_step(turned, rules) == Step(kind="wait", at=None)
    assert rules_of("pepper", SETTINGS).days == 0


@requirement("KEY-01")
def test_names_are_derived_from_the_identity_key_so_it_is_never_turned() -> None:
    with pytest.raises(NeverRotated):
        rules_of("identity", SETTINGS)


def test_without_exactly_one_key_in_use_nothing_is_decided() -> None:
    for keys in ((SECOND,), (FIRST, replace(SECOND, state="signing"))):
        assert current_of(keyset(*keys)) is None
        assert next_step(keyset(*keys), rules_of("signing", SETTINGS)).at is None


def test_versions_rise_and_every_step_is_a_revision() -> None:
    third = replace(SECOND, version=3)
    item = keyset(FIRST, SECOND)
    assert next_version(item) == 3
    assert replaced(item, third) == KeysetItem(purpose="signing", keys=(third,), revision=1)
    assert next_version(replaced(item, third)) == 4
