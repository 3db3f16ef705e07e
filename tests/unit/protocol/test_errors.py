"""Refusals: fixed sentences from the allowed characters."""

import inspect
import re

import pytest

from chalicelib.protocol import errors
from tests.kit.requirement import requirement

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.OAuthError)]


@requirement("GEN-07")
@pytest.mark.parametrize("kind", CLASSES)
def test_code_and_description_are_of_the_allowed_characters(kind):
    allowed = r"[\x20-\x21\x23-\x5b\x5d-\x7e]+"
    assert re.fullmatch(r"[a-z_]+", kind.code)
    assert re.fullmatch(allowed, kind.description)
    assert 400 <= kind.status < 600


@requirement("GEN-07")
@pytest.mark.parametrize("kind", CLASSES)
def test_what_the_client_sees_does_not_depend_on_the_private_reason(kind):
    refusal = kind("a_private_reason")
    assert (refusal.code, refusal.description) == (kind.code, kind.description)
    assert "a_private_reason" not in refusal.description
    assert refusal.members == {}
