"""One person in one app: what they do, in any order, and what must come of it (the rules stand in history.py)."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from chalicelib.protocol.device_code import DEVICE_CODE
from tests.flow.browser import Answer
from tests.soak.app import App, Visitor
from tests.soak.history import Dead, Violation

INSIST_SECONDS, PAUSE_SECONDS = 22.0, 0.4
"""Less than the grace of a refresh token together, and longer than anything here is down."""
SIGN_IN_SECONDS = 45.0
"""Within which somebody gets in who begins again at once, whatever is in the way."""
FRESH_SECONDS = 400
"""How long an access token is used: it lives 600."""
KEPT_DEAD = 40


@dataclass
class Session:
    """Tokens of one grant. earlier: refresh tokens that were passed."""

    access: str
    refresh: str
    since: float = field(default_factory=time.monotonic)
    earlier: list[str] = field(default_factory=list)


class Actor:
    """Does one thing after another, each by the rules; `run` until it is told to stop."""

    def __init__(self, app: App, seed: int) -> None:
        self.app, self.history, self.chance = app, app.history, random.Random(seed)
        self.session: Session | None = None
        self.dead: list[Dead] = []
        self.pool = ThreadPoolExecutor(2)
        device = DEVICE_CODE in app.client.grant_types
        begin: Callable[[], None] = self.begin_device if device else self.sign_in
        self.begin = begin
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

    def insist(self, ask: Callable[[], Answer | None]) -> Answer | None:
        """Until there is an answer that is one; None where it took too long to go on with what was asked."""
        end = time.monotonic() + INSIST_SECONDS
        while time.monotonic() < end:
            answer = ask()
            if answer is not None and answer.status < 500:
                return answer
            time.sleep(PAUSE_SECONDS)
        self.history.note("gave up waiting")
        return None

    def sign_in(self) -> None:
        """Code and tokens; begun again as often as something is in the way."""
        end = time.monotonic() + SIGN_IN_SECONDS
        while time.monotonic() < end:
            got = self._code()
            answer = self.insist(lambda: self.app.redeem(*got)) if got else None  # noqa: B023 - asked at once
            if answer is not None and answer.status == 200:
                self.hold(answer)
                return
            self.history.note("sign-in begun again")
            time.sleep(PAUSE_SECONDS)
        raise Violation("nobody can sign in")

    def _code(self) -> tuple[str, str] | None:
        if self.chance.random() < 0.6:
            self.app.browser = Visitor(self.app.world)
        return self.app.get_code()

    def begin_device(self) -> None:
        """A device shows a code; the person allows it in a browser; the device polls."""
        end = time.monotonic() + SIGN_IN_SECONDS
        while time.monotonic() < end:
            told = self.app.start_device()
            if told and self.app.approve(told["user_code"]):
                answer = self.insist(lambda: self.app.poll(told["device_code"]))  # noqa: B023 - asked at once
                if answer is not None and answer.status == 200:
                    self.hold(answer)
                    return
            self.history.note("device begun again")
            time.sleep(PAUSE_SECONDS)
        raise Violation("no device gets in")

    def hold(self, answer: Answer) -> None:
        """Use these tokens from now on."""
        tokens = answer.json
        earlier = [*self.session.earlier, self.session.refresh][-5:] if self.session else []
        self.session = Session(tokens["access_token"], tokens["refresh_token"], earlier=earlier)

    def both(self, ask: Callable[[], Answer | None]) -> list[Answer | None]:
        """The same request twice at one moment."""
        return [future.result() for future in [self.pool.submit(ask) for _ in range(2)]]

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

    def redeem_twice(self, session: Session) -> None:
        """One code at both brokers at one moment: one success at most, and a replay ends what came of it."""
        if DEVICE_CODE in self.app.client.grant_types:
            return
        got = self._code()
        if got is None:
            return
        answers = [answer for answer in self.both(lambda: self.app.redeem(*got)) if answer is not None]
        good = [answer.json for answer in answers if answer.status == 200]
        if len(good) > 1:
            raise Violation("one code was redeemed twice")
        if good and [answer.status for answer in answers].count(400) == 1:
            tokens = good[0]
            self.bury(Session(tokens["access_token"], tokens["refresh_token"]), "replayed code")

    def leave(self, session: Session) -> None:
        """The app forgets its tokens."""
        self.end("left", keep=False)

    def end(self, how: str, *, keep: bool) -> None:
        """The session is over; where that was answered, what is left of it is kept to be tried again."""
        if self.session is not None and keep:
            self.bury(self.session, how)
        self.session = None

    def bury(self, session: Session, how: str) -> None:
        """Never again."""
        self.dead.append(Dead("access", session.access, how))
        self.dead += [Dead("refresh", token, how) for token in (session.refresh, *session.earlier)]
        self.dead = self.dead[-KEPT_DEAD:]

    def ghost(self, session: Session | None) -> None:
        """Something that has ended is tried again, at whichever broker."""
        if not self.dead:
            return
        dead = self.chance.choice(self.dead)
        for name, taken in self._tries(dead):
            if taken():
                raise Violation(f"taken after it was {dead.since}: {dead.kind} token at {name}")

    def _tries(self, dead: Dead) -> list[tuple[str, Callable[[], bool]]]:
        app = self.app
        if dead.kind == "refresh":
            return [("token", lambda: _is(app.refresh(dead.token), 200))]
        tries: list[tuple[str, Callable[[], bool]]] = [
            ("userinfo", lambda: _is(app.call("userinfo", "GET", "/userinfo", dead.token), 200)),
            ("hand-out", lambda: _is(app.exchange(dead.token), 200)),
        ]
        if app.secret:
            tries.append(("introspect", lambda: _active(app.post("introspect", "/introspect", token=dead.token))))
        return tries


def _is(answer: Answer | None, status: int) -> bool:
    return answer is not None and answer.status == status


def _active(answer: Answer | None) -> bool:
    told: Any = answer.json if answer is not None and answer.status == 200 else {}
    return told.get("active") is True
