"""The real template and the real package, deployed to an AWS written by others: ministack, without an account."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib.audit.hash_chain import is_genuine
from chalicelib.config import read_settings
from cli.deployment.operations import Deployment, init_keysets
from local.package.package import ROOT
from local.package.template import build_template
from local.virtual_environment import make_environment
from tests.deploy.infra.template import translate
from tests.deploy.rehearsal.deployment import Stack
from tests.deploy.rehearsal.flows import (
    as_operator,
    begin_anew,
    do_everything,
    invoke,
    leave_every_duty,
    let_keys_grow_old,
    look_at_connections,
    sign_in_at_the_team,
    start_cold,
    stop_the_clock,
    team,
    type_,
    users,
)
from tests.deploy.rehearsal.previous import NotInThisClone
from tests.deploy.rehearsal.rare_duties import leave_records_to_seal
from tests.deploy.rehearsal.recorder import Right, is_covered, rights_of_policy
from tests.deploy.rehearsal.rehearsal import (
    Rehearsal,
    Step,
    deploy_previous,
    fail_to_deploy,
    fail_to_update,
    go_back,
    race,
    rehearsing,
    update,
    whole_sign_in,
)
from tests.kit.requirement import requirement

# whose calls: the role in the template, and its policy
ROLES = {
    "APIHandler": ("ApiHandlerRole", ".chalice/policy-prod.json"),
    "Jobs": ("JobsRole", ".chalice/policy-jobs.json"),
    "Keys": ("KeysRole", ".chalice/policy-keys.json"),
    "operator": ("OperatorRole", "infra/operator-policy.json"),
}
# What Lambda does for a function comes through no door, and this AWS lets it: held against the functions' names below.
OF_LAMBDA = {
    Right(f"logs:{action}", "log-group:/aws/lambda/token-broker-*:*", "*")
    for action in ("CreateLogStream", "PutLogEvents")
}
# Keys of the other table that one call reads: no page says that AWS holds each table's keys against its own list.
OF_BOTH_TABLES = {Right("dynamodb:BatchGetItem", "table/broker", f"{kind}#*") for kind in ("USER", "JOBKEY")}
TWO = {
    "BROKER_ISSUER": "https://login.two.example.com",
    "BROKER_DEPLOYMENT": "two",
    "BROKER_TABLE": "two",
    "BROKER_KEYS_TABLE": "two-keys",
    "BROKER_KMS_KEY": "alias/two",
}
API_FLOWS = {
    "OneItemAtATime": whole_sign_in,
    "KeysOfUsers": whole_sign_in,
    "WhatOneUserHas": look_at_connections,
    "HowOftenOneUsersConnectionsWereUsed": look_at_connections,
    "OpenThisDeploymentsKeysets": whole_sign_in,
}
OPERATOR_WORDS = {
    "RecordsOfTheDeployment": ["connection", "list"],
    "WhatUsersHave": ["user", "sign-out", "{sub}"],
    "KeysetsOfThisDeployment": ["keys", "rotate", "signing", "--emergency", "--yes"],
    "LinesOfRefusals": ["explain", "{error_id}"],
    "WhichLogGroupItIs": ["explain", "{error_id}"],
    "KeysOfUsers": ["user", "erase", "{sub}", "--yes"],  # the last one, for nobody is left then
}


@pytest.fixture(scope="module")
def here(host_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The previous release, deployed, with a user signed in; and this one over it."""
    try:
        with rehearsing(host_package, tmp_path_factory.mktemp("rehearsal")) as found:
            deploy_previous(found)
            update(found)
            for name, (_, file) in ROLES.items():
                found.doors[name].allowed = rights_of_policy(read_policy(file))
            yield found
    except NotInThisClone as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def stack(here: Rehearsal) -> Stack:
    return here.stack


# A part of a seal is written for a window with more acts than happen here.
PARTS = Right("dynamodb:PutItem", "table/broker", "AUDITPART#*")


@requirement("OPS-10")
@pytest.mark.parametrize("step", [whole_sign_in, race, fail_to_update])
def test_a_step_of_the_rehearsal(here: Rehearsal, step: Step) -> None:
    """After an update with a user signed in; tables, key, functions and roles made by CloudFormation."""
    step(here)


