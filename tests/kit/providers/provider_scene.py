"""A broker to which one simulated provider is switched on, with an app and its user."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import pytest

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, provider_item_key
from chalicelib.records.provider import ProviderRecord
from local.browser import Exchange, query_of
from local.fake.profile.profile_server import RunningProfile
from local.trial.app import REDIRECT_URI, TrialApp
from local.trial.steps import Trial, prepare
from local.trial.workshop import Workshop
from tests.kit.http.stack import challenge

VERIFIER = "a-verifier-of-the-app-of-43-characters-and-more"


@dataclass
class Scene:
    """One provider, one broker that knows it, one app and its user."""

    trial: Trial
    provider_id: str

    @property
    def app(self) -> TrialApp:
        return self.trial.app

    @property
    def player(self) -> RunningProfile:
        return self.trial.player

    @property
    def record(self) -> ProviderRecord:
        """Our registration as it stands."""
        place = provider_item_key(self.provider_id)
        found = self.trial.broker.store.read(place).get(place)
        assert found is not None
        return found

    def set_variables(self, **variables: str) -> None:
        """As if the file had been changed since the operator set them: nothing checks them here."""
        changed = msgspec.structs.replace(self.record, variables=variables)
        self.trial.shop.deployment.put_fields(provider_item_key(self.provider_id), changed, "variables")
        self.trial.shop.clock.advance(11)  # older than any cache

    def connection(self) -> Connection:
        """The one of this app and user, as it is stored."""
        place = connection_item_key(self.trial.app.hand_out()["connection_id"])
        found = self.trial.broker.store.read(place).get(place)
        assert found is not None
        return found

    def parameters(self) -> dict[str, str]:
        """Of the app's authorization request."""
        return {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": self.app.scope,
            "state": "s",
            "prompt": "login",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            "provider": self.provider_id,
        }

    def authorize(self) -> Exchange:
        """The broker's page."""
        return self.app.person.get(f"{self.app.issuer}/authorize?{urlencode(self.parameters())}")

    def leave(self) -> str:
        """Allow: the provider's URL to which the broker sends the browser."""
        answer = self.authorize()
        return (self.app.person.submit(answer, "decision", "allow") if answer.status == 200 else answer).location

    def come_back(self, decision: str = "alice", **changed: str | None) -> Exchange:
        """Sign in at the provider and come back, with parameters of the callback changed, added or left out."""
        callback = self.app.person.decide(self.leave(), decision).location
        asked = {**dict(parse_qsl(urlsplit(callback).query)), **changed}
        given = {name: value for name, value in asked.items() if value is not None}
        return self.app.person.get(f"{callback.partition('?')[0]}?{urlencode(given)}")

    def asked(self) -> list[str]:
        """METHOD host/path of every request that the provider got."""
        return [f"{one.method} {one.host}{one.path}" for one in self.player.requests]

    def redeem(self, answer: Exchange) -> None:
        """The app gets its tokens for the code that it was sent."""
        told = query_of(answer.location)
        assert "code" in told, (answer.status, answer.location, answer.text[:300])
        form = {"grant_type": "authorization_code", "code": told["code"], "redirect_uri": REDIRECT_URI}
        self.app.tokens = self.app.token({**form, "code_verifier": VERIFIER})


Stage = Callable[..., Scene]


def error_of(answer: Exchange) -> str:
    """The registered error that an app is sent."""
    return query_of(answer.location).get("error", "")


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    """Embedded AWS and a gateway."""
    made = Workshop()
    yield made
    made.close()


@pytest.fixture
def stage(shop: Workshop) -> Iterator[Callable[..., Scene]]:
    """Play a file and switch it on."""
    players: list[RunningProfile] = []

    def make(definition: ProviderDefinition, variables: Mapping[str, str] | None = None, **options: Any) -> Scene:
        players.append(RunningProfile(definition, variables=variables, **options))
        return Scene(prepare(shop, players[-1]), definition.provider_id)

    yield make
    for player in players:
        player.stop()
