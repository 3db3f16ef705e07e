"""Every key is turned while apps sign in, refresh, take hand-outs and verify tokens: nothing is refused or lost."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest

from chalicelib.adapters.dynamodb.audit_records import CHAIN
from chalicelib.audit.window_seals import seal_windows
from chalicelib.keys.lifecycle import LEAD_SECONDS
from chalicelib.keys.rotation import rotate_one
from chalicelib.ports import Broker
from chalicelib.records.seal import SETTLE_SECONDS, WINDOW_SECONDS
from cli.deployment.audit_chain import Chain, read_chain
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, read_claims, start_session
from tests.kit.requirement import requirement
from tests.store.keys.turning import DAY, rotator_of, run_schedule, states

JWKS_SECONDS = 300


@dataclass
class Processes:
    """Three warm processes that read their keysets at different times; requests go to each in turn.

    It stands where the gateway looks for its broker.
    """

    brokers: list[Broker]
    turn: int = 0

    @property
    def broker(self) -> Broker:
        self.turn += 1
        return self.brokers[self.turn % len(self.brokers)]


@dataclass
class ResourceServer:
    """Verifies offline, by a key set that it keeps as long as it is told to, and never looks again for a `kid`."""

    stack: Stack
    keys: dict[str, Any] = field(default_factory=dict)
    read_at: int = 0
    verified: int = 0

    def verify(self, token: str) -> None:
        now = self.stack.clock.now()
        if read_claims(token)["exp"] <= now:
            return
        if not self.keys or now - self.read_at >= JWKS_SECONDS:
            found = jwt.PyJWKSet.from_dict(self.stack.get("/jwks").json)
            self.keys, self.read_at = {str(key.key_id): key for key in found.keys}, now
        kid = jwt.get_unverified_header(token)["kid"]
        assert kid in self.keys, "a token whose key is not in the key set"
        unchecked = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        jwt.decode(token, self.keys[kid].key, algorithms=["ES256"], options=unchecked)
        self.verified += 1


@dataclass
class App:
    """One user of one app, who never signs in again."""

    session: Session
    access: str
    refresh: str
    held: list[str] = field(default_factory=list)

    def go_on(self) -> None:
        """Refresh, and use what came, and what is still good of before."""
        answer = self.session.refresh(self.refresh)
        assert answer.status == 200, ("refresh", answer.status, answer.body)
        self.access, self.refresh = answer.json["access_token"], answer.json["refresh_token"]
        self.held.append(self.access)
        assert read_claims(self.access)["sub"] == self.session.claims["sub"]
        handed = self.session.exchange(self.access)
        assert handed.status == 200, ("hand-out", handed.status, handed.body)
        live = [token for token in self.held if read_claims(token)["exp"] > self.session.stack.clock.now()]
        for token in (live[0], live[-1]):
            assert self.session.stack.userinfo(token).status == 200
        self.held = live


@dataclass
class Load:
    """What goes on all the time."""

    stack: Stack
    apps: list[App]
    client: Any
    secret_client: Any
    server: ResourceServer
    seals: bool = False
    faults: list[BaseException] = field(default_factory=list)

    def sign_in(self) -> None:
        """Somebody new, with a code that is left lying for a moment."""
        waiting = self.stack.sign_in(*self.secret_client)
        assert "code" in waiting.answer.answered, (waiting.answer.status, waiting.answer.location, waiting.answer.body)
        answer = self.stack.redeem(waiting)
        assert answer.status == 200, ("sign-in", answer.status, answer.body)
        self.server.verify(answer.json["access_token"])
        self.server.verify(answer.json["id_token"])

    def round(self, during: Callable[[], object] = lambda: None) -> None:
        """All apps go on, somebody signs in, a resource server verifies all tokens, at once with `during`."""
        threads = [threading.Thread(target=self._guard, args=(app.go_on,)) for app in self.apps]
        threads.append(threading.Thread(target=self._guard, args=(self.sign_in,)))
        for thread in threads:
            thread.start()
        during()
        for thread in threads:
            thread.join()
        for app in self.apps:
            for token in app.held:
                self._guard(self.server.verify, token)
        if self.seals:
            seal_windows(self.stack.broker)
        assert not self.faults, self.faults

    def _guard(self, act: Callable[..., None], *arguments: Any) -> None:
        try:
            act(*arguments)
        except BaseException as fault:  # noqa: BLE001 - a thread's fault is the test's
            self.faults.append(fault)

    def pass_time(self, seconds: int) -> None:
        self.stack.clock.advance(seconds)


@pytest.fixture
def load(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Two apps, three processes, one resource server."""
    monkeypatch.setattr(stack.provider.grants, "clock", stack.clock.now)
    secret_client = stack.client(**CONFIDENTIAL)
    apps = []
    for client in (stack.client(subject_type="pairwise"), secret_client):
        session = start_session(stack, client=client)
        apps.append(App(session, session.access, session.refresh_token, [session.access]))
    processes = []
    for _ in range(3):
        processes.append(stack.build())
        stack.clock.advance(19)
        for purpose in ("signing", "handle"):
            processes[-1].keys.get(purpose)
    stack.parts.current = Processes(processes)  # type: ignore[assignment]
    return Load(stack, apps, secret_client, secret_client, ResourceServer(stack))


def turn(load: Load, *purposes: Any) -> None:
    """From published to used; requests go on before, while and after each step."""
    stack = load.stack
    lead = LEAD_SECONDS + (DAY if "signing" in purposes else 0)

    def step() -> None:
        for purpose in purposes:
            rotate_one(rotator_of(stack), purpose, now=stack.clock.now())

    load.round(step)
    load.pass_time(lead)
    load.round(step)
    for seconds in (30, 45):  # one process knows it, or two; then all
        load.pass_time(seconds)
        load.round()


def verified_chain(stack: Stack) -> Chain:
    """What was handed out, as it is sealed, held against every version of the key."""
    asked = {"TableName": stack.settings.table, "FilterExpression": "pk = :chain", "ConsistentRead": True}
    found = stack.deployment.dynamodb.call("Scan", {**asked, "ExpressionAttributeValues": {":chain": {"S": CHAIN}}})
    return read_chain(found["Items"], stack.build().keys.get("audit"))


@requirement("F20", "KEY-01", "AUD-02")
def test_every_key_turns_under_load_and_nothing_is_lost(load: Load) -> None:
    sealing = ("handle", "cookie", "pepper", "user_code", "nonce", "pairwise", "vault", "audit")
    load.seals = True
    turn(load, *sealing)
    for purpose in sealing:
        assert states(load.stack, purpose) == {1: "retired", 2: "current"}
    load.pass_time(SETTLE_SECONDS + WINDOW_SECONDS)
    load.round()
    chain = verified_chain(load.stack)
    assert chain.findings == () and {link.key_version for link in chain.links.values()} == {1, 2}


@requirement("F20", "META-04")
def test_the_signing_key_turns_three_times_under_load_and_every_token_verifies(load: Load) -> None:
    stack = load.stack
    for version in (2, 3, 4):
        turn(load, "signing")
        assert states(stack, "signing") == {version - 1: "retiring", version: "signing"}
        load.pass_time(DAY + 2 * LEAD_SECONDS)
        stack.provider.rotate_keys()  # the provider's key turns too: who signs in now comes with a `kid` nobody knows
        load.round(lambda: run_schedule(stack))
        assert states(stack, "signing") == {version: "signing"}
    assert load.server.verified > 50
