"""Items that are copied late, out of order, twice or never: what is decided at home stays decided (docs/regions.md)."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.http.records.replicating import Image, Regions
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, events, refusal
from tests.kit.requirement import requirement

AWAY = (503, "temporarily_unavailable")
REFUSED = (400, "invalid_grant")
Order = Callable[[Sequence[Image]], Sequence[Image]]
ORDERS: dict[str, Order] = {
    "as written": tuple,
    "newest first": lambda images: images[::-1],
    "twice": lambda images: (*images, *images),
}
every_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


@pytest.fixture
def regions(make_stack: Callable[..., Stack]) -> Iterator[Regions]:
    found = Regions(make_stack(region_letter="a"))
    yield found
    found.drop()


def sign_in(regions: Regions, letter: str = "a") -> Session:
    """In one region; nothing of it has been copied yet."""
    stack = regions.at(letter)
    begun = stack.sign_in(regions.client)
    return Session(stack, begun, stack.redeem(begun).json)


@requirement("HOME-02")
@every_order
def test_a_code_is_redeemed_once_however_late_its_items_come(regions: Regions, order: Order) -> None:
    begun = regions.at("a").sign_in(regions.client)
    for _ in ("not yet there", "there"):
        assert refusal(regions.at("b").redeem(begun)) == AWAY
        regions.tables.send("a", order)
    assert regions.at("a").redeem(begun).status == 200
    assert refusal(regions.at("b").redeem(begun)) == AWAY, "its item says there that it waits still"
    regions.tables.send("a", order)
    assert refusal(regions.at("b").redeem(begun)) == AWAY
    assert refusal(regions.at("a").redeem(begun)) == REFUSED
    assert regions.tables.waiting["b"] == [], "who is not at home writes nothing"


@requirement("HOME-02")
@every_order
def test_a_refresh_token_has_one_successor_and_the_newest_stays(regions: Regions, order: Order) -> None:
    session = sign_in(regions)
    tokens = [session.refresh_token]
    for _ in range(3):
        tokens.append(session.refresh(tokens[-1]).json["refresh_token"])
    regions.tables.send("a", order)
    regions.at("b")
    assert [refusal(session.refresh(token)) for token in tokens] == [AWAY] * 4
    assert regions.tables.waiting["b"] == []
    regions.lose_a()
    now = session.refresh(tokens[-1])
    assert now.status == 200 and session.refresh(now.json["refresh_token"]).status == 200
    regions.stack.clock.advance(31)
    assert refusal(session.refresh(tokens[0])) == REFUSED


@requirement("HOME-02")
@every_order
def test_what_has_ended_is_not_revived_by_what_comes_after_it(regions: Regions, order: Order) -> None:
    session = sign_in(regions)
    second = session.refresh().json
    session.stack.post("/revoke", session.client, token=second["refresh_token"])
    sent = regions.tables.send("a", order)
    regions.lose_a()
    regions.tables.waiting["a"] += sent  # a stream that begins again from the start
    regions.tables.send("a", order)
    for token in (session.refresh_token, second["refresh_token"]):
        assert refusal(session.refresh(token)) == REFUSED
    assert session.userinfo().status == session.stack.userinfo(second["access_token"]).status == 401


@requirement("HOME-02")
def test_what_the_lost_region_wrote_before_does_not_undo_what_was_decided_since(regions: Regions) -> None:
    session = sign_in(regions)
    regions.tables.send("a")
    second = session.refresh().json["refresh_token"]
    late, regions.tables.waiting["a"] = regions.tables.waiting["a"], []
    regions.lose_a()
    other = session.refresh().json["refresh_token"]
    regions.tables.waiting["a"] += late
    regions.tables.send("a")
    assert session.refresh(other).status == 200, "one line goes on, that of the region that decides"
    regions.stack.clock.advance(31)
    assert refusal(session.refresh(second)) == REFUSED


@requirement("HOME-02")
def test_what_was_not_copied_when_a_region_was_lost_is_as_if_it_had_never_been(regions: Regions) -> None:
    """The loss that docs/regions.md names: a turn, a redemption and a revocation that nobody else has seen."""
    turned, ended = sign_in(regions), sign_in(regions)
    waits = regions.at("a").sign_in(regions.client)
    regions.tables.send("a")
    newest = turned.refresh().json["refresh_token"]
    assert regions.stack.redeem(waits).status == 200
    regions.stack.post("/revoke", ended.client, token=ended.refresh_token)
    regions.lose_a()
    assert refusal(turned.refresh(newest)) == REFUSED
    assert events(regions.stack, "alarm")[-1]["kind"] == "handle_from_the_future"
    answers = [turned.refresh(), regions.stack.redeem(waits), ended.refresh()]
    assert [answer.status for answer in answers] == [200] * 3, "each of them once more, by the one that decides now"


@requirement("HOME-02")
def test_a_raised_epoch_leaves_nothing_of_what_was_lost(regions: Regions) -> None:
    turned, ended = sign_in(regions), sign_in(regions)
    waits = regions.at("a").sign_in(regions.client)
    regions.tables.send("a")
    newest = turned.refresh().json["refresh_token"]
    regions.stack.redeem(waits)
    regions.stack.post("/revoke", ended.client, token=ended.refresh_token)
    regions.lose_a(epoch=1)
    answers = [turned.refresh(), turned.refresh(newest), ended.refresh(), regions.stack.redeem(waits)]
    assert [refusal(answer) for answer in answers] == [REFUSED] * 4
    assert sign_in(regions, "b").refresh().status == 200


@requirement("HOME-02")
def test_two_regions_that_decide_about_one_letter_both_win(regions: Regions) -> None:
    """What a home is for, and why a letter is never adopted while its region lives."""
    begun = regions.at("a").sign_in(regions.client)
    regions.tables.send("a")
    regions.brokers["b"] = regions.deploy("b", adopted_letters="a")
    assert [regions.at(letter).redeem(begun).status for letter in "ab"] == [200, 200]
