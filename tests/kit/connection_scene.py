"""A signed-in app at a provider of a chosen profile, with faults at the table, at the provider and in time."""

import dataclasses
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.adapters.process.circuit_breaker import CircuitBreaker
from chalicelib.encryption import Attribute, encryption_context_of, open_user_key, open_value
from chalicelib.ports import Broker
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.item_keys import connection_item_key, recovery_item_key, user_key_item_key
from chalicelib.records.job import Job
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderUnavailable
from tests.kit import ROOT
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.http.browser import Answer
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import NO_ANSWER, Session, change, read, start_session

DEMO = ROOT / "local" / "providers" / "demo.toml"


@dataclass(frozen=True)
class Profile:
    """A provider's manners, in its file and in what it does."""

    file: str
    does: dict[str, Any]
    ends: str = "family"


PROFILES = {
    "static": Profile('kind = "static"\nin_doubt = "again"', {"static_refresh": True}),
    "once": Profile('kind = "rotating"\nlate_reuse = "refuse"\nin_doubt = "once"', {"reuse": "refuse"}),
    "ask": Profile('kind = "rotating"\nlate_reuse = "revoke"\nin_doubt = "ask"', {}),
    "grace": Profile(
        'kind = "rotating"\ngrace = "same"\ngrace_seconds = 30\nlate_reuse = "refuse"\nin_doubt = "again"',
        {"reuse": "refuse", "grace": "same"},
    ),
    "sibling": Profile(
        'kind = "rotating"\ngrace = "sibling"\ngrace_seconds = 30\nlate_reuse = "revoke"\nin_doubt = "again"',
        {"grace": "sibling"},
        ends="token",
    ),
    "app": Profile('kind = "static"\nin_doubt = "again"', {"static_refresh": True, "revoke_ends": "app"}, ends="app"),
}


def write_profile(folder: Path, profile: Profile) -> None:
    """The demo provider's file with other manners."""
    text = re.sub(r"\[refresh\]\n(?:.+\n)+", f"[refresh]\n{profile.file}\n", DEMO.read_text())
    text = text.replace('ends = "family"', f'ends = "{profile.ends}"')
    (folder / "demo.toml").write_text(text)


class Line:
    """The way to the table, on which a fault can be laid."""

    def __init__(self) -> None:
        self.inner: Any = None
        self.faulty: FaultyTransport | None = None

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return (self.faulty or self.inner).call(operation, payload)


class Outside:
    """The way to the provider: counts refreshes, and lets a test act before or after one, or lose its answer."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.refreshes = 0
        self.before: Callable[[], None] | None = None
        self.after: Callable[[], None] | None = None
        self.answer: Callable[[HttpResponse], HttpResponse] | None = None
        self.instead: HttpResponse | None = None
        self.seconds: list[float] = []

    def fetch(self, request: HttpRequest, *, timeout_seconds: float = 8.0, max_bytes: int = 262_144) -> HttpResponse:
        """One request to the provider."""
        if b"grant_type=refresh_token" not in request.body:
            return self.inner.fetch(request, timeout_seconds=timeout_seconds, max_bytes=max_bytes)
        self.refreshes += 1
        self.seconds.append(timeout_seconds)
        before, self.before = self.before, None
        after, self.after = self.after, None
        if before:
            before()
        if self.instead is not None:
            return self.instead
        response = self.inner.fetch(request, timeout_seconds=timeout_seconds, max_bytes=max_bytes)
        if after:
            after()
        return self.answer(response) if self.answer else response


class Naps:
    """Nobody waits in a test: a pause is noted, the clock moves on by it, and something may happen meanwhile."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.taken: list[float] = []
        self.meanwhile: Callable[[], None] | None = None

    def sleep(self, seconds: float) -> None:
        """Return at once."""
        self.taken.append(seconds)
        if self.meanwhile:
            self.meanwhile()


class TimeLeft:
    """What is left of the function's time, as a test says."""

    def __init__(self) -> None:
        self.seconds = 25.0

    def begin(self) -> None:
        """A request begins."""

    def left(self) -> float:
        """Seconds."""
        return self.seconds


