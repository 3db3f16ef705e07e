"""A console over the module's deployment, with a log."""

import json
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.config import read_settings
from cli.console.command import start_console
from cli.console.server import ConsoleServer
from cli.deployment.operations import Deployment
from cli.main import build_parser
from tests.kit.cli.console_visitor import Visitor
from tests.kit.cli.operator import Operator


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
        {"at": now - 5, "event": "request", "request_id": "odd", "route": 7, "status": "?", "outcome": "other",
         "SignIns": "many", "HandOuts": 1e999},
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
