"""The first try, as docs/deploy.md has it, on an AWS written by others: `broker bootstrap` and `chalice deploy`.

Three things are other than on AWS. Chalice fetches no wheels here: the copy has what they hold in `vendor/`, out of the
package that is built anyway. The functions are told where this AWS stands. And `ImportDoor` imports the API, for which
ministack has CloudFormation alone, and changes its routes. What roles may do is compared, not enforced:
tests/package/test_deployed.py enforces the same policies.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from local.environment import LOCAL, use_local_credentials
from local.package import ROOT, copy_application
from tests.flow.surface import ENDPOINTS
from tests.package.import_door import ImportDoor
from tests.races.processes import run_ministack
from tests.requirement import requirement

SERVICES = "cloudformation,dynamodb,kms,s3,sts,iam,lambda,apigateway,logs,events"
OURS = ("app.py", "chalicelib/", "chalice/")
# a function's name in Chalice, what it runs, its policy, how often
FUNCTIONS = {
    "token-broker-dev": ("app.app", "policy-prod.json", None),
    "token-broker-dev-jobs": ("app.jobs", "policy-jobs.json", "rate(1 minute)"),
    "token-broker-dev-keys": ("app.keys", "policy-keys.json", "rate(10 minutes)"),
}


# A release of before: it had a route that has gone since, and lacks one.
OF_BEFORE = """
app.route("/of-before", content_types=[])(lambda: {})
app.routes.pop("/health")
"""


class FirstTry:
    """Whoever types the commands: a copy of the repository, and an account in which there is nothing yet.

    issuer   what the first deployment said, as the others have it
    stood    what stood after each of three deployments: one of before, the one that is tested, and the same once more
    """

    def __init__(self, folder: Path, endpoint_url: str, package: Path) -> None:
        self.folder, self.endpoint_url, self.door = folder, endpoint_url, ImportDoor(endpoint_url)
        copy_application(folder, ROOT)
        shutil.copytree(ROOT / ".chalice", folder / ".chalice", ignore=shutil.ignore_patterns("deploy*", "venv"))
        (folder / "requirements.txt").write_text("", encoding="ascii")
        with zipfile.ZipFile(package) as packed:
            packed.extractall(folder / "vendor", [name for name in packed.namelist() if not name.startswith(OURS)])
        self.set("BROKER_ENDPOINT_URL", endpoint_url)
        self.run(ROOT, {"BROKER_ENDPOINT_URL": endpoint_url}, sys.executable, "-m", "cli.main", "bootstrap", "--json")
        app = (folder / "app.py").read_text(encoding="utf-8")
        (folder / "app.py").write_text(app + OF_BEFORE, encoding="utf-8")
        self.issuer = self.deploy()
        self.stood = [self.look()]
        (folder / "app.py").write_text(app, encoding="utf-8")
        self.set("BROKER_ISSUER", self.issuer)
        self.again = []
        for _ in ("changed", "the same"):
            self.again.append(self.deploy())
            self.stood.append(self.look())
        given = {"BROKER_ENDPOINT_URL": endpoint_url, "BROKER_ISSUER": self.issuer}
        self.run(ROOT, given, sys.executable, "-m", "cli.main", "init", "--json")

    @property
    def config(self) -> dict[str, Any]:
        """The copy's .chalice/config.json."""
        found: dict[str, Any] = json.loads((self.folder / ".chalice" / "config.json").read_text(encoding="utf-8"))
        return found

    def set(self, name: str, value: str) -> None:
        """A setting of the stage."""
        changed = self.config
        changed["stages"]["dev"]["environment_variables"][name] = value
        (self.folder / ".chalice" / "config.json").write_text(json.dumps(changed), encoding="utf-8")

    def deploy(self) -> str:
        """`chalice deploy --stage dev`; the address that it prints, without the slash at the end."""
        chalice = str(Path(sys.executable).with_name("chalice"))
        said = self.run(self.folder, {"AWS_ENDPOINT_URL": self.door.url}, chalice, "deploy", "--stage", "dev")
        (address,) = (line.split()[-1] for line in said.splitlines() if "Rest API URL" in line)
        assert address.endswith("/")
        return address.removesuffix("/")

    def look(self) -> dict[str, Any]:
        """Functions, roles, routes and schedules, without the times of their last writing."""
        times, iam = ("LastModified", "RevisionId"), self.client("iam")
        functions = self.client("lambda").list_functions()["Functions"]
        roles = {one["Role"].rpartition("/")[2] for one in functions}
        named = {role: iam.list_role_policies(RoleName=role)["PolicyNames"] for role in roles}
        return {
            "functions": {
                one["FunctionName"]: {name: value for name, value in one.items() if name not in times}
                for one in functions
            },
            "policies": {
                (role, name): iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
                for role, names in named.items()
                for name in names
            },
            "routes": self.routes(),
            "rules": sorted((one["Name"], one["State"]) for one in self.client("events").list_rules()["Rules"]),
        }

    def routes(self) -> frozenset[tuple[str, str]]:
        """Method and path of everything that the API answers."""
        api = self.client("apigateway")
        (found,) = api.get_rest_apis()["items"]
        pages = api.get_paginator("get_resources").paginate(restApiId=found["id"], embed=["methods"])
        resources = [resource for page in pages for resource in page["items"]]
        return frozenset((method, one["path"]) for one in resources for method in one.get("resourceMethods", {}))

    def run(self, folder: Path, more: dict[str, str], *command: str) -> str:
        """What a command says; it has to end well."""
        done = subprocess.run(command, cwd=folder, env={**os.environ, **LOCAL, **more}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def client(self, service: str) -> Any:
        """A client of one service there."""
        return boto3.client(service, endpoint_url=self.endpoint_url)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """One request through the gateway and the function; status and document."""
        issuer = urlsplit(self.issuer)
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=60)
        place = f"/restapis/{issuer.netloc.partition('.')[0]}{issuer.path}/_user_request_"
        connection.request("GET", place + path, headers={"Host": issuer.netloc})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, body


