"""The broker of the flow tests."""

from tests.flow.conftest import make_stack, parts, stack

__all__ = ["make_stack", "parts", "stack"]
