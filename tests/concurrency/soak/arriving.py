"""Getting in: by a browser or by a device, begun again as often as something is in the way."""

import time

from chalicelib.protocol.device_code import DEVICE_CODE
from tests.concurrency.soak.asking import PAUSE_SECONDS, Asker, Session
from tests.kit.traffic.app import Visitor
from tests.kit.traffic.history import Violation

SIGN_IN_SECONDS = 45.0
"""Within which somebody gets in who begins again at once, whatever is in the way but the want of a database."""


class Newcomer(Asker):
    """Who has no tokens yet."""

    def begin(self) -> None:
        """As the app does it."""
        if DEVICE_CODE in self.app.client.grant_types:
            self.begin_device()
        else:
            self.sign_in()

    def may_take_longer(self, begun: float) -> bool:
        """While there is no database nobody can get in."""
        up = self.app.world.up_since
        return up is None or time.monotonic() - max(begun, up) < SIGN_IN_SECONDS

    def sign_in(self) -> None:
        """Code and tokens; begun again as often as something is in the way."""
        begun = time.monotonic()
        while self.may_take_longer(begun):
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
        begun = time.monotonic()
        while self.may_take_longer(begun):
            told = self.app.start_device()
            if told and self.app.approve(told["user_code"]):
                answer = self.insist(lambda: self.app.poll(told["device_code"]))  # noqa: B023 - asked at once
                if answer is not None and answer.status == 200:
                    self.hold(answer)
                    return
            self.history.note("device begun again")
            time.sleep(PAUSE_SECONDS)
        raise Violation("no device gets in")

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
