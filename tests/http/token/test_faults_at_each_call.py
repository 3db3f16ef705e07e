"""Every call of a redemption and of a refresh fails in every way, once and for good: the code or token is good or used,
never half, and no grant is lost by it (RELIABILITY F02, F03, F06)."""

import http.client
from collections.abc import Callable

import pytest

from chalicelib.records.grant import Grant
from tests.kit.faults import Mode
from tests.kit.http.fault_line import EVERY_TRY, ONE_TRY, fail_next
from tests.kit.http.sign_in_scene import grants
from tests.kit.http.stack import SignIn, Stack
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # a C ends its thread
# mode, tries that it strikes -> status of this request and of the same one sent again afterwards
REDEEM: dict[tuple[Mode, int], tuple[int, int]] = {
    ("A", ONE_TRY): (200, 400),
    ("B", ONE_TRY): (200, 400),
    ("T", ONE_TRY): (200, 400),
    ("B", EVERY_TRY): (503, 200),
    ("T", EVERY_TRY): (503, 200),
    ("A", EVERY_TRY): (503, 400),
    ("K", ONE_TRY): (0, 200),
    ("C", ONE_TRY): (0, 400),
}
REFRESH: dict[tuple[str, Mode, int], int] = {
    **{("UpdateItem", mode, ONE_TRY): 200 for mode in ("A", "B", "T")},
    **{("UpdateItem", mode, EVERY_TRY): 503 for mode in ("A", "B", "T")},
    **{("UpdateItem", mode, ONE_TRY): 0 for mode in ("C", "K")},
    **{("BatchGetItem", mode, ONE_TRY): 200 for mode in ("A", "B", "T")},
    **{("BatchGetItem", mode, EVERY_TRY): 503 for mode in ("A", "B", "T")},
    **{("BatchGetItem", mode, ONE_TRY): 0 for mode in ("C", "K")},
}  # type: ignore[dict-item]


def only_grant(stack: Stack) -> Grant:
    """The one there is."""
    (grant,) = grants(stack)
    return grant


def status_of(stack: Stack, sign_in: SignIn, token: str | None = None) -> int:
    """Of redeeming, or of refreshing with a token; 0 where the process died and nobody answered."""
    try:
        return (stack.redeem(sign_in) if token is None else stack.refresh(sign_in, token)).status
    except (ConnectionError, http.client.HTTPException):
        return 0


@requirement("F02", "F03", "GEN-13")
@pytest.mark.parametrize(("mode", "times"), REDEEM)
def test_a_redemption_whose_write_fails(stack: Stack, mode: Mode, times: int) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    faulty = fail_next(stack, "UpdateItem", mode, times)
    now, again = REDEEM[mode, times]
    assert status_of(stack, sign_in) == now
    assert "UpdateItem" in faulty.calls
    grant = only_grant(stack)
    assert (grant.status, grant.generation) == (("issued", 0) if mode in "BTK" and now != 200 else ("active", 1))
    assert status_of(stack, sign_in) == again
    assert only_grant(stack).status == ("active" if again == 200 else "revoked")


@requirement("F03", "F06", "GEN-13")
@pytest.mark.parametrize(("operation", "mode", "times"), REFRESH)
def test_a_refresh_one_of_whose_calls_fails_costs_nobody_a_sign_in(
    stack: Stack, operation: str, mode: Mode, times: int
) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    token = stack.redeem(sign_in).json["refresh_token"]
    faulty = fail_next(stack, operation, mode, times)
    assert status_of(stack, sign_in, token) == REFRESH[operation, mode, times]
    assert operation in faulty.calls
    assert only_grant(stack).generation in (1, 2)
    again = stack.refresh(sign_in, token)
    assert again.status == 200
    assert (only_grant(stack).status, only_grant(stack).generation) == ("active", 2)
    assert stack.refresh(sign_in, again.json["refresh_token"]).status == 200


@requirement("REF-07", "GEN-13")
def test_without_a_grace_a_table_that_cannot_be_read_uses_up_no_token(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(refresh_grace_seconds=0)
    sign_in = stack.sign_in(stack.client()[0])
    token = stack.redeem(sign_in).json["refresh_token"]
    fail_next(stack, "BatchGetItem", "B", EVERY_TRY)
    assert status_of(stack, sign_in, token) == 503
    assert (only_grant(stack).status, only_grant(stack).generation) == ("active", 1)
    assert status_of(stack, sign_in, token) == 200
