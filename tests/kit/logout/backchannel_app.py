"""An app that receives back-channel logout tokens (OpenID Connect Back-Channel Logout 1.0)."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.jobs.runner import JobResult, run_due_jobs
from chalicelib.records.job import Job
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, start_session
from tests.kit.logout.browser_logout import log_out

HOST = "rp.example"


class App:
    """An app's own server: what it was told, and what it says to that."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, str]]] = []
        self.says, self.body = 200, b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
                outer.told.append((self.path, dict(parse_qsl(body))))
                self.send_response(outer.says)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def uri(self, name: str = "told") -> str:
        return f"http://{HOST}:{self.port}/{name}"

    def tokens(self, stack: Stack) -> list[dict[str, Any]]:
        """The claims of every logout token, each verified by another's library as an app would."""
        keys = {one["kid"]: jwt.PyJWK(one) for one in stack.get("/jwks").json["keys"]}
        found = []
        for _, form in self.told:
            assert form.keys() == {"logout_token"}
            header = jwt.get_unverified_header(form["logout_token"])
            key, options = keys[header["kid"]], {"verify_aud": False, "verify_exp": False, "verify_iat": False}
            claims = jwt.decode(form["logout_token"], key, algorithms=["ES256"], options=options)
            found.append({**claims, "typ": header["typ"]})
        return found


@pytest.fixture
def app() -> Iterator[App]:
    found = App()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def wired(stack: Stack, app: App) -> Stack:
    """The fetcher may reach the app's server on this machine."""
    stack.targets.append(LocalTarget(host=HOST, port=app.port, address="127.0.0.1"))
    stack.restart()
    return stack


def sign_in(stack: Stack, app: App, name: str = "told", **fields: Any) -> Session:
    return start_session(stack, **{"backchannel_logout_uri": app.uri(name), **fields})


def leave(session: Session) -> None:
    """The user signs out, at this app's wish."""
    answer = log_out(session.sign_in.browser, id_token_hint=session.tokens["id_token"])
    assert answer.status == 200 and "You’re signed out" in answer.body


def run(stack: Stack) -> list[JobResult]:
    return [one for one in run_due_jobs(stack.broker) if one.job.kind == "sign_out"]


def jobs(stack: Stack) -> list[Job]:
    return [job for job in stack.deployment.scan("JOB#", Job) if job.kind == "sign_out"]
