"""The Terraform module uploads what was packaged, takes what the template takes, and refuses the rest before a plan."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.infra.terraform import MODULE, Blocks, Unreadable, evaluate, lay, only, snake, write_values
from tests.deploy.rehearsal.settled import settle
from tests.kit.markdown import blocks as blocks_of_page
from tests.kit.requirement import requirement

GIVEN = {
    "bucket": "packages",
    "domain_name": "login.example.com",
    "certificate_arn": "arn:aws:acm:eu-central-1:111122223333:certificate/0123-abcd",
}
OWN = {"package", "bucket", "stack_name"}
TYPES = {"String": "string", "Number": "number"}
# Of the provider's documentation, website/docs/r/cloudformation_stack.html.markdown, r/s3_object and d/s3_bucket in the
# repository hashicorp/terraform-provider-aws: what may stand in a block, of all that we could want there.
ARGUMENTS = {
    "aws_cloudformation_stack": {
        "name", "template_body", "template_url", "capabilities", "disable_rollback", "notification_arns", "on_failure",
        "parameters", "policy_body", "policy_url", "tags", "iam_role_arn", "timeout_in_minutes",
    },
    "aws_s3_object": {
        "bucket", "key", "content", "content_type", "etag", "kms_key_id", "metadata", "server_side_encryption",
        "source", "source_hash", "storage_class", "tags",
    },
    "aws_s3_bucket": {"bucket"},
}  # fmt: skip
EXPORTED = {"outputs", "key", "version_id", "bucket_regional_domain_name"}
OF_THE_LANGUAGE = {"lifecycle", "id", "__tfmeta"}
WRONG = {
    "package": ["dist/another.zip", "dist/token-broker-arm64.json"],
    "stack_name": ["broker", "my-token-broker"],
    "domain_name": ["https://login.example.com", "Login.example.com", "localhost", ""],
    "certificate_arn": ["arn:aws:iam::111122223333:server-certificate/x", ""],
    "hosted_zone_id": ["/hostedzone/Z1"],
    "alarm_topic_arn": ["alarms"],
    "runbooks_at": ["http://git.example.com/", "https://git.example.com"],
    "requests_per_second": [0],
    "requests_at_once": [0],
    "deployment": ["x", "two-keys", "Two"],
    "schedules": ["off", "enabled"],
    "multi_region_key": ["no", "TRUE"],
}


@pytest.fixture(scope="module")
def package(template: Path) -> Path:
    """The template, with something beside it that has the name of its zip."""
    template.with_suffix(".zip").write_bytes(b"PK the bytes of a package")
    return template


@pytest.fixture(scope="module")
def document(package: Path) -> dict[str, Any]:
    return dict(json.loads(package.read_text()))


@pytest.fixture(scope="module")
def module(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Blocks:
    """The module as it stands with the fewest values, after AWS has answered."""
    (blocks,) = evaluate(lay(tmp_path_factory.mktemp("terraform") / "module", package, GIVEN))
    return blocks


@requirement("OPS-29")
def test_what_is_uploaded_is_the_zip_and_the_template_with_its_place(
    module: Blocks, package: Path, document: dict[str, Any]
) -> None:
    zip_object, template_object = only(module, "aws_s3_object", "package"), only(module, "aws_s3_object", "template")
    assert zip_object["source"] == "dist/token-broker-arm64.zip"
    assert zip_object["source_hash"] == hashlib.sha256(package.with_suffix(".zip").read_bytes()).hexdigest()
    uploaded = json.loads(template_object["content"])
    functions = [one["Properties"] for one in uploaded["Resources"].values() if one["Type"].endswith("::Function")]
    assert len(functions) == 3
    for function in functions:
        place = {"Bucket": zip_object["bucket"], "Key": zip_object["key"], "Version": "ZipVersion.1"}
        assert function["CodeUri"] == place
        function["CodeUri"] = "./token-broker-arm64.zip"
    assert uploaded == document


@requirement("OPS-29")
def test_the_stack_is_made_of_that_template_in_that_version(module: Blocks) -> None:
    stack = only(module, "aws_cloudformation_stack", "broker")
    key = only(module, "aws_s3_object", "template")["key"]
    place = f"https://packages.s3.eu-central-1.amazonaws.com/{key}"
    assert stack["template_url"] == f"{place}?versionId=TemplateVersion.1"
    assert (stack["name"], stack["capabilities"]) == ("token-broker", ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
    assert stack["lifecycle"]["prevent_destroy"] is True


@requirement("OPS-29")
def test_parameters_that_are_not_given_are_the_templates_defaults(module: Blocks, document: dict[str, Any]) -> None:
    parameters = only(module, "aws_cloudformation_stack", "broker")["parameters"]
    assert parameters.keys() == document["Parameters"].keys()
    named = {"DomainName": GIVEN["domain_name"], "CertificateArn": GIVEN["certificate_arn"]}
    assert settle(document, parameters) == settle(document, named)


@requirement("OPS-29")
def test_each_parameter_is_a_variable_of_its_type_with_its_pattern(module: Blocks, document: dict[str, Any]) -> None:
    variables = {each["__tfmeta"]["label"]: each for each in module["variable"]}
    parameters = {snake(name): parameter for name, parameter in document["Parameters"].items()}
    assert variables.keys() - OWN == parameters.keys()
    text = (MODULE / "variables.tf").read_text()
    for name, parameter in parameters.items():
        variable = variables[name]
        told = (variable["type"], variable["description"], variable.get("default"))
        assert told == (TYPES[parameter["Type"]], parameter["Description"], parameter.get("Default"))
        if pattern := parameter.get("AllowedPattern"):
            assert f"can(regex({json.dumps(pattern)}, var.{name}))" in text
        else:
            assert f"var.{name} >= {parameter['MinValue']}\n" in text


@requirement("OPS-29")
def test_nothing_secret_goes_through_it(module: Blocks) -> None:
    """What is secret would stand in the state; the broker's secrets are in its table alone."""
    told = [*module["variable"], *module["output"]]
    assert not [each for each in told if each.get("sensitive") or "secret" in each["__tfmeta"]["label"]]


