"""The first try, as docs/deploy.md has it, on an AWS written by others: `broker bootstrap` and `chalice deploy`.

Three things are other than on AWS. Chalice fetches no wheels here: the copy has what they hold in `vendor/`, out of the
package that is built anyway. The functions are told where this AWS stands. And `ImportDoor` imports the API, for which
ministack has CloudFormation alone, and changes its routes. What roles may do is compared, not enforced:
tests/deploy/rehearsal/test_deployed.py enforces the same policies.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.deployment.local_environment import LOCAL, use_local_credentials
from local.package.package import ROOT
from tests.deploy.rehearsal.first_try import SERVICES, FirstTry
from tests.kit.http.surface import ENDPOINTS
from tests.kit.processes import run_ministack
from tests.kit.requirement import requirement

# a function's name in Chalice, what it runs, its policy, how often
FUNCTIONS = {
    "token-broker-dev": ("app.app", "policy-prod.json", None),
    "token-broker-dev-jobs": ("app.jobs", "policy-jobs.json", "rate(1 minute)"),
    "token-broker-dev-keys": ("app.keys", "policy-keys.json", "rate(10 minutes)"),
}


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
    assert (function["MemorySize"], function["Architectures"]) == (1024, ["arm64"])
    background = name.endswith(("-jobs", "-keys"))
    assert function["Timeout"] == (300 if background else 29), "what API Gateway calls ends with it"
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
