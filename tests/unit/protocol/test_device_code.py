"""What a poll without tokens means, and what a typed user code means (RFC 8628)."""

from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.protocol.derived_ids import derive_device_grant_id
from chalicelib.protocol.device_code import DeviceCodeRequest, StillWaiting, explain_device_refusal
from chalicelib.protocol.errors import AccessDenied, ExpiredToken, InvalidGrant, InvalidTarget
from chalicelib.protocol.grant_refusals import RevokeGrant
from chalicelib.protocol.handles import Handle, secret_hash, successor_secret
from chalicelib.protocol.user_code import ALPHABET, draw_user_code, parse_user_code, show_user_code
from chalicelib.records.grant import DeviceRequest, Grant
from tests.kit.requirement import requirement

NOW = 1_800_000_000
SECRET = b"c" * 16
DEVICE = DeviceRequest(round=1, ends_at=NOW + 600, asked_at=NOW, client_revision=1, poll_interval=5)
PENDING = Grant(
    grant_id="a" * 32, status="device_pending", client_id="c" * 32, decided_at=0, expires_at=NOW + 600,
    purge_at=NOW + 900, written_by="", secret_hash=secret_hash(SECRET), device=DEVICE,
)  # fmt: skip
ACTIVE = replace(
    PENDING, status="active", generation=1, salt=b"s" * 16, ends_at=NOW + 9000,
    secret_hash=secret_hash(successor_secret(SECRET, b"s" * 16)),
)  # fmt: skip
REQUEST = DeviceCodeRequest(client_id="c" * 32, epoch=0)


def explain(grant: Grant | None, *, secret: bytes = SECRET, now: int = NOW, **more: Any) -> StillWaiting | RevokeGrant:
    handle = Handle(
        kind="device", key_version=1, region_letter="a", grant_id="a" * 32, secret=secret, generation=0
    )  # fmt: skip
    return explain_device_refusal(grant, handle, replace(REQUEST, **more), now=now)


@requirement("DEV-03")
@pytest.mark.parametrize("status", ["device_pending", "exchanging"])
def test_until_somebody_has_decided_the_device_waits(status: Any) -> None:
    assert explain(replace(PENDING, status=status)) == StillWaiting(DEVICE)


@requirement("DEV-01", "DEV-07")
@pytest.mark.parametrize(
    "grant",
    [
        None,
        replace(PENDING, device=None),
        replace(PENDING, expires_at=NOW),
        replace(PENDING, status="exchanging", expires_at=NOW),
        replace(PENDING, status="issued", expires_at=NOW),
        replace(PENDING, status="revoked"),
    ],
)
def test_what_is_over_has_expired(grant: Grant | None) -> None:
    with pytest.raises(ExpiredToken):
        explain(grant)


@requirement("DEV-07")
def test_a_denial_is_told_as_long_as_it_is_known() -> None:
    with pytest.raises(AccessDenied):
        explain(replace(PENDING, status="device_denied"), now=NOW + 601)


@requirement("DEV-05", "DEV-07")
@pytest.mark.parametrize("grant", [PENDING, replace(PENDING, status="device_denied"), ACTIVE])
@pytest.mark.parametrize("wrong", [{"secret": b"x" * 16}, {"client_id": "d" * 32}, {"epoch": 1}], ids=str)
def test_a_stranger_learns_nothing_and_ends_nothing(grant: Grant, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidGrant, match="another_client_or_key"):
        explain(grant, **wrong)


@requirement("DEV-07")
def test_a_second_valid_redemption_ends_the_grant_and_one_after_its_end_ends_nothing() -> None:
    assert explain(ACTIVE) == RevokeGrant("a" * 32, "device_code_replayed")
    with pytest.raises(InvalidGrant, match="grant_over"):
        explain(replace(ACTIVE, status="revoked"))
    with pytest.raises(InvalidGrant, match="grant_over"):
        explain(ACTIVE, now=NOW + 600)


@requirement("DEV-05")
def test_another_audience_is_refused_at_once_and_ends_nothing() -> None:
    for grant in (PENDING, ACTIVE):
        with pytest.raises(InvalidTarget):
            explain(grant, resource="https://api.example")
    with pytest.raises(InvalidGrant, match="not_redeemable"):
        explain(replace(PENDING, status="issued"))


@requirement("DEV-01")
def test_user_codes_are_eight_of_twenty_consonants_each_as_likely_as_the_others() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 20 and not set(ALPHABET) & set("AEIOUY0123456789")
    drawn = [draw_user_code(number.to_bytes(16)) for number in range(20**2 * 10)]
    assert {len(code) for code in drawn} == {8}
    assert set(Counter(code[0] for code in drawn).values()) == {200} == set(Counter(code[1] for code in drawn).values())
    assert draw_user_code(b"\xff" * 16) != draw_user_code(b"\xff" * 15 + b"\xfe")


@requirement("DEV-01")
@pytest.mark.parametrize(
    "typed", ["BCDF-GHJK", "bcdf ghjk", " b-c-d-f_g.h.j.k ", "bcdfghjk", "BCDF\u2013GHJK", "\uff22CDF-GHJK"]
)
def test_a_code_is_read_in_any_case_and_grouping(typed: str) -> None:
    assert parse_user_code(typed) == "BCDFGHJK"
    assert show_user_code("BCDFGHJK") == "BCDF-GHJK"


@requirement("DEV-02")
@pytest.mark.parametrize("typed", [None, "", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "BCDF-GHJ1", "\u0412CDF-GHJK"])
def test_what_can_be_no_code_is_none(typed: str | None) -> None:
    assert parse_user_code(typed) is None


@requirement("DEV-01", "GEN-11")
def test_the_grant_of_a_user_code_is_known_only_with_the_key() -> None:
    one = derive_device_grant_id(b"k" * 32, user_code="BCDFGHJK", epoch=0)
    others = {
        derive_device_grant_id(b"l" * 32, user_code="BCDFGHJK", epoch=0),
        derive_device_grant_id(b"k" * 32, user_code="BCDFGHJL", epoch=0),
        derive_device_grant_id(b"k" * 32, user_code="BCDFGHJK", epoch=1),
    }
    assert len({one, *others}) == 4 and len(bytes.fromhex(one)) == 16
