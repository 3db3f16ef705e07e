"""A terminal's clock may be wrong: marks are set by the table's."""

import json
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from cli.deployment.aws import BotoTransport, TableClock
from cli.deployment.local_environment import use_local_credentials
from tests.kit.requirement import requirement


@pytest.fixture
def elsewhere() -> Iterator[tuple[HTTPServer, list[float]]]:
    """A table whose clock shows so much more than this machine's."""
    ahead = [0.0]

    class Table(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"TableNames": []}).encode()
            self.send_response_only(200)
            self.send_header("Date", formatdate(time.time() + ahead[0], usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Table)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server, ahead
    server.shutdown()
    server.server_close()


@requirement("OPS-02")
@pytest.mark.parametrize("seconds", [0, 700, -700])
def test_the_time_is_the_tables(elsewhere: tuple[HTTPServer, list[float]], seconds: int) -> None:
    use_local_credentials()
    server, ahead = elsewhere
    ahead[0] = seconds
    transport = BotoTransport("dynamodb", endpoint_url=f"http://127.0.0.1:{server.server_port}")
    clock = TableClock(transport)
    assert transport.ahead == 0
    transport.call("ListTables", {})
    assert abs(transport.ahead - seconds) <= 2
    assert abs(clock.now() - time.time() - transport.ahead) <= 1
