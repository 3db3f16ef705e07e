"""A broker per test, as the flows have it."""

from tests.kit.http.fixtures import make_stack, parts, stack

__all__ = ["make_stack", "parts", "stack"]
