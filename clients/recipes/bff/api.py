"""An API of your own: the tasks of the user that the broker's access token names."""

import json
import os
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt

SCOPE = "tasks"


class Api(ThreadingHTTPServer):
    """Listens on a port of this machine; `trust` says which tokens it accepts."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Tasks)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.tasks: dict[str, list[str]] = defaultdict(list)

    def trust(self, issuer: str, audience: str) -> None:
        """Tokens of this issuer, for this API."""
        self._wanted = {"issuer": issuer, "audience": audience}
        self._keys = jwt.PyJWKClient(f"{issuer}/jwks")

    def check(self, header: str) -> dict[str, Any]:
        """The claims of a valid access token (RFC 9068). Raises PyJWTError."""
        token = header.removeprefix("Bearer ")
        key = self._keys.get_signing_key_from_jwt(token)
        found = jwt.decode_complete(token, key, algorithms=["ES256"], **self._wanted)
        claims: dict[str, Any] = found["payload"]
        if found["header"].get("typ") != "at+jwt" or SCOPE not in claims["scope"].split():
            raise jwt.InvalidTokenError
        return claims


class Tasks(BaseHTTPRequestHandler):
    server: Api
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            claims = self.server.check(self.headers.get("Authorization", ""))
        except jwt.PyJWTError:
            return self._answer(401, {"error": "invalid_token"})
        tasks = self.server.tasks[claims["sub"]]
        if self.command == "POST":
            tasks.append(str(json.loads(body)["text"]))
        return self._answer(200, {"tasks": tasks})

    do_POST = do_GET

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    api = Api(int(os.environ["PORT"]))
    api.trust(os.environ["BROKER"], os.environ.get("AUDIENCE", api.url))
    api.serve_forever()
