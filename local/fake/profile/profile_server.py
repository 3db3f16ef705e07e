"""A provider file as a running provider."""

import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.providers.definition import ProviderDefinition
from local.browser import read_page
from local.fake.profile import authorize, documents, identity, revocation, token
from local.fake.profile.cross_origin import allow_pages
from local.fake.profile.profile_state import ProfileState
from local.fake.server import Server
from local.fake.simulation import Told
from local.fake.test_browser import Person
from local.fake.tls import make_authority
from local.fake.web import Answer, Received, json_answer

ADDRESS = "127.0.0.1"


class RunningProfile(ProfileState):
    """One provider file, played on a port of loopback.

    https comes in for each host of the file by its name, with certificates of `ca_file`; plain http with the host as
    the first segment of the path. Both mean the same place, and each names addresses of its own kind.

    by_https     clients reach it by https, and only their users' browsers come through the plain door
    """

    def __init__(
        self,
        definition: ProviderDefinition,
        *,
        issuer: str | None = None,
        variables: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
        port: int = 0,
        by_https: bool = False,
    ) -> None:
        super().__init__(definition, issuer=issuer, variables=variables, metadata=metadata, by_https=by_https)
        self._folder = tempfile.TemporaryDirectory(prefix="fake-provider-")
        self.tls, self.ca_file = make_authority(self.places.hosts, Path(self._folder.name))
        self._server = Server((ADDRESS, port), self, self.tls)
        self.url = self._server.door
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        """The port that was chosen."""
        return self._server.server_port

    @property
    def targets(self) -> tuple[LocalTarget, ...]:
        """What a broker's fetcher needs to come here instead of to the real hosts."""
        ca_file = str(self.ca_file)
        return tuple(
            LocalTarget(host=host, port=443, address=ADDRESS, connect_port=self.port, plain_http=False, ca_file=ca_file)
            for host in self.places.hosts
        )

    def watch(self, received: Callable[[Received], Told]) -> None:
        """Tell of every request from now on, and then of its answer."""
        self._server.watch = received

    def store(self, save: Callable[[], None]) -> None:
        """Call this before each response from now on."""
        self._server.save = save

    def person(self) -> Person:
        """A browser that finds the hosts of the file here."""
        return Person(dict.fromkeys(self.places.hosts, (ADDRESS, self.port)), self.ca_file)

    def sign_in(self, authorization_url: str, decision: str = "alice") -> str:
        """Click through the page: where the browser is sent next. A form for the app becomes its URL with a query."""
        answer = self.person().decide(authorization_url, decision)
        forms = read_page(answer.text).forms
        if answer.location or not forms:
            return answer.location
        return f"{forms[0].action}?{urlencode(forms[0].fields)}"

    def place(self, host: str, path: str, method: str, *, door: str) -> tuple[str, str, str]:
        """Through the plain door the host is the first segment of the path."""
        if door:
            host, _, rest = path.removeprefix("/").partition("/")
            path = f"/{rest}"
        return host, path, self.places.role(host, path, method)

    def respond(self, received: Received) -> Answer:
        """Carry a request out."""
        answer = _ANSWERS.get(received.endpoint)
        found = answer(self, received) if answer else json_answer({"message": "Not Found"}, 404)
        return allow_pages(received, found)

    def stop(self) -> None:
        """Close the port and forget the authority."""
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()


_ANSWERS: dict[str, Callable[[ProfileState, Received], Answer]] = {
    "authorize": authorize.answer,
    "token": token.answer,
    "discovery": documents.answer_discovery,
    "jwks": documents.answer_jwks,
    "userinfo": identity.answer_userinfo,
    "metadata": identity.answer_metadata,
    "emails": identity.answer_emails,
    "revoke": revocation.answer,
    "api": identity.answer_api,
}
