"""Who asks is told by what browsers say of themselves, else by what is asked for."""

import pytest

from local.fake.web import Received
from local.live.exchange import Lane
from local.live.taps import caller_of_broker, caller_of_provider

TOKEN = ("Authorization", "Bearer x")


@pytest.mark.parametrize(
    ("method", "target", "headers", "lane"),
    [
        ("GET", "/authorize?state=x", (("Sec-Fetch-Mode", "navigate"),), "browser"),
        ("POST", "/token", (("Sec-Fetch-Mode", "cors"),), "app"),
        ("GET", "/style.css", (("Sec-Fetch-Mode", "no-cors"),), None),
        ("OPTIONS", "/token", (("Sec-Fetch-Mode", "cors"),), None),
        ("GET", "/authorize?state=x", (), "browser"),
        ("GET", "/callback/demo?code=x", (), "browser"),
        ("POST", "/connect", (TOKEN,), "app"),
        ("GET", "/connect/sealed", (), "browser"),
        ("POST", "/token", (("User-Agent", "curl/8"),), "app"),
        ("GET", "/jwks", (("User-Agent", "live-view"),), None),
        ("POST", "/token", (("User-Agent", "live-view/replay.1"),), "app"),
    ],
)
def test_who_asks_the_broker(method: str, target: str, headers: tuple[tuple[str, str], ...], lane: Lane | None) -> None:
    assert caller_of_broker(method, target, headers) == lane


@pytest.mark.parametrize(
    ("endpoint", "headers", "lane"),
    [
        ("token", {"user-agent": "token-broker"}, "broker"),
        ("api", {"user-agent": "token-broker"}, "broker"),
        ("authorize", {"sec-fetch-mode": "navigate"}, "browser"),
        ("api", {"sec-fetch-mode": "cors"}, "app"),
        ("api", {"user-agent": "curl/8"}, "app"),
        ("home", {"sec-fetch-mode": "no-cors"}, None),
        ("jwks", {"user-agent": "live-view"}, None),
    ],
)
def test_who_asks_the_provider(endpoint: str, headers: dict[str, str], lane: Lane | None) -> None:
    received = Received(method="GET", path="/", endpoint=endpoint, query={}, form={}, headers=headers)
    assert caller_of_provider(received) == lane
