"""Codes and refresh tokens under many parallel requests to two brokers (RELIABILITY F01, F04, F05, F07)."""

import time
from collections import Counter
from urllib.parse import urlsplit

from tests.concurrency.races.arena import CROWD, Arena, Crowd
from tests.concurrency.races.code_redemption import redeem, refused
from tests.kit.processes import start_module
from tests.kit.requirement import requirement


@requirement("F01", "CODE-03")
def test_a_code_succeeds_exactly_once_in_every_round(arena: Arena, crowd: Crowd, rounds: int) -> None:
    winners: Counter[int] = Counter()
    for _ in range(rounds):
        ticket = arena.issue()
        answers = crowd.ask([arena.redemption(ticket)] * CROWD)
        winners[sum(status == 200 for status, _ in answers)] += 1
        assert refused(answers) == {(400, "invalid_grant")}
    assert winners == {1: rounds}


@requirement("F05", "REF-03", "REF-04")
def test_all_who_refresh_at_once_get_the_same_one_successor(arena: Arena, crowd: Crowd, rounds: int) -> None:
    successors: Counter[int] = Counter()
    for _ in range(rounds):
        ticket = arena.issue()
        first = redeem(crowd, arena, ticket)
        answers = crowd.ask([arena.refresh(first)] * CROWD)
        assert refused(answers) == set()
        successors[len({body["refresh_token"] for _, body in answers})] += 1
        assert arena.found(ticket).generation == 2
    assert successors == {1: rounds}


@requirement("CODE-04", "REV-03")
def test_a_code_sent_again_with_everything_right_ends_the_grant_for_both_brokers(arena: Arena, crowd: Crowd) -> None:
    ticket = arena.issue()
    token = redeem(crowd, arena, ticket)
    assert refused(crowd.ask([arena.redemption(ticket)] * 2)) == {(400, "invalid_grant")}
    assert arena.found(ticket).status == "revoked"
    assert refused(crowd.ask([arena.refresh(token)] * 2)) == {(400, "invalid_grant")}


@requirement("F04", "CODE-04", "CODE-01")
def test_a_code_sent_again_with_a_wrong_verifier_harms_nobody(arena: Arena, crowd: Crowd) -> None:
    ticket = arena.issue()
    wrong = arena.redemption(ticket, code_verifier="x" * 43)
    assert refused(crowd.ask([wrong] * CROWD)) == {(400, "invalid_grant")}
    token = redeem(crowd, arena, ticket)
    assert refused(crowd.ask([wrong] * CROWD)) == {(400, "invalid_grant")}
    assert crowd.ask([arena.refresh(token)])[0][0] == 200


@requirement("F04", "CODE-01")
def test_the_honest_redemption_wins_among_thieves_with_a_wrong_verifier(arena: Arena, crowd: Crowd) -> None:
    for number in range(CROWD):
        ticket = arena.issue()
        forms = [arena.redemption(ticket, code_verifier="x" * 43)] * CROWD
        forms[number] = arena.redemption(ticket)
        answers = crowd.ask(forms)
        assert [status for status, _ in answers].index(200) == number
        assert arena.found(ticket).status == "active"


@requirement("REF-05")
def test_a_refresh_token_used_after_its_grace_ends_the_grant_for_both_brokers(arena: Arena, crowd: Crowd) -> None:
    tickets = [arena.issue(grace_seconds=2) for _ in range(4)]
    first = [redeem(crowd, arena, ticket) for ticket in tickets]
    second = [crowd.ask([arena.refresh(token)])[0][1]["refresh_token"] for token in first]
    time.sleep(3)
    assert refused(crowd.ask([arena.refresh(token) for token in first])) == {(400, "invalid_grant")}
    assert {arena.found(ticket).status for ticket in tickets} == {"revoked"}
    assert refused(crowd.ask([arena.refresh(token) for token in second])) == {(400, "invalid_grant")}


@requirement("REF-03", "REF-05")
def test_two_generations_at_once_never_make_two_lines(arena: Arena, crowd: Crowd, rounds: int) -> None:
    for _ in range(max(1, rounds // 10)):
        ticket = arena.issue()
        first = redeem(crowd, arena, ticket)
        second = crowd.ask([arena.refresh(first)])[0][1]["refresh_token"]
        answers = crowd.ask([arena.refresh(first), arena.refresh(second)] * (CROWD // 2))
        grant = arena.found(ticket)
        live = {body["refresh_token"] for status, body in answers if status == 200}
        assert len(live - {second}) <= 1
        assert (grant.status, grant.generation) in (("active", 3), ("revoked", 3), ("revoked", 2))


@requirement("F01", "CODE-03")
def test_without_the_condition_the_same_harness_counts_duplicates(arena: Arena) -> None:
    options = ("--issuer", arena.issuer, "--endpoint-url", arena.endpoint_url, "--without-conditions")
    brokers = [start_module("tests.kit.broker_process", *options) for _ in range(2)]
    crowd = Crowd([broker.said["url"] for broker in brokers], urlsplit(arena.issuer).netloc)
    try:
        winners = [
            sum(status == 200 for status, _ in crowd.ask([arena.redemption(ticket)] * CROWD))
            for ticket in (arena.issue() for _ in range(5))
        ]
    finally:
        crowd.close()
        for broker in brokers:
            broker.stop()
    assert max(winners) > 1, winners
