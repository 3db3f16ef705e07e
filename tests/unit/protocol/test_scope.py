"""Scopes: words, sets, and whose they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.errors import InvalidScope
from chalicelib.protocol.scope import parse_scope, serialize, split_by_provider
from tests.kit.requirement import requirement

PROVIDERS = frozenset({"github", "google"})
WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1, max_size=20)


@requirement("AUTHZ-10")
@pytest.mark.parametrize(
    "value",
    ['a"b', "a\\b", "a\tb", "a\nb", "a\x00", "a\x7f", "é", "a  b", " a", "a ", " ", "a\u00a0b", "openid\n", "\u202ea"],
)
def test_words_of_other_characters_are_refused(value):
    with pytest.raises(InvalidScope):
        parse_scope(value)


@requirement("AUTHZ-10", "GEN-04")
def test_fifty_words_are_the_most():
    assert len(parse_scope(" ".join(f"s{number}" for number in range(50)))) == 50
    with pytest.raises(InvalidScope):
        parse_scope(" ".join(f"s{number}" for number in range(51)))
    with pytest.raises(InvalidScope):
        parse_scope(" ".join(["openid"] * 51))


@requirement("AUTHZ-10", "GEN-02")
def test_absent_is_the_empty_set_and_order_and_repetition_mean_nothing():
    assert parse_scope(None) == parse_scope("") == frozenset()
    assert parse_scope("b a b") == parse_scope("a b") == {"a", "b"}


@requirement("AUTHZ-10")
@given(st.frozensets(WORD, max_size=50))
def test_a_set_of_scopes_survives_its_one_spelling(scopes):
    assert parse_scope(serialize(scopes)) == scopes
    assert serialize(scopes) == serialize(sorted(scopes, reverse=True))


@requirement("AUTHZ-10")
def test_only_the_first_colon_behind_a_known_provider_separates():
    scopes = {
        "openid",
        "github:repo",
        "google:https://www.googleapis.com/auth/drive.readonly",
        "orders:read",
        "x:github:a",
    }
    assert split_by_provider(scopes, PROVIDERS) == {
        "": {"openid", "orders:read", "x:github:a"},
        "github": {"repo"},
        "google": {"https://www.googleapis.com/auth/drive.readonly"},
    }


@requirement("AUTHZ-10")
def test_a_word_that_only_resembles_a_provider_is_not_the_providers():
    scopes = {"github", "GitHub:repo", "github2:repo", ":repo"}
    assert split_by_provider(scopes, PROVIDERS) == {"": scopes}


@requirement("AUTHZ-10")
def test_a_prefix_without_a_scope_is_refused():
    with pytest.raises(InvalidScope):
        split_by_provider({"github:"}, PROVIDERS)