@requirement("OPS-29")
def test_each_output_of_the_template_is_one_of_the_module(document: dict[str, Any]) -> None:
    text = (MODULE / "outputs.tf").read_text()
    found = re.findall(r'output "(\w+)" \{\n  value += aws_cloudformation_stack\.broker\.outputs\["(\w+)"\]', text)
    assert dict(found) == {snake(name): name for name in document["Outputs"]}


@requirement("OPS-29")
def test_every_wrong_value_is_refused_before_a_plan_and_every_right_one_is_not(
    module: Blocks, package: Path, tmp_path: Path
) -> None:
    cases = [(name, value) for name, values in WRONG.items() for value in values]
    folders = []
    for number, (name, value) in enumerate(cases):
        folder = lay(tmp_path / str(number), package, {})
        write_values(folder, {"package": "dist/token-broker-arm64.zip", **GIVEN, name: value})
        folders.append(folder)
    for (name, value), blocks in zip(cases, evaluate(*folders), strict=True):
        refused = {each["__tfmeta"]["label"] for each in blocks["variable"] if not accepted(each)}
        assert refused == {name}, value
    assert WRONG.keys() == {each["__tfmeta"]["label"] for each in module["variable"]} - {"bucket"}
    assert all(accepted(each) for each in module["variable"])


def accepted(variable: dict[str, Any]) -> bool:
    """Whether its own check holds; what could not be worked out does not."""
    return "validation" not in variable or variable["validation"]["condition"] is True


@requirement("OPS-29")
@pytest.mark.parametrize("version", ["", "null"])
def test_a_bucket_that_keeps_no_versions_is_refused_before_there_is_a_stack(
    version: str, module: Blocks, package: Path, tmp_path: Path
) -> None:
    """A stack that goes back to what it was would look for a package that was overwritten."""
    answered = {'resource "aws_s3_object" "package"': {"version_id": version}}
    (blocks,) = evaluate(lay(tmp_path / "module", package, GIVEN, answered=answered))
    asked = [only(each, "aws_cloudformation_stack", "broker")["lifecycle"]["precondition"] for each in (blocks, module)]
    assert [each["condition"] for each in asked] == [False, True]
    assert "put-bucket-versioning --bucket packages" in asked[0]["error_message"]


@requirement("OPS-29")
def test_arguments_and_attributes_are_those_of_the_providers_documentation(package: Path, tmp_path: Path) -> None:
    (blocks,) = evaluate(lay(tmp_path / "module", package, GIVEN, answered={}))
    for kind, known in ARGUMENTS.items():
        for block in blocks[kind]:
            assert block.keys() - OF_THE_LANGUAGE <= known
    assert {each for each in blocks if each.startswith("aws_")} == ARGUMENTS.keys()
    text = (MODULE / "main.tf").read_text() + (MODULE / "outputs.tf").read_text()
    assert set(re.findall(r"\baws_\w+\.\w+\.(\w+)", text)) == EXPORTED


@requirement("OPS-29")
def test_whatever_is_named_is_declared(module: Blocks) -> None:
    text = "".join(file.read_text() for file in MODULE.glob("*.tf"))
    declared = {f"var.{each['__tfmeta']['label']}" for each in module["variable"]}
    declared |= {f"local.{name}" for name in module["locals"][0] if name not in OF_THE_LANGUAGE}
    declared |= {
        f"{prefix}{kind}.{each['__tfmeta']['path'].rpartition('.')[2]}"
        for kind, prefix in (("aws_s3_object", ""), ("aws_s3_bucket", "data."), ("aws_cloudformation_stack", ""))
        for each in module[kind]
    }
    assert set(re.findall(r"\b(?:var|local|data\.aws_\w+|aws_\w+)\.\w+", text)) == declared


@requirement("OPS-29")
def test_a_text_that_is_none_of_the_language_is_told_by_the_parser(tmp_path: Path) -> None:
    shutil.copytree(MODULE, tmp_path / "module")
    (tmp_path / "module" / "main.tf").write_text('resource "aws_s3_object" "package" {\n  key = \n}\n')
    with pytest.raises(Unreadable, match="Invalid expression"):
        evaluate(tmp_path / "module")


@requirement("OPS-29", "DOC-03")
def test_the_documented_call_names_variables_and_outputs_of_the_module(module: Blocks, tmp_path: Path) -> None:
    (example,) = (block for block in blocks_of_page("docs/iac.md") if block.language == "hcl")
    (tmp_path / "main.tf").write_text(example.text)
    shutil.copytree(MODULE, tmp_path / "token-broker" / "infra" / "terraform")
    (tmp_path / "given.tfvars").write_text("")
    (blocks,) = evaluate(tmp_path)
    (call,) = blocks["module"]
    variables = {each["__tfmeta"]["label"]: each for each in module["variable"]}
    given = call.keys() - OF_THE_LANGUAGE - {"source"}
    assert given <= variables.keys()
    assert {name for name, each in variables.items() if "default" not in each} <= given
    outputs = {each["__tfmeta"]["label"] for each in module["output"]}
    assert set(re.findall(r"module\.token_broker\.(\w+)", example.text)) <= outputs
    of_the_module = [
        each for each in blocks["variable"] if each["__tfmeta"]["label"] in {"domain_name", "certificate_arn"}
    ]
    assert len(of_the_module) == 2 and all(accepted(each) for each in of_the_module)