@requirement("AWS-04", "OPS-10")
def test_a_first_deployment_that_failed_can_be_repeated(host_package: Path, tmp_path: Path) -> None:
    """With a bad certificate first: where this AWS is empty, nothing of before may stay."""
    try:
        with rehearsing(host_package, tmp_path) as fresh:
            fail_to_deploy(fresh)
    except NotInThisClone as reason:
        pytest.skip(str(reason))


@requirement("OPS-11")
def test_each_role_may_do_exactly_what_is_done_with_it(here: Rehearsal) -> None:
    """Recorded as it leaves the adapter, held against the policy both ways: action, resource, leading key, purpose."""
    do_everything(here)
    for role, (_, file) in ROLES.items():
        made, allowed = here.doors[role].made, rights_of_policy(read_policy(file))
        assert not [call for call in made if not any(is_covered(call, right) for right in allowed)], role
        unused = {right for right in allowed if not any(is_covered(call, right) for call in made)}
        spare = OF_BOTH_TABLES | {PARTS} if role == "Jobs" else set[Right]()
        assert unused == (OF_LAMBDA | spare if role != "operator" else set()), role
    for function in here.stack.client("lambda").list_functions()["Functions"]:
        line = Right("logs:PutLogEvents", f"log-group:/aws/lambda/{function['FunctionName']}:log-stream:a", "")
        assert any(is_covered(line, right) for right in OF_LAMBDA), function["FunctionName"]


@requirement("AUD-08", "OPS-11")
def test_an_operators_command_is_on_record_with_the_role_and_the_session(here: Rehearsal) -> None:
    """Who it is may be asked of AWS without a right: the policy has none for it."""
    with as_operator(here):
        type_("init")
    asked = {"KeyConditionExpression": "pk = :acts", "ExpressionAttributeValues": {":acts": {"S": "AUDIT#"}}}
    newest = here.stack.client("dynamodb").query(TableName="broker", ScanIndexForward=False, Limit=2, **asked)["Items"]
    assert {item["outcome"]["S"] for item in newest} == {"begun", "done"}
    assert all(re.fullmatch(r"arn:aws:sts::\d+:assumed-role/.+/rehearsal", item["operator"]["S"]) for item in newest)


@requirement("OPS-11")
@pytest.mark.parametrize(("sid", "flow"), API_FLOWS.items())
def test_a_request_needs_every_statement_of_its_role(here: Rehearsal, sid: str, flow: Step) -> None:
    start_cold(here)
    with without(here, "APIHandler", sid), pytest.raises(AssertionError, match=r"503|no code for the app"):
        flow(here)
    flow(here)


@requirement("OPS-11")
def test_the_schedule_needs_every_statement_of_its_role(here: Rehearsal) -> None:
    operator = here.world.operator(here.endpoint_url)
    sign_in_at_the_team(here, *team(here), user="bob")
    sub = max(users(operator).values())
    while_there_is_a_key = ["OpenTheVaultAndSignAlone", "KeysThatUsersWantDestroyed"]
    for sid in dict.fromkeys(while_there_is_a_key + statements("Jobs")):
        start_cold(here)
        leave_every_duty(here, operator, sub)
        with without(here, "Jobs", sid):
            assert "errorType" in invoke(here, "jobs"), sid
    leave_every_duty(here, operator, sub)
    assert invoke(here, "jobs")["done"] > 0


@requirement("AUD-02", "OPS-03")
def test_what_is_on_record_is_sealed_by_the_schedule_with_the_rights_that_it_has(here: Rehearsal) -> None:
    """The chain begins anew, with a record in each of the two windows that may be the first when it runs."""
    stop_the_clock(here)
    operator = here.world.operator(here.endpoint_url)
    leave_records_to_seal(here, operator)
    for sid in ("SealsOverWhatIsOnRecord", "WhatDutiesAreAbout"):
        with without(here, "Jobs", sid):
            invoke(here, "jobs")
        assert operator.queue.last_seal() is None, sid
    assert "errorType" not in invoke(here, "jobs")
    seal = operator.queue.last_seal()
    assert seal is not None and (seal.number, seal.count) == (1, 1)
    assert is_genuine(seal, operator.keys.get("audit"))


@requirement("OPS-11")
def test_the_turning_of_keys_needs_every_statement_of_its_role(here: Rehearsal) -> None:
    operator = here.world.operator(here.endpoint_url)
    for sid in statements("Keys"):
        with without(here, "Keys", sid):
            for _ in range(5):  # published, used, then sealed anew: one of these steps needs it
                start_cold(here)
                let_keys_grow_old(operator)
                if "errorType" in (said := invoke(here, "keys")):
                    break
            assert "errorType" in said, sid
    assert "errorType" not in invoke(here, "keys")


