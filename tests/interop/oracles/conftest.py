"""The broker of the flow tests, seen by clients and providers that know nothing of it."""

import pytest

from tests.kit.http.fixtures import make_stack, parts, stack

__all__ = ["make_stack", "parts", "stack"]


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries want https even on loopback, unless told."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "0")
    monkeypatch.setenv("NO_PROXY", "*")
