"""One warm process: consistent reads, bounded caches that mix nothing up, limits that hold under parallel calls."""

import importlib
import pkgutil
import re
import secrets
from collections.abc import Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from functools import _lru_cache_wrapper
from typing import Any

import pytest

import chalicelib
from chalicelib.adapters.dynamodb.record_cache import AGE, ENTRIES, CachedRegistry
from chalicelib.records.item_keys import client_item_key
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.http.surface import raw
from tests.kit.requirement import requirement


def whole_sign_in(stack: Stack, who: str) -> dict[str, Any]:
    """Everything that one user and app do; what they see of themselves."""
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    sign_in = stack.sign_in(client, secret, who=who)
    tokens = stack.redeem(sign_in).json
    handed = stack.exchange(sign_in, tokens["access_token"]).json
    again = stack.refresh(sign_in, tokens["refresh_token"]).json
    seen = stack.userinfo(again["access_token"]).json
    assert stack.post("/revoke", client, secret, token=again["refresh_token"]).status == 200
    assert stack.userinfo(again["access_token"]).status == 401
    return {"client": client, "seen": seen, "provider_token": handed["access_token"], "tokens": tokens}


@requirement("GEN-15")
def test_every_read_of_a_request_is_strongly_consistent_and_of_whole_keys(stack: Stack) -> None:
    stack.dynamodb.calls.clear()
    whole_sign_in(stack, "alice")
    calls = stack.dynamodb.calls
    assert {operation for operation, _ in calls} == {"BatchGetItem", "PutItem", "UpdateItem"}
    reads = [payload["RequestItems"] for operation, payload in calls if operation == "BatchGetItem"]
    assert len(reads) > 5
    for tables in reads:
        for request in tables.values():
            assert request["ConsistentRead"] is True
            assert all(set(one) == {"pk", "sk"} for one in request["Keys"])
            assert "ProjectionExpression" not in request
    assert not any("IndexName" in payload for _, payload in calls)


@requirement("GEN-15")
def test_a_stale_answer_cannot_be_produced(make_stack) -> None:
    """The transport answers every read that is not marked strongly consistent with what stood there first."""
    stack = make_stack()
    inner = stack.deployment.dynamodb
    stack.broker = stack.build(dynamodb=FaultyTransport(inner, Fault(mode="S", operation="BatchGetItem", times=10_000)))
    seen = whole_sign_in(stack, "bob")["seen"]
    assert seen["name"]


@requirement("GEN-16")
def test_a_second_user_sees_nothing_of_the_first(stack: Stack) -> None:
    alice, bob = whole_sign_in(stack, "alice"), whole_sign_in(stack, "bob")
    assert alice["seen"]["sub"] != bob["seen"]["sub"]
    assert not set(alice["seen"].values()) - {True, False} & set(bob["seen"].values()) - {True, False}
    assert alice["provider_token"] != bob["provider_token"]
    for name in ("access_token", "id_token", "refresh_token"):
        assert alice["tokens"][name] != bob["tokens"][name]
    page = stack.authorize(stack.authorize_parameters(bob["client"]))
    told = re.sub(r'value="[^"]*"', "", page.body.lower())  # what is sealed has any letters
    assert "alice" not in told and "bob" not in told


@requirement("GEN-16")
def test_many_at_once_get_what_is_theirs(stack: Stack) -> None:
    people = ("alice", "bob") * 4
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda who: (who, whole_sign_in(stack, who)), people))
    subs = {who: {result["seen"]["sub"] for one, result in results if one == who} for who in ("alice", "bob")}
    assert all(len(found) == 1 for found in subs.values()) and subs["alice"] != subs["bob"]
    assert all(who in str(result["seen"]).lower() for who, result in results)
    assert len({result["provider_token"] for _, result in results}) == len(people)


@requirement("GEN-16")
def test_nothing_grows_in_the_modules(stack: Stack) -> None:
    whole_sign_in(stack, "alice")
    before = {name: size for name, size in _sizes() if size}
    for who in ("bob", "alice", "bob"):
        whole_sign_in(stack, who)
    assert {name: size for name, size in _sizes() if size} == before


def _sizes() -> Iterator[tuple[str, int]]:
    """The length of whatever could hold something between requests: every container of every module."""
    for found in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if isinstance(value, _lru_cache_wrapper):
                bound = value.cache_parameters()["maxsize"]
                assert bound is None or bound <= 1024, f"{found.name}.{name} holds too much"
                if bound is None:  # by its arguments' type it has few values; then it does not grow
                    yield f"{found.name}.{name}", value.cache_info().currsize
            elif isinstance(value, Sized) and isinstance(value, (dict, list, set, bytearray)) and name[:2] != "__":
                yield f"{found.name}.{name}", len(value)


@requirement("GEN-16")
def test_the_registry_is_bounded_in_count_and_age_and_never_keeps_an_absence(stack: Stack) -> None:
    registry = CachedRegistry(stack.deployment.store, stack.clock)
    client, _ = stack.client()
    place = client_item_key(client.client_id)
    for _ in range(3):
        registry.lookup(place, *(client_item_key(secrets.token_hex(16)) for _ in range(50)))
    assert len(registry._entries) == 1
    known = registry.lookup(place).get(place)
    assert known is not None
    stack.deployment.delete(place)
    assert registry.lookup(place).get(place) == known
    stack.clock.advance(AGE)
    assert registry.lookup(place).get(place) is None
    many = {client_item_key(f"{n:032x}"): known for n in range(ENTRIES + 50)}
    registry._remember(many, stack.clock.now(), frozenset())
    assert len(registry._entries) == ENTRIES


@requirement("GEN-21", "TOK-04")
def test_the_limit_of_failures_holds_with_200_parallel_calls_and_no_header_moves_it(make_stack) -> None:
    stack = make_stack(failed_authentications_per_address=25)
    client, secret = stack.client(token_endpoint_auth_method="client_secret_post")

    def wrong(number: int) -> tuple[int, str | None]:
        address = f"10.{number % 200}.0.1"
        headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("X-Forwarded-For", f"{address}, {address}"), ("X-Real-Ip", address), ("Forwarded", f"for={address}"),
            ("True-Client-Ip", address), ("Cf-Connecting-Ip", address),
        ]  # fmt: skip
        body = f"client_id={client.client_id}&client_secret={number:064x}&token=x".encode()
        answer = raw(stack.netloc, "POST", "/revoke", headers, body)
        return answer.status, answer.header("retry-after")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(wrong, range(200)))
    assert sorted(status for status, _ in answers) == [401] * 25 + [429] * 175
    assert all(0 < int(wait or 0) <= 900 for status, wait in answers if status == 429)
    assert stack.post("/revoke", client, secret, token="x").status == 200
    stack.clock.advance(900)
    assert wrong(1)[0] == 401


@requirement("GEN-14")
@pytest.mark.parametrize("seconds", [60, 61, 3600])
def test_a_code_that_the_table_still_holds_is_over(stack: Stack, seconds: int) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client, scope=SCOPE)
    stack.clock.advance(seconds)
    assert stack.redeem(sign_in).json["error"] == "invalid_grant"
