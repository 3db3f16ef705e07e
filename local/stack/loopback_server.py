"""A threaded HTTP server on loopback that answers every request that it has read, also when its own code fails.

The one place that knows `http.server`: the demo app, the live view, recipes and simulated providers are made of it.
"""

import sys
import traceback
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

GONE = (ConnectionError, TimeoutError)


class LoopbackServer(ThreadingHTTPServer):
    """Listens once made. Connections wait in a long queue, so that a busy machine refuses none."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without asking the name service for our name, as HTTPServer does: that may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def stop(self) -> None:
        """Stop serving and free the port."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print an error of this server; a closed connection is not an error."""
        if not isinstance(sys.exception(), OSError):
            traceback.print_exc()


class LoopbackHandler(BaseHTTPRequestHandler):
    """One connection. An exception of a `do_` method is printed and answered with 500 where no response has begun."""

    protocol_version = "HTTP/1.1"
    timeout = 75
    _has_begun = False

    def handle_one_request(self) -> None:
        """The next request of this connection."""
        self._has_begun = False
        try:
            super().handle_one_request()
        except GONE:
            self.close_connection = True
        except Exception:  # noqa: BLE001 - the outermost frame of the thread: the caller still gets a response
            traceback.print_exc()
            self.close_connection = True
            if not self._has_begun:
                self.send_error(500, "This server failed", "Its terminal shows why.")

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin the response."""
        self._has_begun = True
        super().send_response(code, message)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing for a request."""


class FolderHandler(SimpleHTTPRequestHandler):
    """Serves the files of a folder, which no browser caches."""

    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        """Add the header that forbids caching."""
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing for a request."""
