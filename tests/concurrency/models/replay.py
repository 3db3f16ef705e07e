"""Plays a walk of the model through the real verbs of the store, and compares every decision and the item after it."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from chalicelib.adapters.aws.transport import AwsUnreachable, Transport
from chalicelib.adapters.dynamodb.codec import key
from chalicelib.ports import Refused, Written
from chalicelib.protocol import grant_refusals
from chalicelib.protocol.errors import InvalidGrant
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import consent_item_key, grant_item_key
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.revocation import Revocation
from chalicelib.records.subject import Subject
from tests.concurrency.models.world import Actor, Step, World
from tests.kit.faults import ProcessDied
from tests.kit.store_scene import CHALLENGE, NOW, Story, make_store

TICK = 60
"""Seconds: the code lives one tick."""
SUB = "s" * 32
Result = Written[Any] | Refused[Any]


class Differs(AssertionError):
    """Model and code disagree."""


class HeldTransport:
    """Lets a conditional write take effect and keeps its answer back, so that others can act before the repeat."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._hold: dict[int, tuple[threading.Event, threading.Event]] = {}
        self.dies = False

    def hold_next(self) -> tuple[threading.Event, threading.Event]:
        """(taken effect, go on): the next call of a thread that begins with `as_held`."""
        return threading.Event(), threading.Event()

    def as_held(self, events: tuple[threading.Event, threading.Event], verb: Callable[[], Result]) -> Result:
        """Run a verb whose first call loses its answer."""
        self._hold[threading.get_ident()] = events
        try:
            return verb()
        finally:
            events[0].set()

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        answer = self._inner.call(operation, payload)
        events = self._hold.pop(threading.get_ident(), None)
        if events is None:
            return answer
        events[0].set()
        events[1].wait(30)
        if self.dies:
            raise ProcessDied
        raise AwsUnreachable("ReadTimeoutError")


