"""What a call through the proxy costs more than a direct one, and beside a hand-out followed by a direct one."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.broker import MeteredApp, broker_beside, call_through
from bench.clock import Meter, middle
from chalicelib.routes import create_app
from tests.deploy.package.sign_in import SignIn
from tests.deploy.package.world import World

# The demo provider's tokens live two minutes: a sign-in anew well before one has to be refreshed.
ROUNDS_OF_ONE_SIGN_IN = 20


@dataclass(frozen=True)
class Ways:
    """Median CPU microseconds: the app's direct call, what the broker spends on a proxied one, and on a hand-out."""

    direct: float
    proxied: float
    handed_out: float

    @property
    def overhead(self) -> float:
        """The proxied call less the direct one that it holds."""
        return self.proxied - self.direct


class Proxy:
    """An app that reads its user's notes in two ways, by turns."""

    def __init__(self, world: World) -> None:
        broker = broker_beside(world)
        self.world = world
        self.app = MeteredApp(create_app(lambda: broker))
        self.door = world.door(self.app)

    def measure(self, rounds: int) -> Ways:
        """Both ways `rounds` times."""
        taken: list[tuple[float, float, float]] = []
        for begun in range(0, rounds, ROUNDS_OF_ONE_SIGN_IN):
            sign_in = self.world.sign_in(self.door)
            ours = sign_in.run()["access_token"]
            call_through(self.door, ours)
            taken += [self._round(sign_in, ours) for _ in range(min(ROUNDS_OF_ONE_SIGN_IN, rounds - begun))]
        direct, proxied, handed_out = (middle(column) for column in zip(*taken, strict=True))
        return Ways(direct=direct, proxied=proxied, handed_out=handed_out)

    def _round(self, sign_in: SignIn, ours: str) -> tuple[float, float, float]:
        handed_out = self._spent(lambda: sign_in.hand_out(ours))
        theirs = sign_in.hand_out(ours)["access_token"]
        with Meter() as meter:
            self._call_directly(theirs)
        proxied = self._spent(lambda: call_through(self.door, ours))
        return meter.microseconds, proxied, handed_out

    def _spent(self, act: Callable[[], object]) -> float:
        self.app.take()
        act()
        return self.app.take()

    def _call_directly(self, token: str) -> None:
        """As `http.client` makes it, on a connection of its own, as the broker's is."""
        parts = urlsplit(f"{self.world.neighbours.provider_url}/api/notes")
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=8)
        headers = {"Authorization": f"Bearer {token}", "Accept": "*/*", "User-Agent": "an app"}
        connection.request("GET", parts.path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the API answered {answer.status}")
