"""PKCE: S256 for every client."""

import base64

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.errors import InvalidGrant, InvalidRequest
from chalicelib.protocol.pkce import EXAMPLE_CHALLENGE, check_code_challenge, check_verifier_syntax, s256
from tests.kit.requirement import requirement

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
VERIFIER = "a" * 43
CHALLENGE = s256(VERIFIER)


@requirement("AUTHZ-08")
def test_a_challenge_of_s256_is_taken():
    check_code_challenge(CHALLENGE, "S256")


@requirement("AUTHZ-08")
@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        pytest.param(None, None, id="no challenge"),
        pytest.param(None, "S256", id="a method without a challenge"),
        pytest.param(CHALLENGE, None, id="no method, which would mean plain"),
        pytest.param(CHALLENGE, "plain", id="plain"),
        pytest.param(CHALLENGE, "s256", id="another case"),
        pytest.param(CHALLENGE, "S512", id="a method that does not exist"),
        pytest.param(CHALLENGE, "S256 plain", id="two methods"),
        pytest.param(CHALLENGE[:-1], "S256", id="42 characters"),
        pytest.param(CHALLENGE + "A", "S256", id="44 characters"),
        pytest.param(CHALLENGE + "=", "S256", id="padding"),
        pytest.param(CHALLENGE + "\n", "S256", id="a line feed behind"),
        pytest.param("+" + CHALLENGE[1:], "S256", id="plain base64"),
        pytest.param("é" + CHALLENGE[1:], "S256", id="outside ASCII"),
        pytest.param(CHALLENGE[:-1] + "B", "S256", id="spare bits set, which no hash gives"),
        pytest.param(VERIFIER + "b" * 20, "S256", id="a verifier"),
    ],
)
def test_everything_else_is_refused(challenge, method):
    with pytest.raises(InvalidRequest):
        check_code_challenge(challenge, method)


@requirement("AUTHZ-09")
def test_the_challenge_printed_in_the_rfc_is_refused():
    assert s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == EXAMPLE_CHALLENGE
    with pytest.raises(InvalidRequest) as refusal:
        check_code_challenge(EXAMPLE_CHALLENGE, "S256")
    assert refusal.value.reason == "code_challenge_is_the_rfc_example"


@requirement("CODE-06")
@pytest.mark.parametrize("verifier", [VERIFIER, "~" * 128, "aZ0-._~" * 10])
def test_a_verifier_of_43_to_128_unreserved_characters_is_taken(verifier):
    check_verifier_syntax(verifier)


@requirement("CODE-06")
@pytest.mark.parametrize(
    "verifier",
    [None, "", "a" * 42, "a" * 129, "a" * 42 + "\n", VERIFIER + "\n", "a" * 42 + "+", "a" * 42 + "é", " " * 43],
)
def test_every_other_verifier_is_an_invalid_grant(verifier):
    with pytest.raises(InvalidGrant):
        check_verifier_syntax(verifier)


@requirement("CODE-06", "AUTHZ-08")
@given(st.text(UNRESERVED, min_size=43, max_size=128))
def test_the_challenge_is_the_one_that_another_library_computes_and_always_passes(verifier):
    challenge = s256(verifier)
    assert challenge == create_s256_code_challenge(verifier)
    assert len(base64.urlsafe_b64decode(challenge + "=")) == 32
    check_code_challenge(challenge, "S256")