@requirement("OPS-11")
@pytest.mark.parametrize(("sid", "words"), OPERATOR_WORDS.items())
def test_an_operator_needs_every_statement_of_the_role(here: Rehearsal, sid: str, words: list[str]) -> None:
    sub = max(users(here.world.operator(here.endpoint_url)).values())
    typed = [word.format(error_id=here.error_id(), sub=sub) for word in words]
    with as_operator(here):
        with without(here, "operator", sid), pytest.raises(AssertionError, match="denied"):
            type_(*typed)
        type_(*typed)


def read_policy(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / file).read_text())
    return found


def statements(role: str) -> list[str]:
    """Their names in a policy, without what Lambda does for a function: this AWS writes logs without asking."""
    return [
        statement["Sid"] for statement in read_policy(ROLES[role][1])["Statement"] if statement["Sid"] != "WriteItsLog"
    ]


@contextmanager
def without(here: Rehearsal, role: str, sid: str) -> Iterator[None]:
    """One role without one statement; the door before AWS knows the conditions, too, which ministack does not hold."""
    iam, door = here.stack.client("iam"), here.doors[role]
    (name,) = (found["RoleName"] for found in iam.list_roles()["Roles"] if ROLES[role][0] in found["RoleName"])
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    before, allowed = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"], door.allowed
    left = [statement for statement in before["Statement"] if statement["Sid"] != sid]
    assert len(left) == len(before["Statement"]) - 1, sid
    door.allowed = {right for right, whose in rights_of_policy(read_policy(ROLES[role][1])).items() if whose != sid}
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps({**before, "Statement": left}))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(before))
        door.allowed = allowed


def test_the_index_and_the_alias_are_there(stack: Stack) -> None:
    table = stack.client("dynamodb").describe_table(TableName="broker")["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by_sub"]
    aliases = stack.client("kms").list_aliases()["Aliases"]
    assert "alias/broker" in [alias["AliasName"] for alias in aliases]


def test_the_gateways_own_answers_are_part_of_the_deployment() -> None:
    """As resources beside the API they would take effect only with the deployment after the next one."""
    template = build_template("./token-broker.zip", arch="arm64")
    python = make_environment(ROOT / ".venv-ministack", ROOT / "requirements-ministack.txt")
    api = translate(template, python)["Resources"]["RestAPI"]["Properties"]["Body"]
    answers = api["x-amazon-apigateway-gateway-responses"]
    assert answers["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"
    assert answers["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"
    assert answers.keys() == template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"].keys()


@requirement("OPS-10")
def test_the_previous_release_goes_on_with_what_this_one_wrote(here: Rehearsal) -> None:
    """The last test here: what comes after it would meet the previous release, which had other policies."""
    for door in here.doors.values():
        door.allowed = None
    begin_anew(here)
    go_back(here)


@requirement("OPS-33", "OPS-34")
def test_a_second_deployment_stands_beside_the_first_and_its_schedules_are_off(here: Rehearsal) -> None:
    """One template, one account and region; after all others, which look for the one function of a kind."""
    for door in here.doors.values():
        door.allowed = None  # it knows the rights of the first alone; the roles of both are held by their AWS
    first = here.stack
    settings = {"Deployment": "two", "Schedules": "DISABLED", "DomainName": "login.two.example.com"}
    second = Stack(here.endpoint_url, here.now, here.package, name="token-broker-two", **settings)
    assert set(first.client("dynamodb").list_tables()["TableNames"]) == {"broker", "broker-keys", "two", "two-keys"}
    init_keysets(Deployment(read_settings(TWO | {"BROKER_ENDPOINT_URL": here.endpoint_url})))
    keys = [json.loads(stack.send("GET", "/jwks").body)["keys"] for stack in (first, second)]
    assert keys[0] and keys[1] and not {key["kid"] for key in keys[0]} & {key["kid"] for key in keys[1]}
    states = {rule["Name"].rpartition("-")[0]: rule["State"] for rule in first.client("events").list_rules()["Rules"]}
    assert [state for name, state in states.items() if "two" in name] == ["DISABLED"] * 2
