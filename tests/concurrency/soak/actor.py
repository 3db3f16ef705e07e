"""One person in one app: what they do, in any order, and what must come of it (the rules stand in history.py)."""

import threading
import time
from collections.abc import Callable

from tests.concurrency.soak.arriving import Newcomer
from tests.concurrency.soak.asking import Session
from tests.kit.http.browser import Answer
from tests.kit.traffic.app import App, Visitor
from tests.kit.traffic.history import Violation

FRESH_SECONDS = 400
"""How long an access token is used: it lives 600."""


class Actor(Newcomer):
    """Does one thing after another, each by the rules; `run` until it is told to stop."""

    def __init__(self, app: App, seed: int) -> None:
        super().__init__(app, seed)
        self.moves: list[tuple[int, Callable[[Session], None]]] = [
            (6, self.refresh), (8, self.hand_out), (4, self.proxy), (4, self.introspect), (3, self.userinfo),
            (3, self.revoke), (1, self.give_back), (3, self.ghost), (1, self.leave), (1, self.redeem_twice),
        ]  # fmt: skip

    def run(self, stopped: threading.Event, pause: float) -> None:
        """A step, a pause, and so on."""
        while not stopped.is_set():
            self.step()
            stopped.wait(self.chance.uniform(0, 2 * pause))

    def step(self) -> None:
        """One thing; what is wrong with it goes into the history, and the actor begins anew."""
        try:
            if self.session is None:
                self.begin()
            elif time.monotonic() - self.session.since > FRESH_SECONDS:
                self.refresh(self.session)
            else:
                moves = [move for weight, move in self.moves for _ in range(weight)]
                self.chance.choice(moves)(self.session)
        except Violation as violation:
            self.history.violated(f"{self.app.who} in {self.app.client.client_name}: {violation}")
            self.session = None

    def refresh(self, session: Session) -> None:
        """Once, or twice at one moment; whatever is in the way, the token has its one successor."""
        begun = time.monotonic()
        successors = set[str]()
        if self.chance.random() < 0.3:
            for early in self.both(lambda: self.app.refresh(session.refresh)):
                if early is not None and early.status == 200:
                    successors.add(early.json["refresh_token"])
        answer = self.insist(lambda: self.app.refresh(session.refresh))
        if answer is None:
            self.end("gave up", keep=False)
            return
        if answer.status != 200:
            raise Violation(
                f"a good refresh token is refused after {time.monotonic() - begun:.0f} s: {answer.body[:200]}"
            )
        successors.add(answer.json["refresh_token"])
        if len(successors) != 1:
            raise Violation("one refresh token has two successors")
        self.hold(answer)

    def hand_out(self, session: Session) -> None:
        """A token that the provider takes, of this person; or later; or the person has to come again."""
        answer = self.app.exchange(session.access)
        if answer is None or answer.status >= 500:
            return
        if answer.status != 200:
            self.refused(answer)
            return
        self.history.hand_out()
        family = self.app.world.provider.grants.whose(answer.json["access_token"])
        if family is None:
            raise Violation("the provider does not take what was handed out")
        if family.user.login != self.app.who:
            raise Violation("somebody else's token was handed out")

    def proxy(self, session: Session) -> None:
        """The notes of this person."""
        answer = self.app.call("proxy", "GET", "/proxy/demo/notes", session.access)
        if answer is None or answer.status >= 500:
            return
        if answer.header("broker-answer") != "provider":
            self.refused(answer)
            return
        self.history.hand_out()
        if answer.status != 200 or answer.json["owner"] != self.app.who:
            raise Violation(f"through the proxy: {answer.status} {answer.body[:200]}")

    def refused(self, answer: Answer) -> None:
        """Only because the provider wants to see the person again."""
        reason = answer.json.get("reason", answer.json.get("error"))
        if reason != "reauth_required":
            raise Violation(f"a live session is refused the provider's token: {answer.status} {answer.body[:300]}")
        self.history.note("sign-in at the provider asked for")
        self.app.browser = Visitor(self.app.world)
        self.end("left for a new sign-in", keep=False)

    def introspect(self, session: Session) -> None:
        """A live token is active."""
        if not self.app.secret:
            self.userinfo(session)
            return
        answer = self.app.post("introspect", "/introspect", token=session.access)
        if answer is not None and answer.status == 200 and answer.json["active"] is not True:
            raise Violation("a live token is not active")

    def userinfo(self, session: Session) -> None:
        """This person's name."""
        answer = self.app.call("userinfo", "GET", "/userinfo", session.access)
        if answer is None or answer.status >= 500:
            return
        if answer.status != 200 or answer.json["name"] != f"Name of {self.app.who}":
            raise Violation(f"userinfo: {answer.status} {answer.body[:200]}")

    def revoke(self, session: Session) -> None:
        """The grant ends; once that was answered it is over for good."""
        answer = self.insist(lambda: self.app.post("revoke", "/revoke", token=session.refresh))
        if answer is None:
            self.end("gave up", keep=False)
        elif answer.status != 200:
            raise Violation(f"a revocation is refused: {answer.status} {answer.body[:200]}")
        else:
            self.end("revoked", keep=True)

    def give_back(self, session: Session) -> None:
        """Everything of this app ends. Asked again, the token may be over already, which says the same."""
        answer = self.insist(lambda: self.app.call("give back", "DELETE", "/connections", session.access))
        if answer is None:
            self.end("gave up", keep=False)
        elif answer.status not in (200, 401):
            raise Violation(f"nothing can be given back: {answer.status} {answer.body[:200]}")
        else:
            self.end("given back", keep=True)
            time.sleep(1.1)  # what is decided in the second of an end is over with it

    def leave(self, session: Session) -> None:
        """The app forgets its tokens."""
        self.end("left", keep=False)
