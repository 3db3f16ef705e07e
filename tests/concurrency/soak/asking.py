"""What every actor can do: insist on an answer, hold tokens, and try again what has ended."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.kit.http.browser import Answer
from tests.kit.traffic.app import App
from tests.kit.traffic.history import Dead, Violation

INSIST_SECONDS, PAUSE_SECONDS = 22.0, 0.4
"""Less than the grace of a refresh token together, and longer than anything here is down."""
KEPT_DEAD = 40


@dataclass
class Session:
    """Tokens of one grant. earlier: refresh tokens that were passed."""

    access: str
    refresh: str
    since: float = field(default_factory=time.monotonic)
    earlier: list[str] = field(default_factory=list)


class Asker:
    """One person in one app, the tokens that the app holds now, and those that have ended."""

    def __init__(self, app: App, seed: int) -> None:
        self.app, self.history, self.chance = app, app.history, random.Random(seed)
        self.session: Session | None = None
        self.dead: list[Dead] = []
        self.pool = ThreadPoolExecutor(2)

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

    def both(self, ask: Callable[[], Answer | None]) -> list[Answer | None]:
        """The same request twice at one moment."""
        return [future.result() for future in [self.pool.submit(ask) for _ in range(2)]]

    def hold(self, answer: Answer) -> None:
        """Use these tokens from now on."""
        tokens = answer.json
        earlier = [*self.session.earlier, self.session.refresh][-5:] if self.session else []
        self.session = Session(tokens["access_token"], tokens["refresh_token"], earlier=earlier)

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