@pytest.fixture(scope="module")
def there(host_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstTry]:
    """Everything typed, up to `broker init`."""
    use_local_credentials()
    with run_ministack(SERVICES, {**LOCAL, "LAMBDA_EXECUTOR": "local"}) as endpoint_url:
        found = FirstTry(tmp_path_factory.mktemp("first"), endpoint_url, host_package)
        yield found
        found.door.stop()


@requirement("OPS-28")
def test_the_second_deployment_is_an_update_of_the_first(there: FirstTry) -> None:
    assert there.again == [there.issuer] * 2
    assert len(there.client("apigateway").get_rest_apis()["items"]) == 1
    functions = there.client("lambda").list_functions()["Functions"]
    assert {function["FunctionName"] for function in functions} == set(FUNCTIONS)


@requirement("OPS-28")
def test_what_changed_between_two_deployments_changes_and_nothing_else(there: FirstTry) -> None:
    """A setting, the code and two routes; then the same is deployed once more, which changes nothing at all."""
    before, after, again = there.stood
    assert before["routes"] - after["routes"] == {("GET", "/of-before")}
    assert {path for _, path in after["routes"] - before["routes"]} == {"/health"}
    for name in FUNCTIONS:
        old, new = before["functions"][name], after["functions"][name]
        assert {key for key in new if new[key] != old.get(key)} == {"CodeSha256", "CodeSize", "Environment"}
        was, now = (one["Environment"]["Variables"] for one in (old, new))
        assert {key for key in now if now[key] != was[key]} == {"BROKER_ISSUER"} and was.keys() == now.keys()
    assert (before["policies"], before["rules"]) == (after["policies"], after["rules"])
    assert again == after


@requirement("OPS-28")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_as_the_configuration_says(there: FirstTry, name: str) -> None:
    handler, policy, _ = FUNCTIONS[name]
    function = there.client("lambda").get_function_configuration(FunctionName=name)
    assert (function["Handler"], function["Runtime"]) == (handler, "python3.13")
    assert (function["MemorySize"], function["Timeout"], function["Architectures"]) == (1024, 29, ["arm64"])
    variables = there.config["environment_variables"] | there.config["stages"]["dev"]["environment_variables"]
    assert function["Environment"]["Variables"] == variables
    assert variables["BROKER_ISSUER"] == there.issuer
    iam, role = there.client("iam"), function["Role"].rpartition("/")[2]
    (inline,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    allowed = iam.get_role_policy(RoleName=role, PolicyName=inline)["PolicyDocument"]
    assert allowed == json.loads((ROOT / ".chalice" / policy).read_text(encoding="utf-8"))
    (logs,) = there.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"][:1]
    assert logs["retentionInDays"] == 30


@requirement("OPS-28")
def test_the_api_has_every_route_and_leads_to_the_function(there: FirstTry) -> None:
    (found,) = there.client("apigateway").get_rest_apis()["items"]
    assert {(one.method, one.path) for one in ENDPOINTS} <= there.routes()
    assert found["endpointConfiguration"]["types"] == ["REGIONAL"]
    policy = there.client("lambda").get_policy(FunctionName="token-broker-dev")["Policy"]
    assert f":{found['id']}/*" in policy


@requirement("OPS-28")
def test_what_is_due_is_called_on_its_schedule(there: FirstTry) -> None:
    events = there.client("events")
    rules = {rule["Name"]: rule["ScheduleExpression"] for rule in events.list_rules()["Rules"]}
    targets = {}
    for rule, often in rules.items():
        (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
        targets[target["Arn"].rpartition(":")[2]] = often
    assert targets == {name: often for name, (_, _, often) in FUNCTIONS.items() if often}


@requirement("OPS-28")
def test_the_broker_answers_as_its_issuer(there: FirstTry) -> None:
    status, metadata = there.get("/.well-known/openid-configuration")
    assert (status, metadata["issuer"]) == (200, there.issuer)
    status, keys = there.get("/jwks")
    assert status == 200 and keys["keys"]
    assert there.get("/health")[0] == 200, "a route that the deployment before did not have"
