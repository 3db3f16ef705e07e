"""How often a request reads the clock below the routes: one decision must not straddle two seconds."""

import sys
from collections import Counter
from collections.abc import Callable

from tests.kit.http.browser import Answer
from tests.kit.http.stack import MovableClock, Stack
from tests.kit.http.tokens import CONFIDENTIAL, start_session
from tests.kit.requirement import requirement

# A count may only fall. A callback reads the cookie, claims, and reads again after the provider's response: twice for
# that response, once for all that follows, and once where a new user, a note or a cookie's age is written. A refresh
# authenticates the client, counts the request against its limit, and decides at one moment.
MOST = {"callback": 8, "refresh": 3, "GET /account": 1, "GET /logout": 2}


class CountingClock(MovableClock):
    """Counts who reads it, by file and function; adapters have their own reasons."""

    def __init__(self, clock: MovableClock) -> None:
        self.time = clock.time
        self.readers: Counter[str] = Counter()

    def now(self) -> int:
        code = sys._getframe(1).f_code
        _, ours, place = code.co_filename.partition("/chalicelib/")
        if ours and not place.startswith("adapters/"):
            self.readers[f"{place} {code.co_name}"] += 1
        return super().now()


@requirement("BUDGET")
def test_a_request_reads_the_clock_at_most_so_often(stack: Stack) -> None:
    session = start_session(stack, who="bob", **CONFIDENTIAL)
    arriving = stack.to_callback(session.sign_in.client, session.sign_in.secret)
    clock = CountingClock(stack.clock)
    object.__setattr__(stack.broker, "clock", clock)

    def readings(step: Callable[[], Answer]) -> Counter[str]:
        clock.readers.clear()
        assert step().status in (200, 302, 303)
        return clock.readers.copy()

    browser = session.sign_in.browser
    read = {
        "callback": readings(lambda: arriving.browser.get(arriving.callback)),
        "refresh": readings(lambda: session.refresh()),
        "GET /account": readings(lambda: browser.get("/account")),
        "GET /logout": readings(lambda: browser.get("/logout")),
    }
    assert {name: sum(readers.values()) for name, readers in read.items()} == MOST, read