class Replay:
    """One walk. Feed it each (world before, step, world after); it raises Differs at the first difference."""

    def __init__(self, transport: Transport, start: World, *, grace: int, threads: ThreadPoolExecutor) -> None:
        self._transport = HeldTransport(transport)
        self._threads = threads
        self._story = Story(make_store(self._transport), client_id=_unique())
        self._store = self._story.store
        self._start = start
        self._grace = grace
        self._waiting: dict[str, tuple[Future[Result], threading.Event]] = {}
        self._set_the_scene()

    def take(self, before: World, step: Step, after: World) -> None:
        """Do what the step says, compare what comes of it."""
        actor = next((a for a in before.actors if a.name == step.actor), None)
        if step.verb == "purges":
            payload = {"TableName": "broker", "Key": key(grant_item_key(self._story.grant_id).pk)}
            self._transport.call("DeleteItem", payload)
        elif step.verb == "crashes" and step.actor in self._waiting:
            future, go_on = self._waiting.pop(step.actor)
            self._transport.dies = True
            go_on.set()
            if not isinstance(future.exception(30), ProcessDied):
                raise Differs("a killed process went on")
            self._transport.dies = False
        elif actor is not None and (verb := getattr(self, "_" + step.verb.replace(" ", "_").replace("/", ""), None)):
            verb(before, actor, step, after)
        self._compare(step, after)

    def _set_the_scene(self) -> None:
        start = self._start
        if start.grant is None:
            return
        self._expect("written", self._story.claim(decided_at=self._at(0)))
        self._put_consent(0, Consent(sub=SUB, client_id=self._story.client_id, version=1))
        self._expect("written", self._story.issue(**self._lives(start, 0)))
        if start.grant.status == "active":
            self._expect("written", self._store.redeem_code(self._story.redemption(now=self._at(0))))

    def _lives(self, world: World, now: int) -> dict[str, object]:
        decided = world.decided_at or 0
        return {
            "now": self._at(now), "decided_at": self._at(decided), "expires_at": self._at(now + 1),
            "ends_at": self._at(now + world.life), "idle_seconds": 1000 * TICK, "grace_seconds": self._grace * TICK,
        }  # fmt: skip

    # One method per verb of the model that reaches the store.

    def _claims(self, before: World, actor: Actor, step: Step, after: World) -> None:
        life = {"now": self._at(before.now), "decided_at": self._at(before.decided_at or 0)}
        result = self._run(actor, step, lambda: self._story.claim(**life))
        if isinstance(result, Refused) and result.found is not None:
            self._expect(step.outcome, f"refused: {result.found.status}")
            goes_on = result.found.status == "issued" and not result.found.is_over(self._at(before.now))
            if goes_on != any(a.name == actor.name and a.at == "redirect" for a in after.actors):
                raise Differs(f"{step}: the same redirect again, or not")
        else:
            self._expect(step.outcome, result)

    def _reads_marks(self, before: World, actor: Actor, step: Step, after: World) -> None:
        with_grant = actor.kind != "callback" and actor.shows != 0
        self._expect(step.outcome, self._read_marks(before, with_grant=with_grant))

    def _looks_first(self, before: World, actor: Actor, step: Step, after: World) -> None:
        if actor.bound and actor.secret and before.grant is not None:
            self._expect(step.outcome, "none" if (end := self._read_marks(before)) == "over" else end)

    def _writes_consent(self, before: World, actor: Actor, step: Step, after: World) -> None:
        seen = actor.saw
        marks = self._marks(seen.mark)
        consent = Consent(sub=SUB, client_id=self._story.client_id, version=seen.version + 1, marks=marks)
        self._expect(step.outcome, self._put_consent(seen.version, consent))

    def _issues(self, before: World, actor: Actor, step: Step, after: World) -> None:
        self._expect(step.outcome, self._run(actor, step, lambda: self._story.issue(**self._lives(before, before.now))))

    def _redeems(self, before: World, actor: Actor, step: Step, after: World) -> None:
        now, story = self._at(before.now), self._story
        challenge = CHALLENGE if actor.bound else "x" * 43
        secret = story.code_secret if actor.secret else b"x" * 16
        presented = story.handle(0, secret)
        redemption = story.redemption(now=now, code_challenge=challenge, secret_hash=_hash(secret))
        result = self._run(actor, step, lambda: story.store.redeem_code(redemption))
        if isinstance(result, Written):
            self._expect(step.outcome, result)
            return
        request = story.code_request(code_challenge=challenge)
        why = _name(lambda: grant_refusals.explain_code_refusal(result.found, presented, request, now=now))
        self._expect(step.outcome, f"refused: {why}")

    def _advances(self, before: World, actor: Actor, step: Step, after: World) -> None:
        now, story = self._at(before.now), self._story
        client = story.client_id if actor.bound else "another"
        secret = story.refresh_secret if actor.secret else b"x" * 16
        advance = story.advance(step.shows or 0, now=now, client_id=client, secret_hash=_hash(secret))
        result = self._run(actor, step, lambda: story.store.advance_grant(advance))
        if isinstance(result, Written):
            self._expect(step.outcome, result)
            return
        presented, request = story.handle(step.shows or 0, secret), story.refresh_request(client_id=client)
        why = _name(lambda: grant_refusals.explain_refusal(result.found, presented, request, now=now))
        self._expect(step.outcome, f"refused: {why}")

    def _revokes(self, before: World, actor: Actor, step: Step, after: World) -> None:
        result = self._store.revoke_grant(self._story.grant_id, client_id=self._story.client_id)
        self._expect("written" if before.grant else "refused", result)

    _revokes_at_revoke = _revokes

    def _withdraws_consent(self, before: World, actor: Actor, step: Step, after: World) -> None:
        version = before.consent.version
        marks = self._marks(before.now)
        consent = Consent(sub=SUB, client_id=self._story.client_id, version=version + 1, marks=marks)
        self._expect("written", self._put_consent(version, consent))

    def _read_marks(self, before: World, *, with_grant: bool = True) -> str:
        """void, over or none: by the product's own function over one batch read."""
        consent, grant = consent_item_key(SUB, self._story.client_id), grant_item_key(self._story.grant_id)
        found = self._store.read(consent, grant)
        now, item = self._at(before.now), found.get(grant)
        end = grant_refusals.find_revocation(
            self._at(before.decided_at or 0),
            deployment=None,
            client=Client(client_id="c", client_name="c", redirect_uris=(), token_endpoint_auth_method="none"),
            sources={"provider": ProviderRecord(provider_id="demo", client_id="x")},
            subject=Subject(sub=SUB, session_salt=b"x" * 16, created_at=0),
            consent=found.get(consent) or Consent(sub=SUB, client_id="c"),
            now=now,
        )
        return "void" if end else "over" if with_grant and (item is None or item.is_over(now)) else "none"

    def _run(self, actor: Actor, step: Step, verb: Callable[[], Result]) -> Result:
        """Call a verb; where the model loses the answer, leave the call in the air until the model goes on with it."""
        if actor.name in self._waiting:
            future, go_on = self._waiting.pop(actor.name)
            go_on.set()
            return future.result(30)
        if not step.lost:
            return verb()
        events = self._transport.hold_next()
        future = self._threads.submit(self._transport.as_held, events, verb)
        self._waiting[actor.name] = (future, events[1])
        if not events[0].wait(30) or future.done():
            raise Differs(f"{step}: the write took no effect")
        return Written(None)

    def _put_consent(self, version: int, consent: Consent) -> Result:
        return self._store.put_consent(consent, expected_version=version)

    def _expect(self, outcome: str, got: Result | str) -> None:
        said = got if isinstance(got, str) else "written" if isinstance(got, Written) else "refused"
        if said != ("written" if outcome == "ours" else outcome):
            raise Differs(f"the model says {outcome!r}, the code {said!r} {got if said != got else ''}")

    def _compare(self, step: Step, after: World) -> None:
        item, grant = self._story.found(), after.grant
        if grant is None or item is None:
            if grant is not None or item is not None:
                raise Differs(f"after {step}: one has an item, the other has none")
            return
        times = ("decided_at",) if grant.status in ("exchanging", "issued") or grant.generation == 0 else (
            "decided_at", "advanced_at", "previous_advanced_at",
        )  # fmt: skip
        expected = (grant.status, grant.generation, *(self._at(getattr(grant, name)) for name in times))
        if expected != (real := (item.status, item.generation, *(getattr(item, name) for name in times))):
            raise Differs(f"after {step}: the model has {expected}, the table {real}")
        if grant.status != "revoked" and item.is_over(self._at(after.now)) != (grant.expires_at <= after.now):
            raise Differs(f"after {step}: over for one of them only")

    def close(self) -> None:
        """Let go of what still waits."""
        self._transport.dies = True
        for future, go_on in self._waiting.values():
            go_on.set()
            future.exception(30)

    def _marks(self, tick: int | None) -> Revocation:
        """Whoever sets a mark on a consent adds a second, so that it ends a decision of its own second too."""
        return Revocation(not_before=None if tick is None else self._at(tick) + 1)

    @staticmethod
    def _at(tick: int) -> int:
        return NOW + tick * TICK


def _name(explain: Callable[[], object]) -> str:
    """How the model calls what the product's function says."""
    try:
        decision = explain()
    except InvalidGrant as refusal:
        return "slow" if refusal.reason == "slow_duplicate" else "refuse"
    return "repeat" if isinstance(decision, grant_refusals.Repeat) else "revoke"


def _hash(secret: bytes) -> bytes:
    from chalicelib.protocol.handles import secret_hash

    return secret_hash(secret)


def _unique() -> str:
    from chalicelib.adapters.process.system import SystemEntropy

    return SystemEntropy().token_bytes(16).hex()
