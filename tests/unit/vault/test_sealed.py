"""A sealed value opens only in the place that it was sealed for, and only while its key exists (VLT-04)."""

import itertools
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.encryption import (
    Attribute,
    EncryptionContext,
    encryption_context_of,
    open_answer,
    open_job_key,
    open_payload,
    open_provider_secret,
    open_user_key,
    open_value,
    seal_answer,
    seal_job_key,
    seal_payload,
    seal_provider_secret,
    seal_user_key,
    seal_value,
)
from chalicelib.protocol.sealing import FORMAT, SECOND_LOCK, DecryptionFailed, canonical, open_sealed, seal
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.job import Job
from chalicelib.records.keyset import Key, Keyset
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.small_items import JobKey
from tests.kit.requirement import requirement

USER_KEY, SALT = b"u" * 32, b"s" * 32
HERE = EncryptionContext(connection_id="c1", sub="alice", client_id="app", provider_id="demo", generation=1, epoch=0)
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
    with pytest.raises(DecryptionFailed):
        open_value(USER_KEY, sealed, "access_token", place=replace(HERE, **elsewhere))


@requirement("VLT-04", "VLT-02")
def test_a_refresh_token_does_not_open_as_an_access_token() -> None:
    sealed = seal_value(USER_KEY, b"token", "refresh_token", place=HERE, salt=SALT)
    with pytest.raises(DecryptionFailed):
        open_value(USER_KEY, sealed, "access_token", place=HERE)


@requirement("VLT-04")
def test_a_users_values_do_not_open_under_another_users_key() -> None:
    sealed = seal_value(USER_KEY, b"token", "access_token", place=HERE, salt=SALT)
    with pytest.raises(DecryptionFailed):
        open_value(b"v" * 32, sealed, "access_token", place=HERE)


@requirement("VLT-04")
def test_a_user_key_opens_for_its_user_and_a_providers_secret_for_its_provider() -> None:
    key = seal_user_key(VAULT, USER_KEY, sub="alice", salt=SALT)
    assert open_user_key(VAULT, key, sub="alice") == USER_KEY
    record = ProviderRecord(provider_id="demo", client_id="us", issuer="https://a.example", variables={"tenant": "a"})
    secret = seal_provider_secret(VAULT, "shared", record=record, salt=SALT)
    record = replace(record, sealed_secret=secret)
    assert open_provider_secret(VAULT, record) == "shared"
    for move in (lambda: open_user_key(VAULT, key, sub="bob"), lambda: open_user_key(VAULT, secret, sub="alice")):
        with pytest.raises(DecryptionFailed):
            move()
    elsewhere: tuple[dict[str, Any], ...] = (
        {"provider_id": "github"}, {"client_id": "them"}, {"issuer": "https://b.example"}, {"issuer": None},
        {"variables": {"tenant": "b"}}, {"variables": {}}, {"variables": {"tenant": "a", "region": "b"}},
        {"public": True}, {"sealed_secret": b""},
    )  # fmt: skip
    for moved in elsewhere:
        with pytest.raises(DecryptionFailed):
            open_provider_secret(VAULT, replace(record, **moved))


@requirement("VLT-04", "VLT-09")
def test_a_key_for_duties_opens_for_its_own_name_and_end_alone() -> None:
    sealed = seal_job_key(VAULT, USER_KEY, sub="alice", expires_at=7, salt=SALT)
    left = JobKey(sub="alice", sealed=sealed, expires_at=7)
    assert open_job_key(VAULT, left) == USER_KEY
    as_user_key = JobKey(sub="alice", sealed=seal_user_key(VAULT, USER_KEY, sub="alice", salt=SALT), expires_at=7)
    for moved in (replace(left, sub="bob"), replace(left, expires_at=8), as_user_key):
        with pytest.raises(DecryptionFailed):
            open_job_key(VAULT, moved)


@requirement("VLT-04")
def test_no_flipped_bit_opens() -> None:
    place = canonical("broker", "X#1", "attribute")
    sealed = seal(USER_KEY, 1, b"token", place=place, salt=SALT)
    for position, bit in itertools.product(range(len(sealed)), range(8)):
        changed = bytearray(sealed)
        changed[position] ^= 1 << bit
        with pytest.raises(DecryptionFailed):
            open_sealed({1: USER_KEY}, bytes(changed), place=place)


@requirement("VLT-04")
def test_nothing_opens_that_was_cut_at_any_length_or_made_longer() -> None:
    place = canonical("broker", "X#1", "attribute")
    sealed = seal(USER_KEY, 1, b"token", place=place, salt=SALT)
    cut = [sealed[:length] for length in range(len(sealed))] + [sealed[start:] for start in range(1, len(sealed))]
    for text in (*cut, sealed + b"x", b"x" + sealed, sealed + sealed):
        with pytest.raises(DecryptionFailed):
            open_sealed({1: USER_KEY}, text, place=place)


@requirement("VLT-04")
def test_every_other_format_is_refused_and_one_is_kept_free_for_a_second_lock() -> None:
    place = canonical("x")
    sealed = seal(USER_KEY, 1, b"token", place=place, salt=SALT)
    assert sealed[0] == FORMAT
    for form in set(range(256)) - {FORMAT}:
        with pytest.raises(DecryptionFailed) as refusal:
            open_sealed({1: USER_KEY}, bytes([form]) + sealed[1:], place=place)
        expected = "second_lock_not_offered" if form == SECOND_LOCK else "unknown_format_or_key"
        assert str(refusal.value) == expected


