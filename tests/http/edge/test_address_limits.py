"""A flood from one address, or of one client, is told to wait; everybody else is served, and nothing grows."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters.process.rate_limiter import ENTRIES, BlockLimiter
from chalicelib.endpoints.callers.rate_limits import count_network_request
from chalicelib.protocol.errors import TooManyRequests
from chalicelib.protocol.request import Request
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, start_session
from tests.kit.limits.rate_limits import FLOOD, NEIGHBOUR, send, to_the_minute
from tests.kit.requirement import requirement


@pytest.fixture
def tight(make_stack: Callable[..., Stack]) -> Stack:
    """Ten requests a minute, so every single one is told to the table."""
    stack = make_stack(requests_per_address=10, requests_per_client=10, registration="open")
    to_the_minute(stack)
    return stack


@requirement("GEN-21", "F28")
@pytest.mark.parametrize("path", ["/authorize?client_id=x", "/device", "/account", "/logout", "/connect/x"])
def test_pages_for_anybody_are_held_to_the_address_and_nobody_elses(tight: Stack, path: str) -> None:
    for number in range(10):
        assert send(tight, FLOOD, path, X_Forwarded_For=f"203.0.113.{number}")[0] != 429
    status, again, body = send(tight, FLOOD, path)
    assert (status, again) == (429, "60") and "<html" in body
    with tight.dynamodb.counted() as calls:
        assert [send(tight, FLOOD, path)[0] for _ in range(5)] == [429] * 5
    assert not calls, "who is over costs nothing more"
    assert send(tight, NEIGHBOUR, path)[0] != 429
    tight.clock.advance(60)
    assert send(tight, FLOOD, path)[0] != 429


@requirement("GEN-21", "F28")
def test_what_a_client_without_a_secret_asks_is_its_senders(tight: Stack) -> None:
    """Its name is known to everybody: a flood under it must not have it refused elsewhere."""
    client, _ = tight.client()
    form = {"client_id": client.client_id, "grant_type": "refresh_token", "refresh_token": "x"}
    assert [send(tight, FLOOD, "/token", form)[0] for _ in range(12)] == [400] * 10 + [429] * 2
    assert '"slow_down"' in send(tight, FLOOD, "/par", form)[2], "all that proves nothing is one sum"
    assert send(tight, NEIGHBOUR, "/token", form)[0] == 400
    session = start_session(tight, client=(client, None))
    assert session.refresh().status == 200


@requirement("F28")
def test_a_hot_client_is_told_to_wait_and_the_others_are_served(tight: Stack) -> None:
    """A hundred times the rest."""
    hot, *others = (start_session(tight, **CONFIDENTIAL) for _ in range(4))
    tight.clock.advance(60)
    assert [each.exchange().status for each in others] == [200] * 3
    with tight.dynamodb.counted() as calm:
        assert [each.exchange().status for each in others] == [200] * 3
    answers = []
    for number in range(100):
        answers.append(hot.exchange())
        if number % 33 == 0:
            assert [each.exchange().status for each in others] == [200] * 3
    assert [answer.status for answer in answers] == [200] * 10 + [429] * 90
    refused = answers[-1]
    assert (refused.json["error"], refused.header("retry-after")) == ("slow_down", "60")
    with tight.dynamodb.counted() as flooded:
        assert [each.exchange().status for each in others] == [200] * 3
    assert flooded == calm, "the flood adds nothing to what the others cost"
    with tight.dynamodb.counted() as refusing:
        assert [hot.exchange().status for _ in range(10)] == [429] * 10
    assert not refusing
    assert send(tight, NEIGHBOUR, "/authorize?client_id=x")[0] != 429


@requirement("BUDGET", "F28")
def test_an_honest_request_costs_no_call_and_many_cost_one_in_a_block(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(requests_per_address=200)
    to_the_minute(stack)
    with stack.dynamodb.counted() as calls:
        for _ in range(9):
            send(stack, FLOOD, "/device")
    assert not calls
    with stack.dynamodb.counted() as calls:
        send(stack, FLOOD, "/device")
    assert calls == {"UpdateItem": 1}


@requirement("GEN-21")
def test_of_ipv6_the_network_is_counted_and_we_ourselves_are_not(stack: Stack, make_stack: Any) -> None:
    stack = make_stack(requests_per_address=2)
    to_the_minute(stack)

    def ask(address: str) -> None:
        count_network_request(stack.broker, Request(method="GET", source_ip=address))

    for address in ("2001:db8::1", "2001:db8::ffff"):
        ask(address)
    with pytest.raises(TooManyRequests):
        ask("2001:db8::2")
    ask("2001:db8:0:1::1")
    for _ in range(5):
        ask("127.0.0.1")
        ask("")


@requirement("F28")
def test_any_number_of_addresses_takes_so_much_memory(stack: Stack) -> None:
    limiter = BlockLimiter(stack.broker.store)
    for number in range(3 * ENTRIES):
        limiter.spend(f"place#{number}", limit=1200, now=stack.clock.now())
    assert len(limiter._counters) == ENTRIES


@requirement("F28")
def test_without_limits_nothing_is_counted(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(requests_per_address=0, requests_per_client=0)
    to_the_minute(stack)
    with stack.dynamodb.counted() as calls:
        assert {send(stack, FLOOD, "/device")[0] for _ in range(30)} == {200}
    assert not calls


@requirement("GEN-21", "F28")
def test_from_the_limit_on_a_wrong_secret_writes_nothing(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(failed_authentications_per_address=3)
    client, secret = stack.client(**CONFIDENTIAL)
    wrong = [stack.token(client, "0" * 64, grant_type="refresh_token", refresh_token="x").status for _ in range(5)]
    assert wrong == [401] * 3 + [429] * 2
    with stack.dynamodb.counted() as calls:
        assert stack.token(client, "0" * 64, grant_type="refresh_token", refresh_token="x").status == 429
    assert "UpdateItem" not in calls and "PutItem" not in calls
    assert stack.token(client, secret, grant_type="refresh_token", refresh_token="x").status == 400
