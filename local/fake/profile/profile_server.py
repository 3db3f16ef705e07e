"""A provider file as a running provider."""

import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.providers.definition import ProviderDefinition, fill
from local.browser import read_page
from local.fake.faults import Faults
from local.fake.grants import Client, Family, Grants
from local.fake.id_token import new_keys
from local.fake.people import User
from local.fake.profile import authorize, documents, identity, revocation, token
from local.fake.profile.cross_origin import allow_pages
from local.fake.profile.lifetimes import life, manners
from local.fake.profile.places import Places
from local.fake.profile.values import choose_metadata, choose_variables
from local.fake.server import Server
from local.fake.test_browser import Person
from local.fake.tls import make_authority
from local.fake.web import Answer, Received, json_answer
from local.stack.subscribers import Told

ADDRESS = "127.0.0.1"
LONG_LIFE_SECONDS = 60 * 86400


class RunningProfile:
    """One provider file, played on a port of loopback.

    https comes in for each host of the file by its name, with certificates of `ca_file`; plain http with the host as
    the first segment of the path. Both mean the same place, and each names addresses of its own kind.

    file         the definition as it was read
    definition   the same with a value in each placeholder
    variables    of the operator, metadata of every connection, by name
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
        self.file, self.by_https = definition, by_https
        self.variables, self.metadata = choose_variables(definition, variables or {}), choose_metadata(definition)
        self.metadata |= metadata or {}
        definition = self.definition = fill(definition, {**self.variables, **self.metadata})
        self.places = Places(definition, definition.issuer or issuer or f"https://{definition.provider_id}.example")
        self.algorithm = next(iter(definition.id_token_signing_alg_values_supported), "ES256")
        self.keys = new_keys(self.algorithm)
        self.grants = Grants(faults=manners(definition))
        self.requests: list[Received] = []
        self._folder = tempfile.TemporaryDirectory(prefix="fake-provider-")
        self.tls, self.ca_file = make_authority(self.places.hosts, Path(self._folder.name))
        self._server = Server((ADDRESS, port), self, self.tls)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def faults(self) -> Faults:
        """What it shall do wrong."""
        return self.grants.faults

    @property
    def port(self) -> int:
        """The port that was chosen."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Its door for plain http, /HOST/PATH below it."""
        return self._server.door

    @property
    def key_sets(self) -> dict[str, str]:
        """Its issuer, and where a browser finds the keys; empty where it has none."""
        jwks = self.places.jwks
        return {self.places.issuer: self.at_door(jwks)} if jwks else {}

    @property
    def targets(self) -> tuple[LocalTarget, ...]:
        """What a broker's fetcher needs to come here instead of to the real hosts."""
        ca_file = str(self.ca_file)
        return tuple(
            LocalTarget(host=host, port=443, address=ADDRESS, connect_port=self.port, plain_http=False, ca_file=ca_file)
            for host in self.places.hosts
        )

    def add_client(
        self,
        client_id: str,
        client_secret: str | None,
        redirect_uris: tuple[str, ...] | list[str] = ("*",),
        name: str = "",
        *,
        public_key: str | None = None,
    ) -> None:
        """Register an app; None as its secret makes it a public one, or one that signs."""
        client = Client(client_id, client_secret, tuple(redirect_uris), name or client_id, public_key)
        self.grants.clients[client_id] = client

    def watch(self, received: Callable[[Received], Told]) -> None:
        """Tell of every request from now on, and then of its answer."""
        self._server.watch = received

    def store(self, save: Callable[[], None]) -> None:
        """Call this before each response from now on."""
        self._server.save = save

    def locate(self, received: Received) -> str:
        """The URL that a request went to."""
        url = f"https://{received.host}{received.path}"
        return self.at_door(url) if received.door else url

    def at_door(self, url: str) -> str:
        """A URL of the file as the plain door has it."""
        return f"{self.url}/{url.removeprefix('https://')}"

    def count(self, endpoint: str) -> int:
        """How many requests an endpoint has received."""
        return sum(request.endpoint == endpoint for request in list(self.requests))

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

    def here(self, url: str, received: Received) -> str:
        """A URL of the file as whoever sent this request reaches it."""
        return self.at_door(url) if received.door else url

    def respond(self, received: Received) -> Answer:
        """Carry a request out."""
        answer = _ANSWERS.get(received.endpoint)
        found = answer(self, received) if answer else json_answer({"message": "Not Found"}, 404)
        return allow_pages(received, found)

    def begin(self, client: Client, user: User, asked: dict[str, str], scopes: frozenset[str]) -> Family:
        """The user said yes."""
        rules, now = self.definition.refresh, self.grants.now()
        hard = rules.hard_expiry_seconds
        return self.grants.begin(
            client,
            user,
            asked,
            scopes,
            openid=self.definition.is_openid,
            offline=rules.kind in ("static", "rotating"),
            lifetime=life(self.definition),
            prefix=f"{self.definition.provider_id}_",
            refresh_ends=None if hard is None else now + hard,
        )

    @property
    def long_life(self) -> int:
        """Of the token that an exchange gives, in seconds."""
        return self.definition.token.default_expires_seconds or LONG_LIFE_SECONDS

    def stop(self) -> None:
        """Close the port and forget the authority."""
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()


_ANSWERS: dict[str, Callable[[RunningProfile, Received], Answer]] = {
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
