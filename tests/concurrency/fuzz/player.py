"""How a move is made and held against the rules.

What a step leaves in the table is one of two things: what stood there before, or what the rules make of it; without a
fault it is the latter.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine
from msgspec.structs import replace

from chalicelib.records.item_keys import connection_item_key, grant_item_key, revoked_token_item_key
from tests.concurrency.fuzz.chain import read_chain
from tests.concurrency.fuzz.ground import Bad, Ground, Outcome
from tests.concurrency.fuzz.held import Held, Link, State
from tests.concurrency.fuzz.moves import Move, jti_of, read_word
from tests.concurrency.fuzz.turns import Turns
from tests.kit.http.device import GRANTS
from tests.kit.http.stack import Parts


class Player(RuleBasedStateMachine):
    """A broker, two apps, and what they hold.

    counts   "examples", "steps", and each answer's status, for who wants to know what was played
    """

    def __init__(self, parts: Parts, folder: Path, counts: Counter[str]) -> None:
        super().__init__()
        self.parts, self.folder, self.counts = parts, folder, counts
        self.held: list[Held] = []
        self.links: dict[tuple[int, str], Link] = {}

    def set_up(self, profile: str) -> None:
        """A broker at a provider of some kind, and two apps: one without a secret, one with."""
        self.counts["examples"] += 1
        self.ground = Ground(self.parts, self.folder, profile, self.counts)
        stack = self.stack = self.ground.stack
        more = {"grant_types": stack.client()[0].grant_types | GRANTS}
        self.apps = [stack.client(**more), stack.client(token_endpoint_auth_method="client_secret_basic", **more)]
        self.ground.secrets |= {secret for _, secret in self.apps if secret}

    def teardown(self) -> None:
        """Make room."""
        if hasattr(self, "ground"):
            self.ground.close()

    def link(self, app: int, who: str) -> Link:
        """The connection of a user for an app."""
        return self.links.setdefault((app, who), Link())

    def now(self) -> int:
        return self.stack.clock.now()

    def play(self, held: Held, move: Move, bad: Bad | None = None, provider: Mapping[str, Any] | None = None) -> bool:
        """One move; True where it brought tokens."""
        before, now = held.state, self.now()
        if held.bores(now):
            return False
        self.counts["steps"] += 1
        word, after = move.step(before, now)
        outcome = self.ground.send(move.ask, bad, provider, may_wait=move.asks_provider)
        got = read_word(move, outcome.answer)
        if got == word:
            held.become(after, now)
            self.check(held, after)
        elif outcome.struck and got in ("later", "nothing"):
            found = self.look(held)
            assert found in (kept(before), kept(after)), (move.name, found, before, after)
            held.become(after if found == kept(after) else before, now)
        else:
            assert got in ("later", "reauth") and word == "tokens" and move.asks_provider, (move.name, got, word)
            assert held.link.excuse, (got, "although nothing has happened to the connection")
            self.check(held, before)
        if got == "tokens":
            move.take(outcome.answer)
        return got == "tokens"

    def play_both(self, held: Held, one: Move, other: Move, order: list[bool]) -> None:
        """Two moves: what they said and left must be what one order of them says and leaves."""
        if held.bores(self.now()):
            return
        self.counts["steps"] += 2
        turns, now, both = Turns[Outcome](order), self.now(), (one, other)
        self.ground.table.before = turns.pause
        try:
            asks = (partial(self.ground.send, move.ask, may_wait=move.asks_provider) for move in both)
            outcomes = turns.play(*asks)
        finally:
            self.ground.table.before = lambda: None
        got = [read_word(move, outcome.answer) for move, outcome in zip(both, outcomes, strict=True)]
        found = self.look(held)
        possible = [in_turn(held.state, both, now, step) for step in (1, -1)]
        fitting = [after for words, after in possible if kept(after) == found and fit(held, both, got, words)]
        assert fitting, ([move.name for move in both], got, found, possible)
        held.become(fitting[0], now)
        for move, said, outcome in zip(both, got, outcomes, strict=True):
            if said == "tokens":
                move.take(outcome.answer)

    def expect_refusal(self, held: Held, ask: Callable[[], Any]) -> None:
        """Nothing is given, and nothing has changed."""
        answer = self.ground.send(ask).answer
        assert answer is not None and answer.status in (400, 401), answer
        self.check(held, held.state)

    def check(self, held: Held, state: State) -> None:
        """The table says what the rules say."""
        found = self.look(held)
        assert found == kept(state), (found, state, self.now())

    def look(self, held: Held) -> State:
        """The same of what stands in the table, past every fault."""
        named = {jti: revoked_token_item_key(jti) for jti in map(jti_of, held.access)}
        grant_at, link_at = grant_item_key(held.grant_id), connection_item_key(held.link.connection_id)
        found = self.stack.deployment.store.read(grant_at, link_at, *named.values())
        grant, connection = found.get(grant_at), found.get(link_at)
        assert grant is not None and connection is not None
        revoked = frozenset(jti for jti, place in named.items() if found.get(place) is not None)
        return State(chain=read_chain(grant), revoked=revoked, connected=connection.status != "revoked")


def kept(state: State) -> State:
    """As far as the table keeps it."""
    return replace(state, chain=state.chain.as_kept())


def in_turn(state: State, moves: Sequence[Move], now: int, step: int = 1) -> tuple[list[str], State]:
    """What each says, and what is left, where one comes after the other; with a step of -1 the last comes first."""
    words = dict[int, str]()
    for number in range(len(moves))[::step]:
        words[number], state = moves[number].step(state, now)
    return [words[number] for number in sorted(words)], state


def fit(held: Held, moves: Sequence[Move], got: list[str], words: list[str]) -> bool:
    """Who finds another asking the provider may be told to come later."""
    both = all(move.asks_provider for move in moves)
    may_wait = [
        move.asks_provider and word == "tokens" and (both or bool(held.link.excuse))
        for move, word in zip(moves, words, strict=True)
    ]
    return all(
        said == word or (may and said in ("later", "reauth"))
        for said, word, may in zip(got, words, may_wait, strict=True)
    )
