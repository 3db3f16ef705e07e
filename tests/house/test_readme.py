"""What the README shows is run as it stands."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.browser import Browser
from tests.flow.stack import Stack, own_parts

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A broker of its own."""
    with own_parts() as parts:
        yield Stack(parts)


def test_the_example_ends_with_the_providers_data(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 15
    client, _ = stack.client()

    def send_the_browser_to(url: str) -> str:
        browser = Browser(stack.netloc)
        left = stack.decide(browser, browser.get(url), provider="demo")
        return browser.get(stack.provider.sign_in(left.location, "alice")).location

    names = {
        "CLIENT_ID": client.client_id,
        "REDIRECT_URI": client.redirect_uris[0],
        "BROKER": stack.settings.issuer,
        "NOTES": stack.provider.url + "/api/notes",
        "send_the_browser_to": send_the_browser_to,
    }
    exec(compile(example, "README.md", "exec"), names)
    assert names["who"]["sub"] and names["notes"]["owner"] == "alice"  # type: ignore[index]


def test_every_command_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    import dev

    named = set(re.findall(r"dev\.py ([a-z]+)", README))
    assert {"demo", "test", "tour", "serve", "package", "broker"} <= named <= set(dev.COMMANDS)
    assert sys.version_info >= (3, 11)
