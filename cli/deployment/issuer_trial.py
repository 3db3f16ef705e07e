"""Checks one token of a trusted issuer step by step, as a request would, and says which step refuses it."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.issuer_token import (
    check_issuer_token,
    choose_rule,
    parse_issuer_token,
    read_subject,
    verify_issuer_token,
)
from chalicelib.records.client import Client
from chalicelib.records.issuer import Issuer


class Step(Struct, frozen=True):
    """One check and its result; `reason` is for `broker explain`."""

    check: str
    passed: bool
    reason: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """The step for programs."""
        return {"check": self.check, "passed": self.passed, "reason": self.reason or None}

    def __str__(self) -> str:
        return f"passed   {self.check}" if self.passed else f"REFUSED  {self.check}: broker explain {self.reason}"


def try_token(
    issuer: Issuer, client: Client, kind: str, token: str, *, keys: Mapping[str, Any], now: int
) -> list[Step]:
    """All steps to the first one that refuses. Revocations are not checked: they depend on the user."""
    known: dict[str, Any] = {}

    def check_named() -> None:
        if known["token"].claims.get("iss") != issuer.issuer:
            raise InvalidToken("issuer_unknown")

    checks: tuple[tuple[str, Callable[[], Any], str], ...] = (
        ("the token is a JWT of at most 8 KiB", lambda: parse_issuer_token(token), "token"),
        ("its iss is this issuer", check_named, ""),
        (
            "type, audience, party and claims match a rule of this client",
            lambda: choose_rule(known["token"], issuer, kind, client.client_id),
            "rule",
        ),
        (
            "algorithm, times and age are accepted",
            lambda: check_issuer_token(known["token"], issuer, known["rule"], now=now),
            "algorithm",
        ),
        ("it names a user", lambda: read_subject(known["token"], issuer, known["rule"]), ""),
        (
            "a key of the pinned set signed it",
            lambda: verify_issuer_token(known["token"], known["algorithm"], keys),
            "",
        ),
    )
    steps = list[Step]()
    for check, run, name in checks:
        try:
            known[name] = run()
        except InvalidToken as error:
            return [*steps, Step(check, passed=False, reason=f"subject_{error.reason}")]
        steps.append(Step(check, passed=True))
    return steps
