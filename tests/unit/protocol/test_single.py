"""Parameters: once, not too long, nothing hidden in them."""

import pytest

from chalicelib.protocol.errors import InvalidRequest
from chalicelib.protocol.parameters import SECRET_NAMES, Parameters, check_no_secret_in_query
from tests.kit.requirement import requirement


@requirement("GEN-01")
@pytest.mark.parametrize(
    "pairs",
    [
        (("scope", "a"), ("scope", "b")),
        (("scope", "a"), ("scope", "a")),
        (("scope", ""), ("scope", "a")),
        (("scope", "a"), ("scope", "")),
        (("scope", ""), ("scope", "")),
        (("scope", "a"), ("state", "s"), ("scope", "a")),
        (("unknown", "a"), ("unknown", "b")),
        (("audience", "a"), ("audience", "b")),
    ],
)
def test_a_name_given_twice_is_refused(pairs):
    with pytest.raises(InvalidRequest):
        Parameters.parse(pairs, repeatable=frozenset({"resource"}))


@requirement("GEN-01")
def test_a_name_that_may_repeat_keeps_every_value_in_order():
    pairs = (("resource", "https://b.example"), ("resource", ""), ("resource", "https://a.example"))
    parameters = Parameters.parse(pairs, repeatable=frozenset({"resource"}))
    assert parameters.all("resource") == ("https://b.example", "https://a.example")


@requirement("GEN-01")
def test_a_name_that_may_repeat_is_not_read_as_a_single_one():
    parameters = Parameters.parse((("resource", "a"), ("resource", "b")), repeatable=frozenset({"resource"}))
    with pytest.raises(InvalidRequest):
        parameters.get("resource")


@requirement("GEN-01")
def test_names_that_differ_in_case_are_different_names():
    parameters = Parameters.parse((("scope", "a"), ("Scope", "b")))
    assert parameters.get("scope") == "a"


@requirement("GEN-02")
def test_an_empty_parameter_counts_as_absent():
    parameters = Parameters.parse((("state", ""), ("scope", "openid")))
    assert parameters.get("state") is None
    assert parameters.all("state") == ()
    assert parameters.get("never_sent") is None
    assert parameters.require("scope") == "openid"
    for name in ("state", "never_sent"):
        with pytest.raises(InvalidRequest):
            parameters.require(name)


@requirement("GEN-03")
@pytest.mark.parametrize("bad", ["\x00", "a\nb", "a\rb", "a\tb", "\x1b[0m", "\x7f", "\ud800"])
def test_control_characters_and_broken_unicode_are_refused(bad):
    for pairs in (((bad, "value"),), (("name", bad),)):
        with pytest.raises(InvalidRequest):
            Parameters.parse(pairs)


@requirement("GEN-04", "AUTHZ-13")
@pytest.mark.parametrize(("name", "limit"), [("scope", 4096), ("unknown", 4096), ("state", 2048)])
def test_a_value_has_a_longest_length_in_bytes(name, limit):
    assert Parameters.parse(((name, "a" * limit),)).get(name) == "a" * limit
    for too_long in ("a" * (limit + 1), "é" * (limit // 2 + 1)):
        with pytest.raises(InvalidRequest):
            Parameters.parse(((name, too_long),))


@requirement("GEN-04")
def test_a_name_has_a_longest_length():
    with pytest.raises(InvalidRequest):
        Parameters.parse((("a" * 4097, "x"),))


@requirement("GEN-05")
@pytest.mark.parametrize("name", sorted(SECRET_NAMES))
def test_a_credential_in_the_url_is_refused_even_where_it_is_empty(name):
    for value in ("secret", ""):
        with pytest.raises(InvalidRequest) as refusal:
            check_no_secret_in_query((("state", "s"), (name, value)))
        assert "secret" not in refusal.value.description


@requirement("GEN-05")
def test_code_and_state_may_travel_in_a_url():
    check_no_secret_in_query((("code", "c"), ("state", "s"), ("code_challenge", "x"), ("id_token_hint", "t")))
