"""A code or device code that a revocation ended after the user decided: the broker refuses it and revokes the grant."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    consent_item_key,
    provider_item_key,
    subject_item_key,
)
from chalicelib.records.resource import Resource
from chalicelib.records.revocation import Revocation
from cli.deployment.operations import create_resource, delete_client
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.browser import Answer
from tests.kit.http.device import start_device
from tests.kit.http.fault_line import Line
from tests.kit.http.sign_in_scene import grants
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, change, mark, read_claims, refusal
from tests.kit.requirement import requirement

API = "https://api.example"
REFUSED = (400, "invalid_grant")
PLACES: dict[str, Callable[[Any], ItemKey[Any]]] = {
    "deployment": lambda grant: DEPLOYMENT,
    "client": lambda grant: client_item_key(grant.client_id),
    "provider": lambda grant: provider_item_key(grant.provider_id),
    "subject": lambda grant: subject_item_key(grant.sub),
    "consent": lambda grant: consent_item_key(grant.sub, grant.client_id),
}
Redeem = Callable[[], Answer]


@pytest.fixture
def line(make_stack: Callable[..., Stack]) -> Line:
    """A broker behind the line."""
    line = Line()
    line.stack = make_stack(dynamodb=line)
    return line


def with_code(stack: Stack) -> Redeem:
    sign_in = stack.sign_in(*stack.client(**CONFIDENTIAL))
    return lambda: stack.redeem(sign_in)


def with_device(stack: Stack) -> Redeem:
    device = start_device(stack)
    device.approve()
    return device.poll


def the_grant(stack: Stack) -> Any:
    """The only one."""
    (grant,) = grants(stack)
    return grant


KINDS = pytest.mark.parametrize("ready", [with_code, with_device])


@requirement("CODE-08", "OPS-02")
@KINDS
@pytest.mark.parametrize("disabled", [False, True], ids=["not_before", "disabled"])
@pytest.mark.parametrize("name", PLACES)
def test_a_mark_after_the_decision_is_met_at_redemption(
    stack: Stack, ready: Callable[[Stack], Redeem], name: str, disabled: bool
) -> None:
    redeem = ready(stack)
    mark(stack, PLACES[name](the_grant(stack)), disabled=disabled)
    over = (401, "invalid_client") if name == "client" and disabled else REFUSED
    assert refusal(redeem()) == over
    assert the_grant(stack).status == "revoked"


@requirement("CODE-08", "OPS-02")
@pytest.mark.parametrize("name", PLACES)
def test_a_mark_from_before_the_decision_lets_the_code_be_redeemed(stack: Stack, name: str) -> None:
    redeem = with_code(stack)
    grant = the_grant(stack)
    change(stack, PLACES[name](grant), marks=Revocation(not_before=grant.decided_at))
    assert redeem().status == 200


@requirement("CODE-08", "TOK-07")
@KINDS
def test_a_client_deleted_a_second_ago_redeems_nothing(stack: Stack, ready: Callable[[Stack], Redeem]) -> None:
    redeem = ready(stack)
    delete_client(stack.deployment, the_grant(stack).client_id)
    assert refusal(redeem()) == (401, "invalid_client")
    assert the_grant(stack).status == "revoked"


@requirement("CODE-08")
@KINDS
@pytest.mark.parametrize("name", ["provider", "subject", "consent"])
def test_a_record_that_is_gone_refuses_the_code(stack: Stack, ready: Callable[[Stack], Redeem], name: str) -> None:
    redeem = ready(stack)
    assert stack.deployment.delete(PLACES[name](the_grant(stack)))
    assert refusal(redeem()) == REFUSED
    assert the_grant(stack).status == "revoked"


@requirement("CODE-08", "ACC-07")
@KINDS
def test_an_app_that_its_user_has_paused_redeems_nothing_and_is_told_why(
    stack: Stack, ready: Callable[[Stack], Redeem]
) -> None:
    redeem = ready(stack)
    change(stack, PLACES["consent"](the_grant(stack)), paused_at=stack.clock.now())
    refused = redeem()
    assert (refusal(refused), refused.json["reason"]) == (REFUSED, "paused")


@requirement("CODE-08")
@KINDS
def test_a_kill_between_the_write_that_redeems_and_the_read_after_it_refuses_the_code(
    line: Line, ready: Callable[[Stack], Redeem]
) -> None:
    assert line.stack is not None
    stack, redeem = line.stack, ready(line.stack)
    kill = partial(mark, stack, subject_item_key(the_grant(stack).sub))
    line.faulty = FaultyTransport(stack.dynamodb, Fault(mode="D", operation="BatchGetItem"), on_delay=kill)
    assert refusal(redeem()) == REFUSED
    assert line.faulty.calls[:2] == ["UpdateItem", "BatchGetItem"]
    line.faulty = None
    assert (the_grant(stack).status, the_grant(stack).generation) == ("revoked", 1)


@requirement("CODE-08", "GEN-13")
@KINDS
def test_where_the_table_cannot_say_whether_the_grant_stands_there_are_no_tokens(
    line: Line, ready: Callable[[Stack], Redeem]
) -> None:
    assert line.stack is not None
    redeem = ready(line.stack)
    line.faulty = FaultyTransport(line.stack.dynamodb, Fault(mode="B", operation="BatchGetItem", times=3))
    assert refusal(redeem()) == (503, "temporarily_unavailable")
    line.faulty = None
    assert refusal(redeem()) == REFUSED
    assert the_grant(line.stack).status == "revoked"


@requirement("CODE-08", "VLT-12")
def test_consent_that_was_narrowed_since_narrows_the_first_token_for_an_api(stack: Stack) -> None:
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"orders:read", "orders:write"})))
    scope = "openid orders:read orders:write"
    client, _ = stack.client(resources=frozenset({API}), scopes=frozenset(scope.split()))
    sign_in = stack.sign_in(client, scope=scope, resource=API)
    change(stack, PLACES["consent"](the_grant(stack)), scopes=frozenset({"openid", "orders:read"}))
    tokens = stack.redeem(sign_in).json
    assert tokens["scope"] == read_claims(tokens["access_token"])["scope"] == "orders:read"
