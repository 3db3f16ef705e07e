"""Redeeming a code at one of two brokers."""

from tests.concurrency.races.arena import Arena, Crowd, Ticket


def redeem(crowd: Crowd, arena: Arena, ticket: Ticket) -> str:
    """Redeem alone; the refresh token."""
    ((status, body),) = crowd.ask([arena.redemption(ticket)])
    assert status == 200, body
    return body["refresh_token"]


def refused(answers: list[tuple[int, dict[str, object]]]) -> set[tuple[int, object]]:
    """What those who lost were told."""
    return {(status, body.get("error")) for status, body in answers if status != 200}
