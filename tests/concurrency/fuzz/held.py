"""What apps hold: grants with their tokens, and the connections behind them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Struct

from chalicelib.records.client import Client
from tests.concurrency.fuzz.chain import UNKNOWN, Chain
from tests.kit.http.browser import Answer
from tests.kit.http.stack import SignIn

ENOUGH = 3


class State(Struct, frozen=True, kw_only=True):
    """All that decides what a move gives.

    revoked     `jti` of access tokens that were taken back one by one
    connected   the user's connection for this app stands
    """

    chain: Chain
    revoked: frozenset[str] = frozenset()
    connected: bool = True


@dataclass
class Link:
    """The connection of one user for one app.

    excuse     why it may be out of order: "lost", where an answer or a process was; "refused" by the provider;
               "forgotten", where its user has ended it there
    ended_at   when it was taken back; what was decided until then does not bring it back
    void_at    decisions before that time are void
    """

    connection_id: str = ""
    connected: bool = False
    excuse: set[str] = field(default_factory=set)
    ended_at: int = 0
    void_at: int = 0
    tried_in_doubt: list[int] = field(default_factory=list)


@dataclass
class Held:
    """One grant, as its app knows it.

    tokens    refresh tokens by generation, as far as an answer brought them
    access    access tokens, the newest last
    redeem    asks for the first tokens: with the code, or as a device that polls
    in_vain   how often it was used after its end
    """

    client: Client
    secret: str | None
    link: Link
    redeem: Callable[[], Answer]
    sign_in: SignIn | None = None
    decided_at: int = 0
    grant_id: str = ""
    chain: Chain = UNKNOWN
    revoked: frozenset[str] = frozenset()
    in_vain: int = 0
    tokens: dict[int, str] = field(default_factory=dict)
    access: list[str] = field(default_factory=list)

    @property
    def state(self) -> State:
        return State(chain=self.chain, revoked=self.revoked, connected=self.link.connected)

    def bores(self, now: int) -> bool:
        """True once it has been over for so many moves that another would show nothing."""
        self.in_vain += self.chain.is_dead(now)
        return self.in_vain > ENOUGH

    def become(self, state: State, now: int) -> None:
        """The rules, or the table, say so."""
        if self.link.connected and not state.connected:
            self.link.ended_at = now
        self.chain, self.revoked, self.link.connected = state.chain, state.revoked, state.connected

    def take(self, answer: Answer, shown: int) -> None:
        """What a token answer brought. A generation has one token, whoever got it and however often."""
        body = answer.json
        self.access.append(body["access_token"])
        token = self.tokens.setdefault(shown + 1, body["refresh_token"])
        assert token == body["refresh_token"], "two refresh tokens of one generation: the family has forked"
        assert list(self.tokens.values()).count(token) == 1, "one refresh token in two generations"
