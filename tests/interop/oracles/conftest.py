"""The broker of the flow tests, seen by clients and providers that know nothing of it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.oracles.provider_sign_in import introduce
from tests.kit.http.fixtures import make_stack, parts, stack
from tests.kit.http.stack import Stack

__all__ = ["make_stack", "parts", "stack"]


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries want https even on loopback, unless told."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "0")
    monkeypatch.setenv("NO_PROXY", "*")


PROVIDERS = ("local/providers", "tests/interop/oracles/providers")


@pytest.fixture(scope="module")
def openid_mock() -> Iterator[str]:
    """The issuer of oidc-provider-mock."""
    mock = pytest.importorskip("oidc_provider_mock", reason="oidc-provider-mock is not installed for this Python")
    claims = {"name": "Carol Mock", "email": "carol@mock.example", "email_verified": True}
    with mock.run_server_in_thread(user_claims=[mock.User(sub="carol", claims=claims)]) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def toolkit(make_stack: Callable[..., Stack], tmp_path: Path) -> Iterator[tuple[Stack, str]]:
    """A broker that knows Django OAuth Toolkit, and the latter's address."""
    pytest.importorskip("oauth2_provider", reason="Django OAuth Toolkit is not installed for this Python")
    stack = make_stack(provider_dirs=PROVIDERS)
    callback = f"{stack.settings.issuer}/callback/toolkit"
    command = [sys.executable, "-m", "tests.interop.oracles.toolkit", str(tmp_path), callback]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            ready = json.loads(process.stdout.readline())
            introduce(stack, "toolkit", ready["url"], "127.0.0.1", ready["client_id"], ready["client_secret"])
            yield stack, ready["url"]
        finally:
            process.terminate()
