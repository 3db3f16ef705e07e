"""The templates say what the code relies on; AWS itself is not asked."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.kms.keys import PURPOSES
from chalicelib.records.item_keys import client_item_key
from cli.explanation.refusal_log import GROUPS
from local.openapi.routes import read_served
from local.package.package import ROOT
from local.package.template import merge, write_template
from tests.deploy.infra.template import lint
from tests.deploy.rehearsal.deployment import NAME as STACK
from tests.deploy.rehearsal.settled import settle
from tests.kit.http.surface import JSON
from tests.kit.requirement import requirement

RESOURCES = json.loads((ROOT / "infra" / "resources.json").read_text())["Resources"]
BOOTSTRAP = json.loads((ROOT / "infra" / "bootstrap.json").read_text())["Resources"]
CONFIG = json.loads((ROOT / ".chalice" / "config.json").read_text())
OPERATOR = json.loads((ROOT / "infra" / "operator-policy.json").read_text())
POLICY = json.loads((ROOT / ".chalice" / "policy-prod.json").read_text())
KEYS_POLICY = json.loads((ROOT / ".chalice" / "policy-keys.json").read_text())
JOBS_POLICY = json.loads((ROOT / ".chalice" / "policy-jobs.json").read_text())
ANYWHERE = {"AWS::Partition": "aws", "AWS::Region": "*", "AWS::AccountId": "*"}  # as the files say it
SHARED = ("BrokerTable", "BrokerKeysTable", "BrokerKey", "BrokerKeyAlias")


def inline(role: dict[str, Any]) -> list[dict[str, Any]]:
    """A role's policies, as a deployment of the usual names has them."""
    alone = {"Resources": {"Role": role}, "Outputs": {}}
    settled = settle(alone, {"Deployment": "broker", "AWS::StackName": STACK, **ANYWHERE})["Resources"]["Role"]
    return [one["PolicyDocument"] for one in settled["Policies"]]


def test_the_merged_template_is_clean(template: Path) -> None:
    assert lint(template) == ""


def test_the_bootstrap_stack_is_clean() -> None:
    assert lint(ROOT / "infra" / "bootstrap.json") == ""


def test_both_ways_in_make_the_same_tables_and_key() -> None:
    assert {name: RESOURCES[name] for name in SHARED} == {name: BOOTSTRAP[name] for name in SHARED} == BOOTSTRAP


def test_the_tables_survive_the_stack_and_forget_by_purge_at() -> None:
    for name in ("BrokerTable", "BrokerKeysTable"):
        table = RESOURCES[name]
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
        properties = table["Properties"]
        assert properties["DeletionProtectionEnabled"] is True
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["SSESpecification"] == {"SSEEnabled": True}
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "purge_at", "Enabled": True}


def test_user_keys_have_no_backup_so_that_erasing_one_is_final() -> None:
    recovery = {name: RESOURCES[name]["Properties"]["PointInTimeRecoverySpecification"] for name in SHARED[:2]}
    assert recovery["BrokerTable"] == {"PointInTimeRecoveryEnabled": True}
    assert recovery["BrokerKeysTable"] == {"PointInTimeRecoveryEnabled": False}


def test_the_index_by_subject_holds_keys_only() -> None:
    (index,) = RESOURCES["BrokerTable"]["Properties"]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by_sub"
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert "GlobalSecondaryIndexes" not in RESOURCES["BrokerKeysTable"]["Properties"]


def test_the_key_works_under_this_deployments_context_alone() -> None:
    statements = RESOURCES["BrokerKey"]["Properties"]["KeyPolicy"]["Statement"]
    (denied,) = (statement for statement in statements if statement["Effect"] == "Deny")
    assert denied["Condition"] == {"StringNotEquals": {"kms:EncryptionContext:deployment": "broker"}}
    assert {"kms:Encrypt", "kms:Decrypt"} <= set(denied["Action"])


def test_the_gateways_own_answers_have_oauths_shape(template: Path) -> None:
    answers = json.loads(template.read_text())["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN", "THROTTLED"} <= answers.keys()
    for answer in answers.values():
        document = json.loads(answer["ResponseTemplates"]["application/json"])
        assert document.keys() == {"error", "error_description", "error_id"}
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", document["error_description"])
        assert answer["ResponseParameters"]["Headers"]["Cache-Control"] == "'no-store'"