@requirement("VLT-04")
def test_the_version_of_a_key_cannot_be_rolled_back() -> None:
    place = canonical("x")
    keys = {version: key.secret for version, key in VAULT.versions.items()}
    sealed = seal(keys[2], 2, b"token", place=place, salt=SALT)
    older = sealed[:1] + (1).to_bytes(4, "big") + sealed[5:]
    with pytest.raises(DecryptionFailed, match="commitment_differs"):
        open_sealed(keys, older, place=place)
    same = {1: keys[2], 2: keys[2]}  # even where both versions are one key
    with pytest.raises(DecryptionFailed, match="tag_differs"):
        open_sealed(same, older, place=place)


KEPT = Connection(
    connection_id="c1", sub="alice", client_id="app", provider_id="demo", status="active", token_generation=1, line=1,
    connected_at=0, connected_by="-",
)  # fmt: skip
ANSWER = Recovery(connection_id="c1", generation=1, attempt=1, line=1)
DUTY = Job(
    kind="revoke", job_id="j1", due_at=0, connection_id="c1", sub="alice", provider_id="demo", created_at=0,
    generation=1,
)  # fmt: skip


@requirement("VLT-04")
@pytest.mark.parametrize(
    "elsewhere",
    [
        {"connection_id": "c2"}, {"generation": 2}, {"generation": 0}, {"attempt": 2}, {"line": 2}, {"epoch": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_kept_answer_opens_in_its_own_attempt_alone(elsewhere: dict[str, object]) -> None:
    sealed = replace(ANSWER, sealed=seal_answer(USER_KEY, b"answer", recovery=ANSWER, owner=KEPT, salt=SALT))
    assert open_answer(USER_KEY, sealed, owner=KEPT) == b"answer"
    with pytest.raises(DecryptionFailed):
        open_answer(USER_KEY, replace(sealed, **elsewhere), owner=KEPT)
    for owner in ({"sub": "bob"}, {"client_id": "another"}, {"provider_id": "github"}):
        with pytest.raises(DecryptionFailed):
            open_answer(USER_KEY, sealed, owner=replace(KEPT, **owner))


@requirement("VLT-04")
@pytest.mark.parametrize(
    "elsewhere",
    [{"kind": "open_attempt"}, {"job_id": "j2"}, {"connection_id": "c2"}, {"sub": "bob"}, {"provider_id": "github"}],
    ids=str,
)
def test_a_duty_opens_in_its_own_job_alone(elsewhere: dict[str, object]) -> None:
    sealed = replace(DUTY, sealed=seal_payload(USER_KEY, b"duty", job=DUTY, salt=SALT))
    assert open_payload(USER_KEY, sealed) == b"duty"
    with pytest.raises(DecryptionFailed):
        open_payload(USER_KEY, replace(sealed, **elsewhere))


@requirement("VLT-04")
def test_no_kind_of_value_opens_as_another_kind() -> None:
    """One key seals them all, so only their places keep them apart."""
    attributes = ("access_token", "refresh_token", "previous", "profile", "outgoing")
    here = encryption_context_of(KEPT)
    seals = {name: seal_value(USER_KEY, b"x", name, place=here, salt=SALT) for name in attributes}
    seals["answer"] = seal_answer(USER_KEY, b"x", recovery=ANSWER, owner=KEPT, salt=SALT)
    seals["duty"] = seal_payload(USER_KEY, b"x", job=DUTY, salt=SALT)
    opens = {
        **{name: partial(open_as, name) for name in attributes},
        "answer": lambda sealed: open_answer(USER_KEY, replace(ANSWER, sealed=sealed), owner=KEPT),
        "duty": lambda sealed: open_payload(USER_KEY, replace(DUTY, sealed=sealed)),
    }
    for sealed_as, opened_as in itertools.product(seals, opens):
        if sealed_as == opened_as:
            assert opens[opened_as](seals[sealed_as]) == b"x"
            continue
        with pytest.raises(DecryptionFailed):
            opens[opened_as](seals[sealed_as])


def open_as(attribute: Attribute, sealed: bytes) -> bytes:
    return open_value(USER_KEY, sealed, attribute, place=encryption_context_of(KEPT))


@requirement("VLT-04")
def test_a_value_commits_to_one_key() -> None:
    """AES-GCM alone opens under two keys when somebody crafts it so; the commitment in front does not."""
    place = canonical("x")
    sealed = seal(USER_KEY, 1, b"token", place=place, salt=SALT)
    with pytest.raises(DecryptionFailed, match="commitment_differs"):
        open_sealed({1: b"v" * 32}, sealed, place=place)


def test_a_retired_key_version_still_opens_and_a_forgotten_one_does_not() -> None:
    place = canonical("x")
    sealed = seal(VAULT.versions[1].secret, 1, b"token", place=place, salt=SALT)
    keys = {version: key.secret for version, key in VAULT.versions.items()}
    assert open_sealed(keys, sealed, place=place) == b"token"
    with pytest.raises(DecryptionFailed):
        open_sealed({2: keys[2]}, sealed, place=place)


def test_two_lists_of_parts_never_read_alike() -> None:
    assert canonical("ab", "c") != canonical("a", "bc")
    assert canonical("a") != canonical("a", "")
    assert canonical(1) == canonical("1")
