"""What the traffic of a period would cost in a month: an estimate from the list prices in docs/cost.md."""

from collections.abc import Mapping

# USD for a million of each at a REST API, and for a month without any. A test compares them with `dev.py cost`.
MILLION: Mapping[str, float] = {"sign-in": 35.07, "hand-out": 7.27, "refresh": 6.0}
IDLE_MONTH = 1.09
SIGN_IN_REQUESTS = 4
MONTH_MINUTES = 30 * 24 * 60


def estimate_month(*, requests: int, sign_ins: int, hand_outs: int, minutes: int) -> float:
    """USD a month if every period were like this one. A request of another kind counts as a refresh."""
    others = max(0, requests - SIGN_IN_REQUESTS * sign_ins - hand_outs)
    counted = {"sign-in": sign_ins, "hand-out": hand_outs, "refresh": others}
    spent = sum(MILLION[name] * count for name, count in counted.items()) / 1_000_000
    return IDLE_MONTH + spent * MONTH_MINUTES / minutes