@requirement("RUN-09")
def test_an_unknown_method_is_a_404_that_says_where_to_look() -> None:
    """API Gateway itself responds to other methods than GET of unknown paths, always with the JSON template."""
    answers = RESOURCES["RestAPI"]["Properties"]["GatewayResponses"]
    served = {one.path for one in read_served()}
    for name in ("MISSING_AUTHENTICATION_TOKEN", "RESOURCE_NOT_FOUND", "INVALID_SIGNATURE"):
        assert answers[name]["StatusCode"] == "404" and answers[name]["ResponseTemplates"].keys() == {JSON}
        said = json.loads(answers[name]["ResponseTemplates"][JSON])["error_description"]
        assert set(re.findall(r"(?<= )/[a-z.]*", said)) == {"/", "/openapi.json"} <= served


@requirement("AWS-03")
def test_a_function_that_cannot_be_called_is_told_as_a_503_to_come_again() -> None:
    """A throttled function is a server error of the gateway's, for which only DEFAULT_5XX can say anything."""
    answers = RESOURCES["RestAPI"]["Properties"]["GatewayResponses"]
    for name in ("DEFAULT_5XX", "INTEGRATION_FAILURE"):
        assert answers[name]["StatusCode"] == "503" and answers[name]["ResponseParameters"]["Headers"]["Retry-After"]
        assert json.loads(answers[name]["ResponseTemplates"]["application/json"])["error"] == "temporarily_unavailable"


@requirement("AWS-04")
def test_what_stays_after_a_failed_first_deployment_is_made_last(template: Path) -> None:
    """Its names would be taken at the second attempt."""
    resources = json.loads(template.read_text())["Resources"]
    waits = set(resources["BrokerTable"]["DependsOn"])
    waits |= {each["Fn::If"][1]["Ref"] for each in resources["BrokerTable"]["Metadata"]["After"]}
    named = {"BrokerTable", "BrokerKeysTable", "BrokerKey", "BrokerKeyAlias"}
    assert waits == resources.keys() - named and {"Domain", "DomainMapping", "APIHandler", "Jobs", "Keys"} <= waits
    assert not any("Condition" in resources[name] for name in resources["BrokerTable"]["DependsOn"])
    assert resources["BrokerKeysTable"]["DependsOn"] == "BrokerTable"
    assert resources["BrokerKey"]["DependsOn"] == "BrokerKeysTable"
    kept = {name for name, each in resources.items() if each.get("DeletionPolicy") == "Retain"}
    # The log groups have the names of functions, which are others at each attempt.
    assert {name for name in kept if resources[name]["Type"] != "AWS::Logs::LogGroup"} == named


