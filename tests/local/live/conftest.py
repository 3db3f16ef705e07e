"""A demo with a live view, and what was captured of a whole life without a browser."""

import io
from collections.abc import Iterator

import pytest

from cli.deployment.local_environment import LOCAL
from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.live_view.server import LiveServer
from local.demo.tour import walk
from local.demo.tour_steps import Tour
from local.live.details import show_details
from local.live.exchange import Exchange
from local.terminal import Terminal
from tests.local.live.shown_exchange import Opened


@pytest.fixture(scope="module")
def stack() -> Iterator[DemoStack]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LOCAL.items():
            patch.setenv(name, value)
        running = start_demo(io.StringIO(), free_ports=True, live=True)
        yield running
        running.stop()


@pytest.fixture(scope="module")
def live(stack: DemoStack) -> LiveServer:
    assert stack.live
    return stack.live


@pytest.fixture(scope="module")
def toured(stack: DemoStack, live: LiveServer) -> list[Exchange]:
    """All exchanges of the ten steps of the tour: sign-in, hand-out, proxy, a second account, taking it back."""
    before = len(live.recorder.all())
    assert walk(Tour(stack, Terminal(io.StringIO())))
    return live.recorder.all()[before:]


@pytest.fixture(scope="module")
def opened(live: LiveServer) -> Opened:
    """What the page gets of one exchange."""
    return lambda exchange: show_details(exchange, live.recorder.all(), live.key_sets)
