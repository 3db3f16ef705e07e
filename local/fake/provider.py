"""A demo provider: OpenID Connect and OAuth 2.0 on loopback, deliberately awkward so that nobody over-fits to it.

What is awkward, each as some real provider does it: tokens come form-encoded unless JSON is asked for; granted scopes
are separated by commas; refresh tokens come only with `access_type=offline` (or `offline_access`), rotate, and end
everything when one is used twice; access tokens live two minutes; PKCE S256 is demanded; the API refuses a request
without User-Agent. `faults` adds what only a broken or hostile provider does. Its parts are in `local/fake/`.
"""

import threading
from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import parse_qsl, urlencode, urlsplit

from local.fake import demo_api, demo_oauth
from local.fake.demo_site import NOTES, DemoSite
from local.fake.provider_state import ProviderState
from local.fake.server import Server
from local.fake.simulation import Told
from local.fake.web import FORM, Answer, Received, json_answer

_ENDPOINTS = {
    "/": "home",
    "/.well-known/openid-configuration": "discovery",
    "/jwks": "jwks",
    "/authorize": "authorize",
    "/token": "token",
    "/userinfo": "userinfo",
    "/revoke": "revoke",
}
_ANSWERS: dict[str, Callable[[ProviderState, Received], Answer]] = {
    "home": demo_oauth.answer_home,
    "discovery": demo_oauth.answer_discovery,
    "jwks": demo_oauth.answer_jwks,
    "authorize": demo_oauth.answer_authorize,
    "token": demo_oauth.answer_token,
    "userinfo": demo_oauth.answer_userinfo,
    "revoke": demo_oauth.answer_revoke,
    "api": demo_api.answer_things,
}


class RunningProvider(ProviderState):
    """A provider on a port of its own."""

    def __init__(self, host: str, port: int, site: DemoSite = NOTES) -> None:
        super().__init__(site)
        self._endpoints = {**_ENDPOINTS, f"/api/{site.things}": "api"}
        self._server = Server((host, port), self)
        self.url = f"http://{host}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        """The port that was chosen."""
        return self._server.server_port

    def watch(self, received: Callable[[Received], Told]) -> None:
        """Tell of every request from now on, and then of its answer."""
        self._server.watch = received

    def store(self, save: Callable[[], None]) -> None:
        """Call this before each response from now on."""
        self._server.save = save

    def place(self, host: str, path: str, method: str, *, door: str) -> tuple[str, str, str]:
        """Its paths alone tell what is asked for."""
        return host, path, self._endpoints.get(path, "")

    def respond(self, received: Received) -> Answer:
        """Carry a request out."""
        answer = _ANSWERS.get(received.endpoint)
        return answer(self, received) if answer else json_answer({"message": "Not Found"}, 404)

    def sign_in(self, authorization_url: str, decision: str = "alice") -> str:
        """Click through the page without a browser: where the browser would be sent next.

        decision   alice, bob or refuse
        """
        parts = urlsplit(authorization_url)
        form = [*parse_qsl(parts.query, keep_blank_values=True), ("decision", decision)]
        connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
        try:
            connection.request("POST", parts.path, body=urlencode(form), headers={"Content-Type": FORM})
            answer = connection.getresponse()
            answer.read()
            location = answer.getheader("Location")
        finally:
            connection.close()
        if location is None:
            raise RuntimeError(f"the provider answered {answer.status} and sends the browser nowhere")
        return location

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


def start(port: int = 0, host: str = "127.0.0.1", site: DemoSite = NOTES) -> RunningProvider:
    """Start a provider; port 0 takes a free one."""
    return RunningProvider(host, port, site)
