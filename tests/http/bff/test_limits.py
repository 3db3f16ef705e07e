"""Calls of a page count for the browser session that it has."""

from collections.abc import Callable
from pathlib import Path

from tests.http.bff.scene import ORIGIN, App, refusal, start_app
from tests.kit.http.proxied import Api
from tests.kit.http.stack import Stack
from tests.kit.limits.rate_limits import FLOOD, send, to_the_minute
from tests.kit.requirement import requirement

LIMIT = 10


@requirement("GEN-21")
def test_calls_of_a_page_count_for_its_browser_session_and_not_for_the_address(
    make_stack: Callable[..., Stack], api: Api, tmp_path: Path
) -> None:
    """Two users behind one address, which has sent too many requests without a session."""
    app = start_app(make_stack, api, tmp_path, requests_per_address=LIMIT)
    app.sign_in()
    other = App(app.stack, api, app.client)
    other.sign_in("bob")
    to_the_minute(app.stack)

    def ask(cookie: str) -> int:
        headers = {"Origin": ORIGIN, "Broker-Bff": "1", "Cookie": cookie}
        status: int = send(app.stack, FLOOD, f"{app.path}/session", **headers)[0]
        return status

    assert [ask("a=b") for _ in range(LIMIT + 1)] == [401] * LIMIT + [429]
    mine, theirs = (f"{each.cookie_name}={each.cookie}" for each in (app, other))
    assert [ask(mine) for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]
    assert refusal(app.session())[:2] == (429, "slow_down"), "from wherever it comes"
    with app.stack.dynamodb.counted() as calls:
        assert {ask(mine) for _ in range(5)} == {429}
    assert not calls, "what is over costs nothing more"
    assert ask(theirs) == 200
    app.stack.clock.advance(60)
    assert ask(mine) == 200
