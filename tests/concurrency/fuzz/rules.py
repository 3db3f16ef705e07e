"""Requests about grants in any order, with a clock that moves and answers that get lost."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, rule

from tests.concurrency.fuzz.ground import LATE, Bad
from tests.concurrency.fuzz.held import Held
from tests.concurrency.fuzz.moves import (
    Move,
    disconnecting,
    handing_out,
    redeeming,
    refreshing,
    revoking,
    revoking_access,
    using,
)
from tests.concurrency.fuzz.player import Player
from tests.kit.http.stack import APP
from tests.kit.http.tokens import WRONG

AT_TABLE = st.builds(
    Bad,
    mode=st.sampled_from([*"ABTCK", LATE]),
    at=st.sampled_from([0, 0, 1, 1, 2, 3, 4, 5]),
    times=st.sampled_from([1, 1, 3]),
)
AT_KMS = st.builds(Bad, mode=st.sampled_from("ABT"), times=st.sampled_from([1, 3]), to=st.just("kms"))
BAD = st.one_of(st.none(), st.none(), AT_TABLE, AT_TABLE, AT_KMS)
BACK = st.sampled_from([0, 0, 0, 1, 1, 2])
SECONDS = [1, 5, 10, 16, 29, 30, 31, 59, 60, 61, 100, 130, 301, 600, 3600, 14 * 86400]
AFTER = st.sampled_from([0, 0, 0, *SECONDS[:-2]])
MOVES: dict[str, Callable[..., Move]] = {
    "refresh": refreshing,
    "revoke": revoking,
    "revoke one": revoking_access,
    "use": using,
    "hand out": handing_out,
    "disconnect": disconnecting,
}


class GrantRules(Player):
    """Codes, refresh tokens, access tokens; two requests at once; the clock."""

    grants, sessions = Bundle("grants"), Bundle("sessions")

    @rule(target=sessions, held=grants, bad=BAD)
    def redeem(self, held: Held, bad: Bad | None) -> Any:
        """A code, by the app that it is for; a second time ends what the first gave."""
        return held if self.play(held, redeeming(held), bad) else multiple()

    @rule(held=sessions, after=AFTER, back=BACK, bad=BAD)
    def refresh(self, held: Held, after: int, back: int, bad: Bad | None) -> None:
        """The newest refresh token or an older one, so many seconds later."""
        self.wait(after)
        self.play(held, refreshing(self.stack, held, back), bad)

    @rule(held=sessions, name=st.sampled_from(["use", "use", "revoke one"]), after=AFTER, back=BACK, bad=BAD)
    def access(self, held: Held, name: str, after: int, back: int, bad: Bad | None) -> None:
        """An access token at /userinfo, or taken back, alone."""
        self.wait(after)
        self.play(held, MOVES[name](self.stack, held, back), bad)

    @rule(held=sessions, name=st.sampled_from(["revoke", "disconnect", "redeem"]), back=BACK, bad=BAD)
    def end(self, held: Held, name: str, back: int, bad: Bad | None) -> None:
        """By a refresh token, by the connection, or by the code once more."""
        self.play(held, redeeming(held) if name == "redeem" else MOVES[name](self.stack, held, back), bad)
        if held.access:
            self.play(held, using(self.stack, held, 0))

    @rule(held=sessions, back=BACK, wrong=st.sampled_from([{"code_verifier": WRONG}, {"redirect_uri": APP + "/else"}]))
    def steal(self, held: Held, back: int, wrong: dict[str, str]) -> None:
        """Who has a code and not the rest, or another app's refresh token, gets nothing and ends nothing."""
        if held.sign_in is not None:
            sign_in = held.sign_in
            self.expect_refusal(held, lambda: self.stack.redeem(sign_in, **wrong))
        other = next(app for app in self.apps if app[0].client_id != held.client.client_id)
        token = held.tokens[sorted(held.tokens, reverse=True)[min(back, len(held.tokens) - 1)]]
        fields = {"grant_type": "refresh_token", "refresh_token": token}
        self.expect_refusal(held, lambda: self.stack.token(*other, **fields))
        self.stack.post("/revoke", *other, token=token)
        self.check(held, held.state)

    @rule(
        held=sessions,
        first=st.tuples(st.sampled_from(sorted(MOVES)), BACK),
        second=st.tuples(st.sampled_from(sorted(MOVES)), BACK),
        order=st.lists(st.booleans(), max_size=8),
    )
    def two_at_once(self, held: Held, first: tuple[str, int], second: tuple[str, int], order: list[bool]) -> None:
        """What comes of two requests at once is what comes of one after the other."""
        one, other = (MOVES[name](self.stack, held, back) for name, back in (first, second))
        self.play_both(held, one, other, order)

    @rule(held=grants, order=st.lists(st.booleans(), max_size=6))
    def redeem_twice_at_once(self, held: Held, order: list[bool]) -> None:
        """One of them gets tokens, at most."""
        self.play_both(held, redeeming(held), redeeming(held), order)

    @rule(seconds=st.sampled_from(SECONDS))
    def wait(self, seconds: int) -> None:
        """The clock moves on; before it does, what the network has kept arrives, and does what it still may."""
        if self.ground.table.deliver_late():
            for held in self.held:
                self.check(held, held.state)
        self.stack.clock.advance(seconds)

    @rule()
    def restart(self) -> None:
        """Another process."""
        self.ground.restart()
