"""What the model of a device's grant decides, the store decides too; and each of its rules is needed."""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from chalicelib.adapters.aws.transport import Transport
from chalicelib.ports import DeviceDecision, Refused, Written
from chalicelib.protocol.device_code import DeviceCodeRequest, explain_device_refusal
from chalicelib.protocol.grant_refusals import RevokeGrant
from chalicelib.protocol.handles import Handle
from chalicelib.records.grant import Grant
from tests.concurrency.models.device import Rules, Step, World, find_faults, moves, shortest_walks
from tests.kit.requirement import requirement
from tests.kit.store_scene import NOW, Story, make_store

WALKS = 40
MUST_HAPPEN = {
    *((verb, outcome) for verb in ("claims", "issues at once", "cancels") for outcome in ("written", "refused")),
    ("issues", "written"), ("reopens", "written"), ("polls", "written"), ("polls", "replayed"), ("dies", ""),
}  # fmt: skip


@requirement("DEV-04", "DEV-05", "DEV-07")
def test_no_interleaving_of_two_browsers_and_a_device_breaks_a_promise() -> None:
    worlds, faults, reached = find_faults(Rules())
    assert faults == set() and worlds > 700
    assert MUST_HAPPEN - reached == set()


@pytest.mark.parametrize("rule", Rules._fields)
def test_each_rule_is_needed(rule: str) -> None:
    assert find_faults(Rules(**{rule: False}))[1]


class Replay:
    """One walk through the real verbs."""

    def __init__(self, transport: Transport) -> None:
        self.story = Story(make_store(transport))
        assert isinstance(self.story.start_device(), Written)
        self.now = NOW

    def play(self, step: Step) -> str:
        """What the store says of it: written, refused, replayed; "" where it was not asked."""
        decided = self.story.decided(
            round=step.round, decision=hashlib.sha256(step.state.encode()).digest(), now=self.now
        )
        if step.verb == "ends":
            self.now = NOW + 600
        elif step.verb == "polls":
            return self._poll()
        elif step.outcome:
            return "written" if isinstance(self._decide(step.verb, decided), Written) else "refused"
        return ""

    def _decide(self, verb: str, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        store = self.story.store
        if verb == "claims":
            return store.claim_device(decided, until=NOW + 6000)
        if verb == "reopens":
            return store.reopen_device(decided)
        if verb == "cancels":
            return store.deny_device(decided)
        issued = self.story.record("issued", expires_at=NOW + 6000, ends_at=NOW + 60_000)
        return store.issue_device(issued, decided, claimed=verb == "issues")

    def _poll(self) -> str:
        story = self.story
        result = story.store.redeem_code(story.device_redemption(now=self.now))
        if isinstance(result, Written):
            return "written"
        handle = Handle(
            kind="device", key_version=1, region_letter="a", grant_id=story.grant_id, secret=story.code_secret,
            generation=0,
        )  # fmt: skip
        request = DeviceCodeRequest(client_id=story.client_id, epoch=0)
        decision = explain_device_refusal(result.found, handle, request, now=self.now)
        assert isinstance(decision, RevokeGrant)
        story.store.revoke_grant(story.grant_id, client_id=story.client_id)
        return "replayed"


def long_walks() -> Iterator[list[tuple[Step, World]]]:
    """Until nothing can happen; kinds of step that were rarely taken are preferred. One seed gives the same walks."""
    choose, taken = random.Random(7), Counter[tuple[str, str]]()
    for _ in range(WALKS):
        world, walk = World(), list[tuple[Step, World]]()
        while options := list(moves(world, Rules())):
            weights = [1 / (1 + taken[step.verb, step.outcome]) for step, _, _ in options]
            step, world, _ = choose.choices(options, weights)[0]
            taken[step.verb, step.outcome] += 1
            walk.append((step, world))
        yield walk


@requirement("DEV-04", "DEV-05", "DEV-07")
def test_model_and_store_agree_on_every_walk(transport: Transport) -> None:
    seen: set[tuple[str, str]] = set()
    for walk in [*shortest_walks(Rules()), *long_walks()]:
        replay = Replay(transport)
        for step, world in walk:
            seen.add((step.verb, step.outcome))
            assert replay.play(step) == step.outcome, walk
            found = replay.story.found()
            assert found is not None and found.device is not None
            real = (found.status, found.device.round, found.generation)
            assert real == (world.item.status, world.item.round, world.item.generation), walk
    assert MUST_HAPPEN - seen == set()
