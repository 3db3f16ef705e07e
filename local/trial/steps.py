"""The steps of a trial: sign-in, hand-out, refresh, hand-out again, revoke. Each says in words what it saw."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.ports import Broker
from chalicelib.providers.definition import ProviderDefinition
from cli.deployment.operations import set_provider
from local.fake.profile.profile_server import RunningProfile
from local.fake.profile.registration import register
from local.trial.app import TrialApp, TrialFailed, register_app
from local.trial.workshop import Workshop

CLIENT_ID = "trial-registration"
MORE_SCOPES = 3


@dataclass(frozen=True)
class Outcome:
    """One step; `said` is what was seen, or why it failed."""

    step: str
    passed: bool
    said: str


@dataclass
class Trial:
    """One provider in a workshop."""

    shop: Workshop
    player: RunningProfile
    broker: Broker
    app: TrialApp
    token: dict[str, Any] = field(default_factory=dict)

    @property
    def definition(self) -> ProviderDefinition:
        """The file."""
        return self.player.definition

    def sign_in(self) -> str:
        """Through both pages; the user is who signed in there."""
        self.app.sign_in()
        return f"alice, {self.player.count('token')} request to the token endpoint"

    def hand_out(self) -> str:
        """What the broker hands out opens the provider's API as this user."""
        self.token = self.app.hand_out()
        status, who = self._call_api()
        if status != 200 or who != "alice":
            raise TrialFailed(f"the API answers {status} to the token that was handed out")
        ends = self.token.get("expires_in")
        return f"the API knows alice; the token ends {'never' if ends is None else f'in {ends} s'}"

    def refresh(self) -> str:
        """Once it has ended, the next hand-out brings another one, by one request to the provider."""
        rules, ends = self.definition.refresh, self.token.get("expires_in")
        if rules.kind == "none":
            return "has no refresh"
        if ends is None:
            return f"{rules.kind}, but the token never ends"
        old, before = self.token["access_token"], self._asked()
        if rules.kind == "swap":  # only a live token can be swapped: inside the broker's margin, before the end
            self.shop.clock.advance(int(ends) - 60)
        else:
            self.shop.clock.advance(int(ends) + 1)
            if self._call_api()[0] != 401:
                raise TrialFailed("the old token still works at the API")
        self.app.renew()
        self.token = self.app.hand_out()
        asked = self._asked() - before
        if self.token["access_token"] == old or asked != 1:
            raise TrialFailed(f"no other token came, after {asked} requests to the provider")
        return f"{rules.kind}, one request"

    def hand_out_again(self) -> str:
        """The same token while it lives, and the provider is not asked."""
        held, before = self.token.get("access_token"), self._asked()
        said = self.hand_out()
        if self.token["access_token"] != held or self._asked() != before:
            raise TrialFailed("the provider was asked although the token lives")
        return said

    def revoke(self) -> str:
        """Check that nothing is handed out afterwards, and that tokens reported as revoked are revoked at the
        provider."""
        ended = self.app.end(self.token["connection_id"])
        tokens = {each["token"]: each["result"] for each in ended["tokens"]}
        if self.app.ask_hand_out().status == 200:
            raise TrialFailed("a token is still handed out")
        if ended["at_provider"] not in ("revoked", "not_supported"):
            raise TrialFailed(f"it says {ended['at_provider']}")
        if tokens.get("access_token") == "revoked" and self._call_api()[0] != 401:
            raise TrialFailed("the access token is said to be over and works at the API")
        if tokens.get("refresh_token") == "revoked" and self._refresh_token_lives():
            raise TrialFailed("the refresh token is said to be over and is still taken")
        said = ", ".join(f"{name} {result}" for name, result in tokens.items())
        return said or "nothing was left to end"

    def _refresh_token_lives(self) -> bool:
        return any(family.refresh_token and not family.revoked for family in self.player.grants.families)

    def _asked(self) -> int:
        return self.player.count("token")

    def _call_api(self) -> tuple[int, str]:
        """Status, and whose token it is: at the file's API, or where it says who the user is."""
        token = self.token["access_token"]
        if self.definition.api is None:
            family = self.player.grants.whose(token)
            return (200, family.user.login) if family else (401, "")
        rules = self.definition.api
        headers = {name: value.replace("{client_id}", CLIENT_ID) for name, value in rules.headers.items()}
        headers[rules.token_header] = rules.token_prefix + token
        answer = self.app.person.call(rules.base_url, headers)
        return answer.status, str(answer.json().get("login", ""))


STEPS: tuple[tuple[str, Callable[[Trial], str]], ...] = (
    ("sign-in", Trial.sign_in),
    ("hand-out", Trial.hand_out),
    ("refresh", Trial.refresh),
    ("hand-out again", Trial.hand_out_again),
    ("revoke", Trial.revoke),
)


def run_trial(shop: Workshop, definition: ProviderDefinition) -> Iterator[Outcome]:
    """Play the file and take each step; after the first that fails no other is taken."""
    player = RunningProfile(definition)
    try:
        trial = prepare(shop, player)
        for name, step in STEPS:
            try:
                outcome = Outcome(name, True, step(trial))
            except (TrialFailed, LookupError, OSError) as fault:
                outcome = Outcome(name, False, f"{fault}{_logged(shop)}")
            yield outcome
            if not outcome.passed:
                return
    finally:
        player.stop()


def prepare(shop: Workshop, player: RunningProfile) -> Trial:
    """Our registration there, and an app's here."""
    definition = player.definition
    broker = shop.use(player)
    callback = f"{shop.issuer}/callback/{definition.provider_id}"
    secret = register(player, CLIENT_ID, callback)
    issuer = None if definition.issuer else player.places.issuer
    set_provider(
        shop.deployment,
        definition.provider_id,
        client_id=CLIENT_ID,
        client_secret=secret,
        issuer=issuer,
        variables=player.variables,
    )
    client_id, scope = register_app(shop.deployment, definition.provider_id, choose_scopes(definition))
    app = TrialApp(shop.issuer, definition.provider_id, client_id, player.person(), scope)
    return Trial(shop, player, broker, app)


def choose_scopes(definition: ProviderDefinition) -> list[str]:
    """A few of the file's beside those of a sign-in, and whatever its name says keeps access while the user is away."""
    others = [scope for scope in definition.scopes if scope not in definition.sign_in_scopes]
    lasting = [scope for scope in others if "offline" in scope or "refresh" in scope]
    return list(dict.fromkeys([*definition.sign_in_scopes, *lasting, *others[:MORE_SCOPES]]))


def _logged(shop: Workshop) -> str:
    """The reasons that the broker wrote down last, which no answer tells."""
    lines = [json.loads(line) for line in shop.log.getvalue().strip("\x00").splitlines()[-6:]]
    reasons = dict.fromkeys(str(line["reason"]) for line in lines if line.get("reason"))
    return f" (log: {', '.join(reasons)})" if reasons else ""
