"""A small server beside the broker: the person for libraries in other processes, the pages of those in a browser."""

import mimetypes
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

Answerer = Callable[[str], str]


class Helper:
    """Listens on a port of its own, so that its pages are of another origin than the broker.

    answerers   by path: what is done with the body of a POST, and gives the answer; an error in it is answered as such
    pages       by path prefix: folders whose files a GET may have
    """

    def __init__(self) -> None:
        self.answerers: dict[str, Answerer] = {}
        self.pages: dict[str, Path] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()

    def find(self, path: str) -> Path | None:
        """The file behind a path; None where there is none, or it lies outside of its folder."""
        for prefix, folder in self.pages.items():
            if path.startswith(prefix):
                found = (folder / path.removeprefix(prefix)).resolve()
                return found if found.is_file() and found.is_relative_to(folder.resolve()) else None
        return None


def _handler(helper: Helper) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = helper.find(urlsplit(self.path).path)
            if found is None:
                self._send(404, b"not here", "text/plain")
            else:
                kind = "text/javascript" if found.suffix == ".mjs" else mimetypes.guess_type(found.name)[0]
                self._send(200, found.read_bytes(), kind or "application/octet-stream")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            try:
                self._send(200, helper.answerers[urlsplit(self.path).path](body).encode(), "text/plain")
            except Exception as error:  # noqa: BLE001 - it is told to whoever asked
                self._send(500, f"{type(error).__name__}: {error}".encode(), "text/plain")

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

    return Handler
