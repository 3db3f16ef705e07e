"""A console over the module's deployment, and what visits it: a browser of few words."""

import http.client
import json
import re
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest

from chalicelib.config import read_settings
from cli.console.command import start_console
from cli.console.server import ConsoleServer
from cli.deployment.operations import Deployment
from cli.main import build_parser
from tests.cli.conftest import Operator

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def csrf(self) -> str:
        """The token in its form."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.text)
        assert found, self.text
        return found[1]


@dataclass
class Visitor:
    """Sends what a browser sends: `headers` replace its own, and a header that is None is not sent."""

    server: ConsoleServer
    cookie: str = ""
    own: dict[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    @property
    def base(self) -> str:
        return self.server.console.session.base

    def send(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str | None] | None = None
    ) -> Answer:
        """One request to the port of the console, whatever it says of its host."""
        sent: dict[str, str | None] = {"Host": self.server.host, **self.own, "Cookie": self.cookie, **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body.encode() if body is not None else None)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Answer:
        """A page of the console."""
        return self.send("GET", self.base + path, headers=_named(headers))

    def post(self, path: str, form: dict[str, str], **headers: str | None) -> Answer:
        """A form as a browser sends it; `form` has its csrf or has not."""
        own: dict[str, str | None] = {"Origin": f"http://{self.server.host}", "Content-Type": FORM}
        return self.send("POST", self.base + path, urlencode(form), own | _named(headers))

    def submit(self, page: str, path: str, **form: str) -> Answer:
        """A form with the token of the page that shows it."""
        return self.post(path, {"csrf": self.get(page).csrf, **form})


def _named(headers: dict[str, str | None]) -> dict[str, str | None]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with two requests, one of them refused."""
    now = int(time.time())
    about = {"endpoint": "POST /token", "client_id": "f" * 32, "received": "<b>evil</b>"}
    lines = (
        {"at": now, "event": "request", "request_id": "answered-1", "route": "POST /token", "status": 200,
         "outcome": "answered", "milliseconds": 3.2, "start": "warm", "SignIns": 1},
        {"at": now, "event": "refused", "error": "invalid_grant", "reason": "code_replayed", "error_id": "refused-1",
         "request_id": "refused-1", "evidence": about},
        {"at": now, "event": "request", "request_id": "refused-1", "route": "POST /token", "status": 400,
         "outcome": "refused", "error": "invalid_grant", "reason": "code_replayed", "milliseconds": 2.0},
        {"at": now, "event": "alarm", "kind": "handout_limit", "whose": "user", "limit": 300},
    )  # fmt: skip
    file = tmp_path_factory.mktemp("log") / "broker.log"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


@pytest.fixture
def server(broker: Operator, log: Path) -> Iterator[ConsoleServer]:
    """A console that nobody has opened yet."""
    deployment = Deployment(read_settings(broker.environ))
    running = start_console(deployment, build_parser, Namespace(port=0, stack=None, log=str(log), log_group=None))
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def stranger(server: ConsoleServer) -> Visitor:
    """Without a session."""
    return Visitor(server)


@pytest.fixture
def visitor(stranger: Visitor) -> Visitor:
    """With the session of the printed link."""
    link = stranger.server.console.session.link
    opened = stranger.send("GET", link.removeprefix(stranger.server.console.session.origin))
    assert opened.status == 200, opened.text
    stranger.cookie = opened.headers["Set-Cookie"].partition(";")[0]
    return stranger