@requirement("AWS-05", "OPS-03")
def test_every_right_is_for_this_partition_region_and_account(template: Path) -> None:
    """An alias of the same name may be that of a key in another account."""
    said = template.read_text()
    assert "arn:aws:" not in said and "arn:aws-" not in said
    for name, resource in json.loads(said)["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    arn = statement["Resource"]
                    assert arn == "*" or arn["Fn::Sub"].startswith("arn:${AWS::Partition}:"), (name, arn)
                    assert arn == "*" or ":${AWS::Region}:${AWS::AccountId}:" in arn["Fn::Sub"], (name, arn)


@requirement("AWS-05")
def test_the_key_can_be_replicated_unless_the_stack_had_one_before(template: Path) -> None:
    """KMS decides this once; CloudFormation refuses to change it."""
    document = json.loads(template.read_text())
    assert document["Resources"]["BrokerKey"]["Properties"]["MultiRegion"] == {
        "Fn::If": ["ReplicatesKey", True, {"Ref": "AWS::NoValue"}]
    }
    assert document["Parameters"]["MultiRegionKey"]["Default"] == "true"


@requirement("OPS-03")
def test_a_role_may_read_each_key_of_a_batch_in_either_table() -> None:
    """Duties read both tables in one call; no page says that LeadingKeys is held against each table's keys alone."""
    (about,) = (one for one in JOBS_POLICY["Statement"] if one["Sid"] == "WhatDutiesAreAbout")
    assert {"USER#*", "JOBKEY#*"} <= set(about["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])


@requirement("AWS-06")
def test_a_scheduled_function_has_its_own_time_and_a_missed_minute_is_not_made_up_for(template: Path) -> None:
    """Lambda would keep the events of an outage for six hours and then run them all at once."""
    resources = json.loads(template.read_text())["Resources"]
    for name in ("Jobs", "Keys"):
        function = resources[name]["Properties"]
        assert function["Timeout"] == 300
        assert function["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_no_gateway_answer_echoes_the_request() -> None:
    answers = RESOURCES["RestAPI"]["Properties"]["GatewayResponses"]
    assert set(re.findall(r"\$[a-zA-Z.]+", json.dumps(answers))) == {"$context.requestId"}


def test_the_function_is_what_the_package_is_built_for(template: Path) -> None:
    function = json.loads(template.read_text())["Resources"]["APIHandler"]["Properties"]
    assert function["Architectures"] == ["arm64"]
    assert (function["MemorySize"], function["Timeout"]) == (1024, 29)
    assert (function["Runtime"], function["CodeUri"]) == ("python3.13", "./token-broker-arm64.zip")


def test_the_api_is_regional_and_answers_under_the_issuers_name_alone(template: Path) -> None:
    resources = json.loads(template.read_text())["Resources"]
    api, domain = resources["RestAPI"]["Properties"], resources["Domain"]["Properties"]
    assert api["EndpointConfiguration"] in ("REGIONAL", {"Type": "REGIONAL"})
    assert api["DisableExecuteApiEndpoint"] is True
    assert (domain["EndpointConfiguration"], domain["SecurityPolicy"]) == ({"Types": ["REGIONAL"]}, "TLS_1_2")
    mapping = resources["DomainMapping"]["Properties"]
    assert mapping.keys() == {"DomainName", "RestApiId", "Stage"}  # no base path: the issuer has none


@requirement("GEN-12")
def test_the_issuer_is_the_domain_of_the_deployment_in_every_function(template: Path) -> None:
    document = json.loads(template.read_text())
    functions = [one["Properties"] for one in document["Resources"].values() if one["Type"].endswith("::Function")]
    assert len(functions) >= 2
    for function in functions:
        assert function["Environment"]["Variables"]["BROKER_ISSUER"] == {"Fn::Sub": "https://${DomainName}"}
    wanted = {name for name, one in document["Parameters"].items() if "Default" not in one}
    assert wanted == {"DomainName", "CertificateArn"}


@requirement("OPS-03")
def test_the_operator_has_a_role_of_its_own_with_its_policy_and_nothing_more(template: Path) -> None:
    role = json.loads(template.read_text())["Resources"]["OperatorRole"]["Properties"]
    assert inline(role) == [OPERATOR]
    assert "ManagedPolicyArns" not in role


@requirement("OPS-04")
def test_the_same_tree_gives_the_same_template(template: Path, tmp_path: Path) -> None:
    again = write_template(tmp_path / "token-broker-arm64.zip", arch="arm64")
    assert again.read_bytes() == template.read_bytes()


def test_what_is_merged_keeps_what_only_one_of_them_says() -> None:
    assert merge({"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"c": [2], "e": 3}}) == {
        "a": {"b": 1, "c": [2], "e": 3}, "d": 1,
    }  # fmt: skip


def test_the_role_is_the_policy_file_and_nothing_more(template: Path) -> None:
    resources = json.loads(template.read_text())["Resources"]
    name, _ = resources["APIHandler"]["Properties"]["Role"]["Fn::GetAtt"]
    role = resources[name]["Properties"]
    assert inline(role) == [POLICY]
    assert "ManagedPolicyArns" not in role


def actions(policy: dict[str, Any]) -> set[str]:
    """What a policy allows of DynamoDB and KMS, without the services' prefixes."""
    listed: list[Any] = [statement["Action"] for statement in policy["Statement"]]
    flat = [action for entry in listed for action in ([entry] if isinstance(entry, str) else entry)]
    return {action.partition(":")[2] for action in flat if action.startswith(("dynamodb:", "kms:"))}


def called(*places: Path, without: tuple[str, ...] = ()) -> set[str]:
    """The operations that code names, as literals of `call`; a new one needs its line in a policy.

    without   names of files that another function runs
    """
    dynamodb = "Batch(?:Get|Write)Item|(?:Get|Put|Update|Delete)Item|Query|Scan|Transact(?:Get|Write)Items"
    text = "".join(path.read_text() for place in places for path in place.rglob("*.py") if path.name not in without)
    return set(re.findall(rf'"({dynamodb}|Decrypt|Encrypt|ReEncrypt|GenerateDataKey)"', text))


def test_the_policy_allows_exactly_the_calls_that_the_adapters_make() -> None:
    """Nothing of what takes duties from the table, or turns keys, is called by a request."""
    assert actions(POLICY) == called(ROOT / "chalicelib" / "adapters", without=("job_queue.py", "keyring.py"))


@requirement("OPS-03")
def test_the_schedule_may_do_exactly_what_it_does_and_opens_the_vault_alone() -> None:
    assert actions(JOBS_POLICY) == called(ROOT / "chalicelib" / "adapters", without=("keyring.py",))
    for statement in JOBS_POLICY["Statement"]:
        assert statement["Effect"] == "Allow" and statement["Resource"] != "*"
    (decrypt,) = (statement for statement in JOBS_POLICY["Statement"] if statement["Action"] == "kms:Decrypt")
    context = {
        "kms:EncryptionContext:deployment": "broker",
        # tokens to end, what tells apps of a sign-out, and what is on record
        "kms:EncryptionContext:purpose": ["vault", "signing", "audit"],
    }
    assert decrypt["Condition"]["StringEquals"] == context
    written = {
        key
        for statement in JOBS_POLICY["Statement"]
        if re.search("PutItem|UpdateItem|DeleteItem", str(statement["Action"]))
        for key in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    }
    erasing = {"SUBJECT#*", "USER#*", "JOBKEY#*"}
    sealing = {"AUDITSEAL", "AUDITPART#*"}
    assert written == {"JOB#*", "CONNECTION#*", "RECOVERY#*", "CONSENT#*", "SWEEP", *sealing, *erasing}


@requirement("OPS-03", "KEY-02")
def test_what_turns_keys_alone_encrypts_and_never_the_key_of_names(template: Path) -> None:
    adapters = ROOT / "chalicelib" / "adapters"
    assert actions(KEYS_POLICY) == called(adapters) - called(adapters, without=("keyring.py",)) | {
        "BatchGetItem", "PutItem", "UpdateItem", "Scan", "Decrypt",
    }  # fmt: skip
    by_action = {str(statement["Action"]): statement for statement in KEYS_POLICY["Statement"]}
    contexts = {name: by_action[f"kms:{name}"]["Condition"]["StringEquals"] for name in ("Encrypt", "Decrypt")}
    purposes = {name: context["kms:EncryptionContext:purpose"] for name, context in contexts.items()}
    turned = [purpose for purpose in PURPOSES if purpose not in ("identity", "pepper", "audit")]
    assert sorted(purposes["Encrypt"]) == sorted(turned) and purposes["Decrypt"] == "vault"
    assert {context["kms:EncryptionContext:deployment"] for context in contexts.values()} == {"broker"}
    assert not {"Encrypt", "ReEncrypt", "GenerateDataKey"} & (actions(POLICY) | actions(JOBS_POLICY))
    resources = json.loads(template.read_text())["Resources"]
    keys = resources["Keys"]["Properties"]
    (event,) = keys["Events"].values()
    assert (keys["Handler"], event["Properties"]["Schedule"]) == ("app.keys", "rate(10 minutes)")
    name, _ = keys["Role"]["Fn::GetAtt"]
    assert inline(resources[name]["Properties"]) == [KEYS_POLICY]
    assert resources["KeysLogGroup"]["Properties"]["LogGroupName"] == {"Fn::Sub": "/aws/lambda/${Keys}"}


@requirement("OPS-03", "REG-06")
def test_the_schedule_may_read_clients_of_both_kinds() -> None:
    """An app that is named by a URL stands under a key of its own; a read of several items fails as a whole."""
    read = {
        key.rstrip("*")
        for statement in JOBS_POLICY["Statement"]
        if statement["Action"] == "dynamodb:BatchGetItem" and "Condition" in statement
        for key in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    }
    for client_id in ("0" * 32, "https://client.example/app.json"):
        assert f"{client_item_key(client_id).pk.partition('#')[0]}#" in read


def test_the_schedule_is_a_function_with_a_role_of_its_own_out_of_the_same_package(template: Path) -> None:
    resources = json.loads(template.read_text())["Resources"]
    jobs, api = resources["Jobs"]["Properties"], resources["APIHandler"]["Properties"]
    assert jobs["Handler"] == "app.jobs" and jobs["CodeUri"] == api["CodeUri"]
    (event,) = jobs["Events"].values()
    assert (event["Type"], event["Properties"]["Schedule"]) == ("Schedule", "rate(1 minute)")
    assert jobs["Environment"] == api["Environment"]
    name, _ = jobs["Role"]["Fn::GetAtt"]
    assert jobs["Role"] != api["Role"]
    assert inline(resources[name]["Properties"]) == [JOBS_POLICY]
    kept = resources["JobsLogGroup"]["Properties"]
    assert kept == {"LogGroupName": {"Fn::Sub": "/aws/lambda/${Jobs}"}, "RetentionInDays": 400}


def test_the_operators_policy_allows_the_calls_of_the_operators_command() -> None:
    """It reads, runs jobs and turns keys through the adapters, which is where the others come from."""
    others = {"BatchGetItem", "UpdateItem", "Decrypt", "Encrypt", "Query", "DeleteItem"}
    assert actions(OPERATOR) == called(ROOT / "cli", without=("roles.py",)) | others


@requirement("OPS-03", "OPS-08")
def test_the_operators_policy_reads_the_lines_of_refusals_and_no_other_log() -> None:
    code = (ROOT / "cli" / "explanation" / "refusal_log.py").read_text()
    listed = {
        action: statement["Resource"]
        for statement in OPERATOR["Statement"]
        for action in statement["Action"]
        if action.startswith("logs:")
    }
    assert listed.keys() == {f"logs:{name}" for name in re.findall(r'"(FilterLogEvents|DescribeLogGroups)"', code)}
    assert listed["logs:FilterLogEvents"] == f"arn:aws:logs:*:*:log-group:{GROUPS}-*"


def test_the_policy_names_its_two_tables_and_one_key() -> None:
    for statement in POLICY["Statement"]:
        assert statement["Effect"] == "Allow"
        resources = statement["Resource"]
        assert "*" not in ([resources] if isinstance(resources, str) else resources)
    (decrypt,) = (statement for statement in POLICY["Statement"] if statement["Action"] == "kms:Decrypt")
    assert decrypt["Condition"]["StringEquals"] == {
        "kms:EncryptionContext:deployment": "broker",
        "kms:EncryptionContext:purpose": [purpose for purpose in PURPOSES if purpose != "audit"],
    }
    assert decrypt["Condition"]["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": "alias/broker"}


@requirement("OPS-03")
def test_a_request_queries_one_users_items_in_the_index_and_what_is_on_record_of_them() -> None:
    queries = [statement for statement in POLICY["Statement"] if statement["Action"] == "dynamodb:Query"]
    index, records = sorted(queries, key=lambda statement: "Condition" in statement)
    assert index["Resource"].endswith(":table/broker/index/by_sub") and records["Resource"].endswith(":table/broker")
    assert records["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["AUDIT#*"]}}


@requirement("GEN-12")
def test_no_stage_starts_before_its_issuer_is_set() -> None:
    """A placeholder is not an issuer: the function says so in its log and does not start (THREATS GEN-12)."""
    from chalicelib.config import ConfigurationError, read_settings

    for stage in CONFIG["stages"].values():
        environ = {**CONFIG["environment_variables"], **stage.get("environment_variables", {})}
        with pytest.raises(ConfigurationError, match="BROKER_ISSUER"):
            read_settings(environ)
        read_settings({**environ, "BROKER_ISSUER": "https://login.example.com"})


def test_the_environment_holds_no_secret() -> None:
    text = json.dumps(CONFIG)
    assert not re.search(r"secret|password|token_|private", text, re.IGNORECASE)
