"""The broker of the flow tests."""

import pytest

from tests.interop.conformance.party import Party
from tests.kit.http.fixtures import make_stack, parts, stack
from tests.kit.http.stack import Stack

__all__ = ["make_stack", "parts", "stack"]


@pytest.fixture
def party(stack: Stack) -> Party:
    """A relying party as the suite's static client is: client_secret_basic."""
    return Party(stack)
