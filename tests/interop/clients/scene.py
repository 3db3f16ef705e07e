"""What a library finds when it comes to us: a broker that runs, apps that are registered there, and a person."""

import threading
from functools import cached_property
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any

import requests
import uvicorn

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.adapters.process.system import SystemClock
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from demo.mcp.guard import Guard
from demo.mcp.notes import PATH, READ, WRITE, build_app
from local.stack.ports import bind, port_of
from tests.interop.clients.apps import OPEN, Apps
from tests.interop.clients.helper import Helper
from tests.kit.http.documents import Site
from tests.kit.http.stack import APP, Parts, Stack
from tests.kit.person import Person, without_query

SETTINGS: dict[str, Any] = {
    "registration": "open",
    "open_registration_scopes": frozenset({*OPEN.split(), READ, WRITE}),
    "client_id_documents": True,
    "device_poll_seconds": 1,
    "dpop_nonce": "required",
}


class Scene(Apps):
    """A broker of its own, under the real clock: others' libraries read no other.

    callback   the redirect URI of its apps: a page of the helper, or an address where nobody is
    server     the address of an MCP server, which is all that an MCP client is told
    """

    def __init__(self, parts: Parts, page: str = "") -> None:
        self.helper, self._folder = Helper(), TemporaryDirectory()
        self.site = Site(Path(self._folder.name))
        listener = bind("127.0.0.1", 0)
        self.server = f"http://127.0.0.1:{port_of(listener)}{PATH}"
        self.stack = Stack(parts, **SETTINGS, open_registration_resources=frozenset({self.server}))
        port = int(self.helper.url.rpartition(":")[2])
        self.stack.targets += [*self.site.targets(), LocalTarget(host="127.0.0.1", port=port, address="127.0.0.1")]
        self.stack.clock = SystemClock()  # type: ignore[assignment]
        self.stack.restart()
        self.alice = Person(self.stack)
        self.issuer = self.stack.settings.issuer
        self.callback = f"{self.helper.url}{page}" if page else APP
        self.notes = f"{self.stack.provider.url}/api/notes"
        self.helper.answerers |= {"/person": self.person, "/device": self.device, "/leave": self.leave}
        self._serve(listener)

    def _serve(self, listener: socket) -> None:
        """The MCP server of docs/mcp.md, which asks the broker about every token."""
        create_resource(self.stack.deployment, Resource(audience=self.server, scopes=frozenset({READ, WRITE})))
        api = self.app(
            grant_types=frozenset(),
            redirect_uris=(),
            token_endpoint_auth_method="client_secret_basic",
            serves=frozenset({self.server}),
        )
        guard = Guard(
            resource=self.server, issuer=self.issuer, scopes=(READ,), introspect_as=(api.client_id, api.secret)
        )
        config = uvicorn.Config(build_app(guard), log_level="error", lifespan="on")
        self._mcp = uvicorn.Server(config)
        threading.Thread(target=self._mcp.run, kwargs={"sockets": [listener]}, daemon=True).start()

    def stop(self) -> None:
        """Close what was opened."""
        self._mcp.should_exit = True
        self.helper.stop()
        self.site.stop()
        self._folder.cleanup()

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The document that the broker publishes."""
        answer = requests.get(f"{self.issuer}/.well-known/oauth-authorization-server", timeout=10)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def person(self, authorization_url: str) -> str:
        """What a person does in the browser: the URL at which the app is called back."""
        assert authorization_url.startswith(f"{self.issuer}/authorize?"), authorization_url
        found = self.alice.sign_in(authorization_url)
        assert without_query(found) == self.callback, found
        return found

    def device(self, verification_uri: str) -> str:
        """What a person does with the address that a device shows."""
        said = self.alice.approve(verification_uri)
        assert "You’re signed in on your device" in said, said[-500:]
        return "approved"

    def leave(self, end_session_url: str) -> str:
        """What a person's browser does when the app signs it out: the URL at which it ends."""
        assert end_session_url.startswith(self.metadata["end_session_endpoint"] + "?"), end_session_url
        return self.alice.leave(end_session_url)

    def tell(self) -> str:
        """What the app is sent, in a job of the broker's, once its user has signed out."""
        heard: list[str] = []
        self.helper.answerers["/told"] = lambda body: heard.append(body) or ""
        list(run_due_jobs(self.stack.broker))
        (body,) = heard
        return body
