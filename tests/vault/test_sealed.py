"""A sealed value opens only in the place that it was sealed for, and only while its key exists (VLT-04)."""

import pytest
from msgspec.structs import replace

from chalicelib.protocol.sealing import SealBroken, canonical, open_sealed, seal
from chalicelib.records.keyset import Key, Keyset
from chalicelib.vault.sealed import (
    Place,
    open_provider_secret,
    open_user_key,
    open_value,
    seal_provider_secret,
    seal_user_key,
    seal_value,
)
from tests.requirement import requirement

USER_KEY, SALT = b"u" * 32, b"s" * 32
HERE = Place(connection_id="c1", sub="alice", client_id="app", provider_id="demo", generation=1, epoch=0)
VAULT = Keyset(
    purpose="vault", current=Key(version=2, secret=b"2" * 32),
    versions={1: Key(version=1, secret=b"1" * 32), 2: Key(version=2, secret=b"2" * 32)},
)  # fmt: skip


@requirement("VLT-04")
def test_a_value_opens_where_it_was_sealed() -> None:
    sealed = seal_value(USER_KEY, b"token", "access_token", place=HERE, salt=SALT)
    assert b"token" not in sealed
    assert open_value(USER_KEY, sealed, "access_token", place=HERE) == b"token"


@requirement("VLT-04")
@pytest.mark.parametrize(
    "elsewhere",
    [
        {"connection_id": "c2"},
        {"sub": "bob"},
        {"client_id": "another"},
        {"provider_id": "github"},
        {"generation": 2},
        {"epoch": 1},
        {"connection_id": "c", "sub": "1alice"},
    ],
    ids=str,
)
def test_a_value_that_was_copied_elsewhere_does_not_open(elsewhere: dict[str, object]) -> None:
    sealed = seal_value(USER_KEY, b"token", "access_token", place=HERE, salt=SALT)
    with pytest.raises(SealBroken):
        open_value(USER_KEY, sealed, "access_token", place=replace(HERE, **elsewhere))


@requirement("VLT-04", "VLT-02")
def test_a_refresh_token_does_not_open_as_an_access_token() -> None:
    sealed = seal_value(USER_KEY, b"token", "refresh_token", place=HERE, salt=SALT)
    with pytest.raises(SealBroken):
        open_value(USER_KEY, sealed, "access_token", place=HERE)


@requirement("VLT-04")
def test_a_users_values_do_not_open_under_another_users_key() -> None:
    sealed = seal_value(USER_KEY, b"token", "access_token", place=HERE, salt=SALT)
    with pytest.raises(SealBroken):
        open_value(b"v" * 32, sealed, "access_token", place=HERE)


@requirement("VLT-04")
def test_a_user_key_opens_for_its_user_and_a_providers_secret_for_its_provider() -> None:
    key = seal_user_key(VAULT, USER_KEY, sub="alice", salt=SALT)
    assert open_user_key(VAULT, key, sub="alice") == USER_KEY
    secret = seal_provider_secret(VAULT, "shared", provider_id="demo", salt=SALT)
    assert open_provider_secret(VAULT, secret, provider_id="demo") == "shared"
    for move in (lambda: open_user_key(VAULT, key, sub="bob"), lambda: open_user_key(VAULT, secret, sub="alice")):
        with pytest.raises(SealBroken):
            move()
    with pytest.raises(SealBroken):
        open_provider_secret(VAULT, secret, provider_id="github")


@requirement("VLT-04")
def test_no_changed_byte_opens_and_nothing_shorter_or_longer() -> None:
    place = canonical("broker", "X#1", "attribute")
    sealed = seal(USER_KEY, 1, b"token", place=place, salt=SALT)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            open_sealed({1: USER_KEY}, bytes(changed), place=place)
    for text in (b"", sealed[:-1], sealed + b"x", sealed[:84]):
        with pytest.raises(SealBroken):
            open_sealed({1: USER_KEY}, text, place=place)


@requirement("VLT-04")
def test_a_value_commits_to_one_key() -> None:
    """AES-GCM alone opens under two keys when somebody crafts it so; the commitment in front does not."""
    place = canonical("x")
    sealed = seal(USER_KEY, 1, b"token", place=place, salt=SALT)
    with pytest.raises(SealBroken, match="commitment_differs"):
        open_sealed({1: b"v" * 32}, sealed, place=place)


def test_a_retired_key_version_still_opens_and_a_forgotten_one_does_not() -> None:
    place = canonical("x")
    sealed = seal(VAULT.versions[1].secret, 1, b"token", place=place, salt=SALT)
    keys = {version: key.secret for version, key in VAULT.versions.items()}
    assert open_sealed(keys, sealed, place=place) == b"token"
    with pytest.raises(SealBroken):
        open_sealed({2: keys[2]}, sealed, place=place)


def test_two_lists_of_parts_never_read_alike() -> None:
    assert canonical("ab", "c") != canonical("a", "bc")
    assert canonical("a") != canonical("a", "")
    assert canonical(1) == canonical("1")
