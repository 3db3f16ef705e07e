"""The broker of the flow tests, as a server to be examined."""

from tests.kit.http.fixtures import make_stack, parts, stack

__all__ = ["make_stack", "parts", "stack"]
