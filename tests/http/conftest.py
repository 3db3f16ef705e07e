"""A broker per test, for all requests over HTTP."""

from tests.kit.http.fixtures import api, make_stack, parts, proxied, site, stack

__all__ = ["api", "make_stack", "parts", "proxied", "site", "stack"]
