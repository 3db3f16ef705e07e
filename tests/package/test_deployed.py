"""The real template and the real package, deployed to an AWS written by others: ministack, without an account."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest

import dev
from chalicelib.records.places import connection_place
from local.environment import LOCAL, use_local_credentials
from local.package import ROOT
from tests.package.events import FORM, Answer
from tests.package.template import translate, with_code, write_template
from tests.package.world import ISSUER, NETWORK, SCHEDULED, World, leave_a_duty
from tests.races.processes import run_ministack

HOST = urlsplit(ISSUER).netloc
SERVICES = "dynamodb,kms,s3,sts,iam,lambda,apigateway,cloudformation,logs,events"


class Stack:
    """A stack that stands, and the door of its API."""

    def __init__(self, endpoint_url: str, template: dict[str, Any], package: Path) -> None:
        self.endpoint_url = endpoint_url
        self.client("s3").create_bucket(Bucket="packages")
        self.client("s3").upload_file(str(package), "packages", "package.zip")
        self.client("s3").put_object(Bucket="packages", Key="template.json", Body=json.dumps(template))
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName="token-broker",
            TemplateURL=f"{endpoint_url}/packages/template.json",  # in a request it may have 51,200 bytes at most
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        waiting = {"Delay": 1, "MaxAttempts": 60}
        cloudformation.get_waiter("stack_create_complete").wait(StackName="token-broker", WaiterConfig=waiting)
        (stack,) = cloudformation.describe_stacks(StackName="token-broker")["Stacks"]
        self.api_id = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}["RestAPIId"]

    def client(self, service: str) -> Any:
        """A client of one service there."""
        return boto3.client(service, endpoint_url=self.endpoint_url)

    def send(
        self, method: str, url: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request to the API, under the issuer's host."""
        return self.invoke(self.event(method, url, form=form, headers=headers))

    def event(
        self, method: str, url: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """What `invoke` sends."""
        parts = urlsplit(url)
        sent = {"Host": HOST, **({"Content-Type": FORM} if form is not None else {}), **(headers or {})}
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        return {"method": method, "target": target, "headers": sent, "body": urlencode(form or {})}

    def invoke(self, event: dict[str, Any]) -> Answer:
        """Send it."""
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=60)
        path = f"/restapis/{self.api_id}/api/_user_request_{event['target']}"
        connection.request(event["method"], path, event["body"] or None, event["headers"])
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Answer(answer.status, headers, body)


def without_encryption_context(template: dict[str, Any]) -> dict[str, Any]:
    """The template without conditions on KMS's encryption context, which ministack cannot evaluate and so denies."""
    copy: dict[str, Any] = json.loads(json.dumps(template))
    for resource in copy["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    statement.pop("Condition", None)
        if resource["Type"] == "AWS::KMS::Key":
            statements = resource["Properties"]["KeyPolicy"]["Statement"]
            statements[:] = [statement for statement in statements if statement["Effect"] == "Allow"]
    return copy


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write_template(tmp_path_factory.mktemp("project")).read_text())
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"), played=True, seeded=False)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def stack(host_package: Path, template: dict[str, Any], world: World) -> Iterator[Stack]:
    use_local_credentials()
    network = {name: value for name, value in world.environ.items() if name.startswith(("PLAYED_", "SSL_"))}
    # AUTH: signatures and policies count, the function's role included; our own key is the account's root.
    more = {**network, **LOCAL, "PYTHONPATH": str(NETWORK), "LAMBDA_EXECUTOR": "local", "AUTH": "true"}
    with run_ministack(SERVICES, more) as endpoint_url:
        variables = {"BROKER_ISSUER": ISSUER, "BROKER_ENDPOINT_URL": endpoint_url}
        variables["BROKER_PROVIDER_DIRS"] = world.environ["BROKER_PROVIDER_DIRS"]
        usable = without_encryption_context(with_code(template, "s3://packages/package.zip", **variables))
        found = Stack(endpoint_url, usable, host_package)
        world.seed(endpoint_url)
        yield found


def test_a_whole_sign_in_on_the_deployed_stack(stack: Stack, world: World) -> None:
    """Tables, key, function and role made by CloudFormation; keysets and records by the operator's functions."""
    sign_in = world.sign_in(stack)
    tokens = sign_in.run()
    refreshed = sign_in.refresh(tokens["refresh_token"])
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    assert sign_in.hand_out(refreshed["access_token"])["expires_in"] > 0


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


def test_the_gateways_own_answers_are_part_of_the_deployment(template: dict[str, Any]) -> None:
    """As resources beside the API they would take effect only with the deployment after the next one."""
    python = dev.make_environment(ROOT / ".venv-ministack", ROOT / "requirements-ministack.txt")
    api = translate(template, python)["Resources"]["RestAPI"]["Properties"]["Body"]
    answers = api["x-amazon-apigateway-gateway-responses"]
    assert answers["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"
    assert answers["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"
    assert answers.keys() == template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"].keys()
