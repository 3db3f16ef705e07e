"""The estimate of a month's cost, and its prices, which are those that `dev.py cost` computes."""

from bench.cost.pricing import a_million, read_counts, read_prices, standing
from cli.console.cost import IDLE_MONTH, MILLION, SIGN_IN_REQUESTS, estimate_month


def test_the_prices_are_those_of_the_cost_model() -> None:
    things, prices = read_counts().things, read_prices()
    assert {
        name: round(a_million(things[name], next(iter(prices["front_door"])), prices), 2) for name in MILLION
    } == MILLION
    assert round(standing(prices), 2) == IDLE_MONTH
    assert things["sign-in"].requests == SIGN_IN_REQUESTS
    assert [things[name].requests for name in ("hand-out", "refresh")] == [1, 1]


def test_nothing_costs_what_an_idle_month_costs() -> None:
    assert estimate_month(requests=0, sign_ins=0, hand_outs=0, minutes=60) == IDLE_MONTH


def test_a_day_is_a_thirtieth_of_a_month() -> None:
    month = estimate_month(requests=4_000_000 + 10, sign_ins=1_000_000, hand_outs=10, minutes=1440)
    assert round(month - IDLE_MONTH, 2) == round(30 * (MILLION["sign-in"] + 10 * MILLION["hand-out"] / 1_000_000), 2)


def test_fewer_requests_than_their_sign_ins_need_cost_no_less_than_the_sign_ins() -> None:
    assert estimate_month(requests=1, sign_ins=1, hand_outs=0, minutes=60) > IDLE_MONTH
