"""The state of one simulated provider file, and what its endpoints compute from it."""

from collections.abc import Mapping

from chalicelib.providers.definition import ProviderDefinition, fill
from local.fake.faults import Faults
from local.fake.grants import Client, Family, Grants
from local.fake.id_token import new_keys
from local.fake.people import User
from local.fake.profile.lifetimes import life, manners
from local.fake.profile.places import Places
from local.fake.profile.values import choose_metadata, choose_variables
from local.fake.web import Received

LONG_LIFE_SECONDS = 60 * 86400


class ProfileState:
    """One provider file with its clients, grants and keys.

    file         the definition as it was read
    definition   the same with a value in each placeholder
    variables    values of the operator; metadata: values of every connection; both by name
    by_https     clients use https; only the browsers of their users use plain http
    url          its address for plain http; each path below it is /HOST/PATH
    """

    url: str

    def __init__(
        self,
        definition: ProviderDefinition,
        *,
        issuer: str | None = None,
        variables: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
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

    @property
    def faults(self) -> Faults:
        """What it shall do wrong."""
        return self.grants.faults

    @property
    def key_sets(self) -> dict[str, str]:
        """Its issuer, and where a browser finds the keys; empty where it has none."""
        jwks = self.places.jwks
        return {self.places.issuer: self.at_door(jwks)} if jwks else {}

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

    def here(self, url: str, received: Received) -> str:
        """A URL of the file as whoever sent this request reaches it."""
        return self.at_door(url) if received.door else url

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