class Scene:
    """One connection, and hands on everything around it."""

    def __init__(self, make: Callable[..., Stack], profile: Profile, **options: Any) -> None:
        self.line = Line()
        self.stack = make(dynamodb=self.line)
        self.line.inner = self.stack.dynamodb
        self.provider = self.stack.provider
        self.provider.grants.clock = self.stack.clock.now
        self.provider.grants.families.clear()
        for name, value in profile.does.items():
            setattr(self.provider.faults, name, value)
        self.outside = Outside(self.stack.broker.fetcher)
        self.naps, self.time_left = Naps(self.stack), TimeLeft()
        self.stack.broker = self.with_hands(self.stack.broker)
        self.begin(**options)

    def begin(self, **options: Any) -> None:
        """Another app, at which the user signs in."""
        self.session = start_session(self.stack, **options)
        self.connection_id = self.session.claims["connections"]["demo"]

    def with_hands(self, broker: Broker) -> Broker:
        """A broker process whose provider, pauses and time a test holds."""
        return dataclasses.replace(broker, fetcher=self.outside, sleeper=self.naps, deadline=self.time_left)

    @property
    def clock(self) -> Any:
        return self.stack.clock

    @property
    def connection(self) -> Connection:
        """The item as it stands."""
        return read(self.stack, connection_item_key(self.connection_id))

    @property
    def recovery(self) -> Recovery | None:
        place = recovery_item_key(self.connection_id)
        return self.stack.deployment.store.read(place).get(place)

    @property
    def jobs(self) -> list[Job]:
        """Duties at the provider."""
        return [job for job in self.stack.deployment.scan("JOB#", Job) if job.kind != "end"]

    @property
    def guards(self) -> list[Job]:
        """Duties to finish a revocation, should its request have died."""
        return [job for job in self.stack.deployment.scan("JOB#", Job) if job.kind == "end"]

    def sign_in_again(self) -> None:
        """The same user at the same app and account, from the beginning."""
        given = (self.session.client, self.session.sign_in.secret)
        self.session = start_session(self.stack, client=given)

    def run_jobs(self) -> list[Any]:
        """All that is due; what came of the duties at the provider."""
        from chalicelib.jobs.runner import run_due_jobs

        performed = run_due_jobs(self.stack.broker)
        return [one for one in performed if one.job.kind != "end"]

    def age(self, seconds: int) -> None:
        """The stored access token is so much older, while everything that is cached stays warm."""
        connection = self.connection
        ends = (connection.access_expires_at or 0) - seconds
        change(
            self.stack,
            connection_item_key(self.connection_id),
            access_expires_at=ends,
            tokens_at=connection.tokens_at - seconds,
        )

    def expire(self) -> None:
        """The provider's access token has ended."""
        self.age(121)

    def exchange(self) -> Answer:
        """The app asks for the provider's token with a fresh token of ours."""
        if self.clock.now() - self.session.claims["iat"] > 500:
            self.session.tokens = self.session.refresh().json
        return self.session.exchange()

    def asks(self) -> str:
        """What comes of asking, in a word: a token that works, "dead" one, or the refusal."""
        try:
            answer = self.exchange()
        except NO_ANSWER:
            return "nothing"
        if answer.status == 200:
            return "token" if self.works(answer.json["access_token"]) else "dead"
        if answer.status == 503:
            return "later"
        return str(answer.json.get("reason", answer.json["error"]))

    def works(self, token: str) -> bool:
        """Whether the provider takes it."""
        return self.provider.grants.whose(token) is not None

    def stored(self, attribute: Attribute = "refresh_token") -> str:
        """What is sealed in the connection."""
        connection = self.connection
        place = user_key_item_key(connection.sub)
        item = self.stack.deployment.store.read(place).get(place)
        assert item is not None
        key = open_user_key(self.stack.broker.keys.get("vault"), item.sealed, sub=connection.sub)
        sealed = {"refresh_token": connection.sealed_refresh_token, "access_token": connection.sealed_access_token}
        sealed["previous"] = connection.sealed_previous
        value = sealed[attribute]
        return open_value(key, value, attribute, place=encryption_context_of(connection)).decode() if value else ""

    def user_key(self) -> bytes:
        """Opened."""
        place = user_key_item_key(self.connection.sub)
        item = self.stack.deployment.store.read(place).get(place)
        assert item is not None
        return open_user_key(self.stack.broker.keys.get("vault"), item.sealed, sub=self.connection.sub)

    def end(self) -> str:
        """The user takes the connection back; what the tombstone says of it then."""
        from chalicelib.vault.revocation import revoke_connection
        from chalicelib.vault.rules.revocation_results import result_of

        ended = revoke_connection(self.stack.broker, self.connection, self.user_key())
        return "changed" if ended is None else result_of(ended)

    def other_app(self) -> Session:
        """The same user at the same account, for another app."""
        return start_session(self.stack)

    def new_process(self) -> None:
        """Another broker process: nothing that the old one remembered."""
        self.stack.broker = dataclasses.replace(self.stack.broker, breaker=CircuitBreaker())

    def crash(self, operation: int, mode: Any, *, times: int = 1) -> str:
        """Ask with a fault at the n-th call of the table."""
        self.line.faulty = FaultyTransport(self.stack.dynamodb, Fault(mode=mode, first=operation, times=times))
        try:
            return self.asks()
        finally:
            self.line.faulty = None

    def lives_at_provider(self) -> list[str]:
        """Refresh tokens that the provider would take."""
        families = [family for family in self.provider.grants.families if not family.revoked]
        mine = [family for family in families if family.client_id == "broker-at-demo" and family.redeemed]
        return [token for family in mine for token in (family.refresh_token, *family.siblings) if token]


def lose() -> None:
    """The answer of the provider is lost on its way."""
    raise ProviderUnavailable("connection_broken", sent=True)


def die() -> None:
    """The process ends here."""
    raise ProcessDied


class Frozen:
    """Holds one thread at a point until it is let go."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self) -> None:
        """Where the thread stands still."""
        self.reached.set()
        assert self.go.wait(30)


def in_parallel(ask: Callable[[], str], frozen: Frozen, pool: ThreadPoolExecutor) -> Any:
    """Start asking, and return once it stands still."""
    future = pool.submit(ask)
    assert frozen.reached.wait(30)
    return future
