"""The checker of the soak sees what it is there for: brokers that lie, one way each."""

import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from chalicelib.records.client import Client
from tests.concurrency.soak.actor import Actor
from tests.concurrency.soak.asking import Session
from tests.kit.http.browser import Answer
from tests.kit.requirement import requirement
from tests.kit.traffic.app import App
from tests.kit.traffic.history import Dead, History, Violation
from tests.kit.traffic.world import World

CLIENT = Client(client_id="c", client_name="App", redirect_uris=(), token_endpoint_auth_method="none")


def answer(status: int, **body: object) -> Answer:
    """One in JSON."""
    return Answer(status, (), json.dumps(body))


class Grants:
    """A provider that knows one token, of somebody."""

    def whose(self, token: str) -> Any:
        """A family, or None."""
        user = type("User", (), {"login": "bob"})
        return type("Family", (), {"user": user}) if token == "of bob" else None


class LyingApp(App):
    """Says what it is told to say, whatever is asked; then the same again."""

    def __init__(self, *answers: Answer) -> None:
        provider = type("Provider", (), {"grants": Grants()})
        super().__init__(cast(World, type("World", (), {"provider": provider})), History(), CLIENT, None, "alice")
        self._answers = list(answers)

    def ask(self, operation: str, send: Callable[[], Answer]) -> Answer | None:
        """The next one."""
        said = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
        self.history.answered(operation, said, 0.0)
        return said

    def get_code(self) -> tuple[str, str]:
        """There always is one."""
        return "code", "verifier"


TOKENS = {"access_token": "a", "refresh_token": "r"}
LIES: dict[str, tuple[str, tuple[Answer, ...]]] = {
    "a code is good twice": ("redeem_twice", (answer(200, **TOKENS),)),
    "a good refresh token is refused": ("refresh", (answer(400, error="invalid_grant"),)),
    "an ended token is taken": ("ghost", (answer(200, **TOKENS),)),
    "what was handed out is dead": ("hand_out", (answer(200, access_token="unknown"),)),
    "somebody else's is handed out": ("hand_out", (answer(200, access_token="of bob"),)),
    "a live session gets nothing": ("hand_out", (answer(400, error="invalid_target"),)),
    "somebody else's name": ("userinfo", (answer(200, name="Name of bob"),)),
    "somebody else's notes": ("proxy", (Answer(200, (("broker-answer", "provider"),), '{"owner": "bob"}'),)),
    "a revocation is refused": ("revoke", (answer(400, error="invalid_request"),)),
    "an internal error": ("userinfo", (answer(500),)),
}


@requirement("KILL-01")
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_a_violation(lie: str) -> None:
    move, answers = LIES[lie]
    actor = Actor(LyingApp(*answers), seed=1)
    actor.session = Session("a", "r")
    actor.dead = [Dead("access", "a", "revoked")]
    with pytest.raises(Violation):
        getattr(actor, move)(actor.session)


@requirement("KILL-01")
def test_two_successors_of_one_refresh_token_are_a_violation() -> None:
    lies = [answer(200, access_token="a", refresh_token=f"r{number}") for number in range(40)]
    actor = Actor(LyingApp(*lies), seed=1)
    with pytest.raises(Violation):
        for _ in range(10):
            actor.refresh(Session("a", "r"))
