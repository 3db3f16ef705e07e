"""Proofs of possession, with signatures of joserfc, a library written by others."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.dpop import build_nonce, check_proof, is_nonce_fresh
from chalicelib.protocol.dpop_result import PROOF_ALGORITHMS
from chalicelib.protocol.errors import InvalidDpopProof
from chalicelib.records.keyset import Key, Keyset
from tests.kit.jose.proofs import ProofKey, b64, key_of
from tests.kit.requirement import requirement

NOW = 1_800_000_000
URL = "https://broker.example/base/token"
TOKEN = "eyJ0.an.access-token"
OLD, NEW = Key(version=1, secret=b"o" * 32), Key(version=2, secret=b"n" * 32)
NONCES = Keyset(purpose="nonce", current=NEW, versions={1: OLD, 2: NEW})


def check(value, *, method="POST", url=URL, now=NOW, token=None):
    return check_proof(value, method=method, url=url, now=now, access_token=token)


def prove(kind="ec", *, token=None, now=NOW, **claims):
    return key_of(kind).prove("POST", URL, now=now, token=token, **claims)


def refused(value, **given):
    with pytest.raises(InvalidDpopProof) as refusal:
        check(value, **given)
    return refusal.value.reason


@requirement("DPOP-01")
@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        *(("ec", None), ("ec384", None), ("ec521", None), ("ed", None), ("ed", "Ed25519")),
        *(("rsa", None), ("rsa", "PS384"), ("rsa", "PS512")),
    ],
)
def test_a_good_proof_by_every_kind_of_key_names_its_key(kind, algorithm):
    key = ProofKey(key_of(kind).key, algorithm or key_of(kind).algorithm)
    assert key.algorithm in PROOF_ALGORITHMS
    assert check(key.prove("POST", URL, now=NOW)).jkt == key.jkt


@requirement("DPOP-01")
@pytest.mark.parametrize(
    "told",
    [
        *("HTTPS://BROKER.example/base/token", "https://broker.example:443/base/token"),
        *("https://broker.example:/base/token", "https://broker.example/b%61se/token"),
        *(f"{URL}?x=1", f"{URL}#x", f"{URL}?x=1#y"),
    ],
)
def test_one_url_may_be_spelled_in_several_ways_and_its_query_plays_no_part(told):
    assert check(prove(htu=told))


@requirement("DPOP-01")
@pytest.mark.parametrize(
    ("url", "told"),
    [
        *(("http://[::1]:8080/token", "HTTP://[::1]:8080/token"), ("http://127.0.0.1/x", "http://127.0.0.1:80/x")),
        ("https://b.example/proxy/a/%2f%7E", "https://b.example/proxy/a/%2F~"),
        ("https://b.example", "https://B.example/"),
    ],
)
def test_urls_of_every_kind_of_issuer_are_compared(url, told):
    assert check(prove(htu=told), url=url)


@requirement("DPOP-01")
def test_what_is_not_known_in_a_proof_is_left_alone():
    key = key_of("ec")
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {**key.public, "ext": True, "kid": "1"}, "kid": "1", "x": [1]}
    claims = {"htm": "POST", "htu": URL, "iat": NOW, "jti": "1", "ath": "?", "x": {"y": None}}
    assert check(key.sign(json.dumps(header), json.dumps(claims))).jkt == key.jkt


@requirement("DPOP-01")
def test_a_proof_is_good_for_a_minute_and_a_little_ahead():
    for age in (-10, -9.5, 0, 59, 60):
        assert check(prove(iat=NOW - age))
    assert check(prove(exp=NOW + 1, nbf=NOW + 10))
    assert refused(prove(iat=NOW - 60.5)) == "proof_not_of_this_minute"


@requirement("DPOP-01")
def test_the_mark_is_of_key_and_name_and_is_kept_as_long_as_the_proof_would_be_taken():
    first = check(prove(jti="1"))
    assert first.mark == check(prove(jti="1", iat=NOW - 5)).mark
    assert first.mark not in (check(prove(jti="2")).mark, check(prove("ec384", jti="1")).mark)
    for iat in (NOW - 60, NOW, NOW + 10, NOW + 9.5):
        assert check(prove(iat=iat)).expires_at > iat + 60


@requirement("DPOP-01")
def test_beside_an_access_token_the_proof_has_its_hash():
    assert check(prove(token=TOKEN), token=TOKEN)
    assert refused(prove(token=TOKEN), token=TOKEN + "x") == "proof_of_another_token"


@requirement("DPOP-01")
def test_the_nonce_is_told_as_it_stands_in_the_proof():
    assert check(prove(nonce="n-1")).nonce == "n-1"
    assert check(prove()).nonce is None


@requirement("DPOP-01")
def test_a_nonce_is_good_in_its_window_and_the_next_and_under_keys_that_have_retired():
    nonce = build_nonce(NONCES, epoch=3, now=NOW)
    assert NOW % 60 == 0
    assert build_nonce(NONCES, epoch=3, now=NOW + 59) == nonce != build_nonce(NONCES, epoch=3, now=NOW + 60)
    fresh = [at for at in (-61, -60, 0, 119, 120) if is_nonce_fresh(nonce, NONCES, epoch=3, now=NOW + at)]
    assert fresh == [-60, 0, 119]
    before = Keyset(purpose="nonce", current=OLD, versions={1: OLD})
    assert is_nonce_fresh(build_nonce(before, epoch=3, now=NOW), NONCES, epoch=3, now=NOW)


@requirement("DPOP-01")
def test_a_nonce_of_another_key_epoch_or_spelling_is_none():
    nonce = build_nonce(NONCES, epoch=3, now=NOW)
    stranger = Keyset(purpose="nonce", current=Key(version=2, secret=b"x" * 32), versions={})
    forged = build_nonce(stranger, epoch=3, now=NOW)
    for other in (forged, nonce + "=", nonce[:-1], nonce + "A", "", "é", b64(bytes(28))):
        assert not is_nonce_fresh(other, NONCES, epoch=3, now=NOW), other
    assert not is_nonce_fresh(nonce, NONCES, epoch=4, now=NOW)
    unknown = Keyset(purpose="nonce", current=OLD, versions={1: OLD})
    assert not is_nonce_fresh(nonce, unknown, epoch=3, now=NOW)


@requirement("DPOP-01")
@given(st.text())
def test_whatever_is_sent_as_a_proof_gets_one_kind_of_answer(value):
    refused(value)


@requirement("DPOP-01")
@given(st.dictionaries(st.sampled_from(["htm", "htu", "iat", "jti", "nonce", "exp"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2), max_leaves=3,
)))  # fmt: skip
def test_whatever_is_claimed_is_read_or_refused(claims):
    key = key_of("ed")
    good = {"htm": "POST", "htu": URL, "iat": NOW, "jti": "1"}
    header = json.dumps({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": key.public})
    try:
        check(key.sign(header, json.dumps(good | claims)))
    except InvalidDpopProof as refusal:
        assert refusal.reason.startswith("proof_")
