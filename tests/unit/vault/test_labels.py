"""How an account is called."""

from typing import Any

import pytest

from chalicelib.vault.rules.account_label import LONGEST, label_of


@pytest.mark.parametrize(
    ("profile", "label"),
    [
        ({}, ""),
        ({"preferred_username": "octocat", "email": "o@example.org", "name": "Octo"}, "octocat"),
        ({"preferred_username": "  ", "email": "o@example.org", "name": "Octo"}, "o@example.org"),
        ({"email": None, "name": "Octo\n Cat"}, "Octo Cat"),
        ({"preferred_username": 7, "email": ["o@example.org"], "nickname": "o"}, "o"),
        ({"sub": "secret", "picture": "https://example.org"}, ""),
    ],
)
def test_the_first_that_says_anything(profile: dict[str, Any], label: str) -> None:
    assert label_of(profile) == label


def test_a_label_has_an_end() -> None:
    assert len(label_of({"name": "x" * 500})) == LONGEST
