"""A handle proves itself before the table is asked: forged, shortened, extended or respelled ones end here."""

import base64

import pytest

from chalicelib.protocol.errors import InvalidGrant, TemporarilyUnavailable
from chalicelib.protocol.handles import Handle, build_handle, parse_handle, secret_hash, successor_secret
from chalicelib.records.keyset import Key, Keyset
from tests.kit.requirement import requirement

OLD, NEW = Key(version=1, secret=b"1" * 32), Key(version=2, secret=b"2" * 32)
KEYS = Keyset(purpose="handle", current=NEW, versions={1: OLD, 2: NEW})
CODE = Handle(kind="code", key_version=2, region_letter="a", grant_id="ab" * 16, secret=b"\xff" * 16, generation=0)
TEXT = build_handle(CODE, KEYS, epoch=0)
PREFIX = "tb_code_"


def test_a_handle_reads_back_under_its_own_key_version() -> None:
    for version in (1, 2):
        handle = Handle(
            kind="refresh", key_version=version, region_letter="a", grant_id="cd" * 16, secret=b"s" * 16, generation=7
        )
        assert parse_handle(build_handle(handle, KEYS, epoch=3), "refresh", KEYS, epoch=3, homes="a") == handle


@requirement("CODE-07")
@pytest.mark.parametrize(
    "text",
    [
        "", PREFIX, TEXT[:-1], TEXT + "A", TEXT + "=", TEXT + "\n", " " + TEXT, TEXT.upper(), TEXT.swapcase(),
        TEXT[len(PREFIX) :], "tb_refresh_" + TEXT[len(PREFIX) :], PREFIX + TEXT[len(PREFIX) :].replace("_", "/"),
        TEXT + TEXT,
        PREFIX + "é" * 20, PREFIX + "A" * 5000, "\x00", TEXT[:20] + "\x00" + TEXT[21:], TEXT + "%00",
    ],
)  # fmt: skip
def test_a_respelled_handle_is_refused(text: str) -> None:
    with pytest.raises(InvalidGrant):
        parse_handle(text, "code", KEYS, epoch=0, homes="a")


@requirement("CODE-07", "GEN-10")
def test_no_single_changed_bit_is_accepted() -> None:
    raw = base64.urlsafe_b64decode(TEXT[len(PREFIX) :])
    for position in range(len(raw)):
        for bit in range(8):
            changed = bytearray(raw)
            changed[position] ^= 1 << bit
            with pytest.raises(InvalidGrant):
                parse_handle(PREFIX + base64.urlsafe_b64encode(changed).decode(), "code", KEYS, epoch=0, homes="a")


@requirement("CODE-07")
def test_unused_bits_of_the_last_character_do_not_make_a_second_spelling() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    body = TEXT.rstrip("=")
    accepted = 0
    for character in alphabet:
        try:
            parse_handle(body[:-1] + character + TEXT[len(body) :], "code", KEYS, epoch=0, homes="a")
            accepted += 1
        except InvalidGrant:
            continue
    assert accepted == 1


@requirement("CODE-07", "CODE-02")
@pytest.mark.parametrize(
    "change", [{"epoch": 1}, {"kind": "refresh"}, {"keys": Keyset(purpose="handle", current=OLD, versions={1: OLD})}]
)
def test_a_handle_is_good_for_its_kind_epoch_and_key_alone(change: dict[str, object]) -> None:
    arguments: dict[str, object] = {"kind": "code", "keys": KEYS, "epoch": 0, **change}
    text = TEXT.replace("tb_code_", "tb_refresh_") if arguments["kind"] == "refresh" else TEXT
    with pytest.raises(InvalidGrant):
        parse_handle(text, arguments["kind"], arguments["keys"], epoch=arguments["epoch"], homes="a")  # type: ignore[arg-type]


@requirement("F25")
def test_a_handle_of_another_home_is_good_and_not_decided_here() -> None:
    """Nobody can move it: the letter stands under the MAC."""
    with pytest.raises(TemporarilyUnavailable, match="handle_of_another_home"):
        parse_handle(TEXT, "code", KEYS, epoch=0, homes="b")
    assert parse_handle(TEXT, "code", KEYS, epoch=0, homes="ba") == CODE
    raw = bytearray(base64.urlsafe_b64decode(TEXT[len(PREFIX) :]))
    raw[1] = ord("b")
    with pytest.raises(InvalidGrant):
        parse_handle(PREFIX + base64.urlsafe_b64encode(raw).decode(), "code", KEYS, epoch=0, homes="b")


@requirement("GEN-11")
def test_an_unguessable_part_of_128_bits_stands_in_every_handle() -> None:
    raw = base64.urlsafe_b64decode(TEXT[len(PREFIX) :])
    assert CODE.secret in raw
    assert bytes.fromhex(CODE.grant_id) in raw
    assert len(CODE.secret) == len(bytes.fromhex(CODE.grant_id)) == 16


def test_later_secrets_say_nothing_about_the_code() -> None:
    first, second = successor_secret(b"s" * 16, b"a" * 16), successor_secret(b"s" * 16, b"b" * 16)
    assert len({b"s" * 16, first, second}) == 3
    assert secret_hash(first) != first
