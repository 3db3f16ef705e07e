"""The real template and the real package, deployed to an AWS written by others: ministack, without an account."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import dev
from chalicelib.adapters.chain import CHAIN
from chalicelib.custody.chaining import is_genuine
from chalicelib.records.audit import AuditEvent
from chalicelib.records.places import connection_place
from chalicelib.records.seal import SETTLE_SECONDS, WINDOW_SECONDS, window_of
from local.package import ROOT
from local.template import build_template
from tests.package.deployment import Stack
from tests.package.previous import NotInThisClone
from tests.package.rehearsal import (
    Rehearsal,
    Step,
    deploy_previous,
    fail_to_update,
    go_back,
    race,
    rehearsing,
    update,
    whole_sign_in,
)
from tests.package.template import translate
from tests.package.world import ISSUER, SCHEDULED, World, leave_a_duty
from tests.requirement import requirement


@pytest.fixture(scope="module")
def here(host_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The previous release, deployed, with a user signed in; and this one over it."""
    try:
        with rehearsing(host_package, tmp_path_factory.mktemp("rehearsal")) as found:
            deploy_previous(found)
            update(found)
            yield found
    except NotInThisClone as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def world(here: Rehearsal) -> World:
    return here.world


@pytest.fixture(scope="module")
def stack(here: Rehearsal) -> Stack:
    return here.stack


@requirement("OPS-10")
@pytest.mark.parametrize("step", [whole_sign_in, race, fail_to_update])
def test_a_step_of_the_rehearsal(here: Rehearsal, step: Step) -> None:
    """After an update with a user signed in; tables, key, functions and roles made by CloudFormation."""
    step(here)


@pytest.mark.parametrize("action", ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"])
def test_a_sign_in_needs_every_action_that_the_role_has(stack: Stack, world: World, action: str) -> None:
    """Least privilege, by trying: without any one of them no sign-in ends with tokens."""
    refused = pytest.raises(AssertionError, match=r"503|no code for the app")
    with narrowed_role(stack, "ApiHandlerRole", action), refused:
        world.sign_in(stack).run()
    world.sign_in(stack).run()


def test_how_often_a_connection_was_used_needs_the_right_to_query_what_is_on_record(stack: Stack, world: World) -> None:
    sign_in = world.sign_in(stack)
    tokens = sign_in.run()
    token = sign_in.hand_out(tokens["access_token"])
    url = f"{ISSUER}/connections/{token['connection_id']}"
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    with narrowed_role(stack, "ApiHandlerRole", "dynamodb:Query"):
        assert stack.send("GET", url, headers=headers).status == 503
    first = json.loads(stack.send("GET", url, headers=headers).body)["use"]["handouts"]
    sign_in.hand_out(tokens["access_token"])
    assert json.loads(stack.send("GET", url, headers=headers).body)["use"]["handouts"] == first + 1


def test_the_schedule_needs_every_action_of_its_role_and_ends_what_is_due_with_them(stack: Stack, world: World) -> None:
    """Least privilege, by trying: without any one of them the duty is not done to its end."""
    stop_the_clock(stack)
    world.sign_in(stack).run()
    operator = world.operator(stack.endpoint_url)
    duty = leave_a_duty(operator)
    for action in ("Query", "BatchGetItem", "UpdateItem", "PutItem", "DeleteItem", "Scan"):
        with narrowed_role(stack, "JobsRole", f"dynamodb:{action}"):
            assert invoke_jobs(stack).keys() >= {"errorType"}, action
        operator.store.put_job(duty)
    assert invoke_jobs(stack) == {"done": 1, "later": 0, "given_up": 0, "idle": 0}
    place = connection_place(duty.connection_id)
    tombstone = operator.store.read(place).get(place)
    assert tombstone is not None and set(tombstone.endings.values()) == {"revoked"}


@requirement("AUD-02", "OPS-03")
def test_what_is_on_record_is_sealed_by_the_schedule_with_the_rights_that_it_has(stack: Stack, world: World) -> None:
    """The chain begins anew, with a record in each of the two windows that may be the first when it runs."""
    stop_the_clock(stack)
    operator, client = world.operator(stack.endpoint_url), stack.client("dynamodb")
    table = operator.settings.table
    while old := operator.queue.last_seal():
        client.delete_item(TableName=table, Key={"pk": {"S": CHAIN}, "sk": {"S": f"{old.window:012d}"}})
    settled = window_of(operator.clock.now() - SETTLE_SECONDS)
    for at in (settled - WINDOW_SECONDS, settled):
        operator.store.append_audit(AuditEvent(event="handout", at=at, request_id=f"{at:024x}", sub="somebody"))
    for action in ("Query", "BatchGetItem", "PutItem"):
        with narrowed_role(stack, "JobsRole", f"dynamodb:{action}"):
            invoke_jobs(stack)
        assert operator.queue.last_seal() is None, action
    assert "errorType" not in invoke_jobs(stack)
    seal = operator.queue.last_seal()
    assert seal is not None and (seal.number, seal.count) == (1, 1)
    assert is_genuine(seal, operator.keys.get("audit"))


def stop_the_clock(stack: Stack) -> None:
    """From here on the function runs when it is called, and not once a minute as well."""
    for rule in stack.client("events").list_rules()["Rules"]:
        stack.client("events").disable_rule(Name=rule["Name"])


def invoke_jobs(stack: Stack) -> dict[str, Any]:
    """The scheduled function's answer to its event."""
    (jobs,) = (f for f in stack.client("lambda").list_functions()["Functions"] if f["Handler"] == "app.jobs")
    answer = stack.client("lambda").invoke(FunctionName=jobs["FunctionName"], Payload=json.dumps(SCHEDULED))
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


@contextmanager
def narrowed_role(stack: Stack, named: str, action: str) -> Iterator[None]:
    """One role without one action."""
    iam = stack.client("iam")
    (role,) = (found["RoleName"] for found in iam.list_roles()["Roles"] if named in found["RoleName"])
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    narrowed = json.loads(json.dumps(before))
    for statement in narrowed["Statement"]:
        allowed = statement["Action"]
        statement["Action"] = [one for one in ([allowed] if isinstance(allowed, str) else allowed) if one != action]
    narrowed["Statement"] = [statement for statement in narrowed["Statement"] if statement["Action"]]
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(narrowed))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(before))


def test_the_index_and_the_alias_are_there(stack: Stack) -> None:
    table = stack.client("dynamodb").describe_table(TableName="broker")["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by_sub"]
    aliases = stack.client("kms").list_aliases()["Aliases"]
    assert "alias/broker" in [alias["AliasName"] for alias in aliases]


def test_the_gateways_own_answers_are_part_of_the_deployment() -> None:
    """As resources beside the API they would take effect only with the deployment after the next one."""
    template = build_template("./token-broker.zip", arch="arm64")
    python = dev.make_environment(ROOT / ".venv-ministack", ROOT / "requirements-ministack.txt")
    api = translate(template, python)["Resources"]["RestAPI"]["Properties"]["Body"]
    answers = api["x-amazon-apigateway-gateway-responses"]
    assert answers["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"
    assert answers["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"
    assert answers.keys() == template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"].keys()


@requirement("OPS-10")
def test_the_previous_release_goes_on_with_what_this_one_wrote(here: Rehearsal) -> None:
    """The last test here: what comes after it would meet the previous release."""
    go_back(here)
