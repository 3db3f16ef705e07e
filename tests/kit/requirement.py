"""`@requirement("CODE-04")` says which lines of tests/requirements.toml a test proves."""

import pytest


def requirement(*ids: str) -> pytest.MarkDecorator:
    """Mark a test with the requirements it proves; read by tests/conftest.py and tests/repo/test_requirements.py."""
    return pytest.mark.requirement(*ids)
