"""One proof of possession in the hands of many at one moment, over two brokers (RFC 9449 section 11.1)."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.concurrency.races.arena import Arena, Crowd
from tests.concurrency.races.code_redemption import redeem, refused
from tests.kit.jose.proofs import ProofKey
from tests.kit.processes import start_module
from tests.kit.requirement import requirement

MANY = 50


@pytest.fixture(scope="module")
def many(crowd: Crowd) -> Iterator[Crowd]:
    """Fifty callers of the same two brokers."""
    many = Crowd(crowd.urls, crowd.host, size=MANY)
    yield many
    many.close()


def prove(arena: Arena) -> str:
    """A proof for one token request, by a key of its own."""
    return ProofKey().prove("POST", f"{arena.issuer}/token", now=arena.broker.clock.now())


@requirement("DPOP-01")
def test_one_proof_is_good_for_exactly_one_of_fifty_at_once(
    arena: Arena, crowd: Crowd, many: Crowd, rounds: int
) -> None:
    for _ in range(max(1, rounds // 20)):
        ticket = arena.issue()
        form = {**arena.refresh(redeem(crowd, arena, ticket)), "DPoP": prove(arena)}
        answers = many.ask([form] * MANY)
        assert [status for status, _ in answers].count(200) == 1
        assert refused(answers) == {(400, "invalid_dpop_proof")}
        assert arena.found(ticket).generation == 2


@requirement("DPOP-01", "CODE-03")
def test_a_code_and_a_proof_in_the_hands_of_fifty_give_one_answer_and_end_nothing(arena: Arena, many: Crowd) -> None:
    """The losers have used nothing but a used proof, so they are not who sends a code again."""
    ticket = arena.issue()
    answers = many.ask([{**arena.redemption(ticket), "DPoP": prove(arena)}] * MANY)
    assert [status for status, _ in answers].count(200) == 1
    assert refused(answers) == {(400, "invalid_dpop_proof")}
    assert arena.found(ticket).status == "active"


@requirement("DPOP-01")
def test_without_the_condition_the_same_harness_counts_several(arena: Arena, crowd: Crowd) -> None:
    options = ("--issuer", arena.issuer, "--endpoint-url", arena.endpoint_url, "--without-conditions")
    brokers = [start_module("tests.kit.broker_process", *options) for _ in range(2)]
    careless = Crowd([broker.said["url"] for broker in brokers], urlsplit(arena.issuer).netloc)
    try:
        form = {**arena.refresh(redeem(crowd, arena, arena.issue())), "DPoP": prove(arena)}
        winners = [status for status, _ in careless.ask([form] * careless.size)].count(200)
    finally:
        careless.close()
        for broker in brokers:
            broker.stop()
    assert winners > 1
