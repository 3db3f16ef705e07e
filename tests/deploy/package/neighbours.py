"""What a function talks to, in a process of its own: the embedded AWS, and the demo provider with any number of users.

`python -m tests.deploy.package.neighbours --users 1000` prints one line of JSON and ends when its standard input ends.
"""

import argparse
import http.client
import io
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from local.package.package import ROOT

CLIENT_ID, CLIENT_SECRET = "broker-at-demo", "a secret that only the demo provider knows"


@dataclass
class Neighbours:
    """Running neighbours.

    endpoint_url    where DynamoDB and KMS answer
    provider_port   where the provider listens, in plain HTTP
    provider_url    how it calls itself
    """

    process: "subprocess.Popen[str]"
    endpoint_url: str
    provider_port: int
    provider_url: str

    def visit(self, url: str, user: str = "alice") -> str:
        """Sign in at the provider without a browser: where it sends the browser."""
        parts = urlsplit(url)
        form = [*parse_qsl(parts.query, keep_blank_values=True), ("decision", user)]
        connection = http.client.HTTPConnection("127.0.0.1", self.provider_port, timeout=20)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", parts.path, urlencode(form), headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        location = answer.getheader("Location")
        if location is None:
            raise AssertionError(f"the provider answered {answer.status} and leads nowhere")
        return location

    def misbehave(self, at: str = "token", **faults: Any) -> None:
        """What the provider does wrong at one place from now on (local/fake/faults.py); nothing where none is named."""
        wanted = {"reset": True, "faults": {"at": [at], **faults}}
        connection = http.client.HTTPConnection("127.0.0.1", self.provider_port, timeout=20)
        connection.request("POST", "/_control", json.dumps(wanted), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != 200:
            raise AssertionError(f"the provider does not do that: {said.decode()}")

    def stop(self) -> None:
        """End the process."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


def start_neighbours(*, callback: str, provider_url: str = "", users: int = 0) -> Neighbours:
    """Start them; `callback` is our redirect URI at the provider."""
    command = [sys.executable, "-m", "tests.deploy.package.neighbours", "--callback", callback, "--users", str(users)]
    process = subprocess.Popen(
        [*command, "--provider-url", provider_url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError("the neighbours did not start")
    told: dict[str, Any] = json.loads(line)
    return Neighbours(process=process, **told)


def main(arguments: list[str] | None = None) -> None:
    """The process."""
    from local.fake.provider import start

    parser = argparse.ArgumentParser()
    parser.add_argument("--callback", required=True)
    parser.add_argument("--provider-url", default="")
    parser.add_argument("--users", type=int, default=0)
    options = parser.parse_args(arguments)
    endpoint_url, provider = start_aws(), start()
    provider.url = options.provider_url or provider.url
    provider.add_client(CLIENT_ID, CLIENT_SECRET, (options.callback,), "Token Broker")
    add_users(options.users)
    told = {"endpoint_url": endpoint_url, "provider_port": provider.port, "provider_url": provider.url}
    print(json.dumps(told), flush=True)
    sys.stdin.read()
    os._exit(0)  # what is stored is worth nothing, and taking it apart may take long


class KeepingFront(BaseHTTPRequestHandler):
    """The embedded AWS behind a server that keeps connections open, as AWS does; werkzeug ends each after one answer.

    A new connection for each call would be much of what a call costs, and nothing that happens when deployed.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    application: Any = None

    def do_POST(self) -> None:
        """One call, as a WSGI server makes it (PEP 3333)."""
        length = self.headers.get("Content-Length", "0")
        environ: dict[str, Any] = {
            f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()
        }
        environ |= {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.connection.getsockname()[1]),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": length,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.rfile.read(int(length))),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
        }
        begun: list[Any] = []
        content = b"".join(self.application(environ, lambda status, headers, _=None: begun.extend((status, headers))))
        self.send_response_only(int(begun[0].split()[0]))
        for name, value in begun[1]:
            if name.lower() not in ("connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Front(ThreadingHTTPServer):
    """A crowd may connect at one moment."""

    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up is no news."""


def start_aws() -> str:
    """The address of an embedded AWS with its tables and its key."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from cli.deployment.local_environment import use_local_credentials
    from local.stack.aws import serialise_dynamodb
    from local.stack.resources import create_key, create_tables

    use_local_credentials()
    serialise_dynamodb()
    application = DomainDispatcherApplication(create_backend_app)
    front = _Front(("127.0.0.1", 0), type("Front", (KeepingFront,), {"application": application}))
    threading.Thread(target=front.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{front.server_address[1]}"
    create_tables(address)
    create_key(address)
    return address


def add_users(count: int) -> None:
    """user-0, user-1, ... beside alice and bob."""
    from local.fake.people import USERS

    for number in range(count):
        login = f"user-{number}"
        USERS[login] = replace(USERS["alice"], login=login, sub=f"demo-{number:08x}", number=number)


if __name__ == "__main__":
    main()
