"""The CDK construct makes the stack of the packaged template, and says what is wrong before there is one."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.node import NoNode
from tests.deploy.infra.cdk_app import CONSTRUCT, compile_apps, synthesise
from tests.deploy.infra.template import lint
from tests.deploy.rehearsal.settled import settle
from tests.kit.markdown import blocks
from tests.kit.requirement import requirement

PACKAGE = "dist/token-broker-arm64.zip"
LEAST = {
    "package": PACKAGE,
    "domainName": "login.example.com",
    "certificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/0123-abcd",
}
MOST = {
    **LEAST,
    "hostedZoneId": "Z0123456789",
    "alarmTopicArn": "arn:aws:sns:eu-central-1:111122223333:alarms",
    "runbooksAt": "https://git.example.com/token-broker/",
    "requestsPerSecond": 50,
    "requestsAtOnce": 100,
    "deployment": "two",
    "schedules": "DISABLED",
    "multiRegionKey": "false",
}
# A string of which CDK knows that its value comes with the deployment.
LATER = "${Token[TOKEN.1]}"
MADE = {"token-broker": LEAST, "token-broker-test": MOST}
# (name of the stack, properties, what the error says)
WRONG = (
    ("broker", LEAST, "The stack's name has to begin with token-broker, not be broker"),
    ("token-broker", {**LEAST, "package": "dist/none.zip"}, "dist/none.zip .*run python3 dev.py package"),
    ("token-broker", {**LEAST, "package": "dist/lonely.zip"}, "dist/lonely.zip .*run python3 dev.py package"),
    ("token-broker", {**LEAST, "package": "dist"}, "dist is no zip .*run python3 dev.py package"),
    ("token-broker", {**LEAST, "domain": "login.example.com"}, "takes no domain; it takes domainName, certificateArn,"),
    ("token-broker", {"package": PACKAGE}, "domainName is missing"),
    ("token-broker", {**LEAST, "domainName": "https://login.example.com"}, "domainName is .*, and has to match "),
    ("token-broker", {**LEAST, "package": "dist/undecided.zip", "schedules": LATER}, "Cannot decide .*Fn::Equals"),
    ("token-broker", LEAST, "There is no DomainRecord among .*BrokerTable"),
    ("token-broker", {**LEAST, "requestsAtOnce": 0}, "requestsAtOnce is 0, and has to be at least 1"),
)


class Synthesised(NamedTuple):
    """folder: where the apps ran. package: the template that they read. raised: what each of WRONG said."""

    folder: Path
    package: dict[str, Any]
    raised: list[str]

    def template(self, stack: str, of: str = "made") -> Path:
        return self.folder / of / f"{stack}.template.json"

    def parsed(self, stack: str, of: str = "made") -> dict[str, Any]:
        return dict(json.loads(self.template(stack, of).read_text()))


@pytest.fixture(scope="module")
def synthesised(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """All apps, compiled and run once."""
    folder = tmp_path_factory.mktemp("cdk")
    (folder / "dist").mkdir()
    (folder / "dist" / template.name).write_bytes(template.read_bytes())
    package = json.loads(template.read_text())
    undecided = json.loads(template.read_text())
    undecided["Conditions"]["Runs"] = {"Fn::Equals": [{"Ref": "Schedules"}, "ENABLED"]}
    undecided["Resources"]["Jobs"]["Condition"] = "Runs"
    (folder / "dist" / "undecided.json").write_text(json.dumps(undecided))
    for name in (PACKAGE, "dist/lonely.zip", "dist/undecided.zip"):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("app.py", "# the code of a package")
    (example,) = (block.text for block in blocks("docs/iac.md") if block.language == "js")
    try:
        complaints = compile_apps(folder, example)
    except NoNode as missing:
        pytest.skip(str(missing))
    assert complaints == ""
    asked = {
        "outputs": [camel(name) for name in package["Outputs"]],
        "raised": [{"stack": stack, "props": props} for stack, props, _ in WRONG],
        "made": MADE,
    }
    return Synthesised(folder, package, synthesise(folder, asked))


def camel(name: str) -> str:
    """`APIHandlerArn` as `apiHandlerArn`."""
    return re.sub(r"^([A-Z]+(?=[A-Z][a-z])|[A-Z])", lambda start: start[0].lower(), name)


def place_of_code(template: dict[str, Any]) -> Any:
    """The one place from which all functions take their code; it is taken out of the template."""
    functions = [one["Properties"] for one in template["Resources"].values() if one["Type"].endswith("::Function")]
    (place,) = {json.dumps(function.pop("CodeUri")) for function in functions}
    return json.loads(place)


def wanted(package: dict[str, Any], props: dict[str, Any]) -> dict[str, Any]:
    """The package's template with the values of an app."""
    names = {camel(name): name for name in package["Parameters"]}
    settled = settle(package, {names[name]: value for name, value in props.items() if name != "package"})
    assert place_of_code(settled) == "./token-broker-arm64.zip"
    return settled


@requirement("OPS-29")
@pytest.mark.parametrize("stack", MADE)
def test_every_resource_and_output_is_the_packages(stack: str, synthesised: Synthesised) -> None:
    """Logical ids, properties, policies, and what becomes of a table when the stack goes."""
    made = synthesised.parsed(stack)
    assert made["Transform"] == synthesised.package["Transform"]
    settled = settle(made, {})
    place_of_code(settled)
    # What another stack takes from this one CDK exports beside them.
    settled["Outputs"] = {name: one for name, one in settled["Outputs"].items() if "Export" not in one}
    assert settled == wanted(synthesised.package, MADE[stack])
    tables = [one for one in made["Resources"].values() if one["Type"] == "AWS::DynamoDB::Table"]
    assert [(one["DeletionPolicy"], one["UpdateReplacePolicy"]) for one in tables] == [("Retain", "Retain")] * 2


@requirement("OPS-29")
@pytest.mark.parametrize("stack", MADE)
def test_no_parameter_is_left_that_a_deployment_could_keep(stack: str, synthesised: Synthesised) -> None:
    """CDK gives a parameter the value of the last deployment, whatever the code says since."""
    made = synthesised.parsed(stack)
    assert made["Parameters"].keys() == {"BootstrapVersion"}
    assert "Conditions" not in made


@requirement("OPS-29")
def test_the_functions_run_the_zip_that_was_packaged(synthesised: Synthesised) -> None:
    place = place_of_code(synthesised.parsed("token-broker"))
    assets = json.loads((synthesised.folder / "made" / "token-broker.assets.json").read_text())["files"]
    (asset,) = (one for one in assets.values() if one["source"]["path"].endswith(".zip"))
    (destination,) = asset["destinations"].values()
    assert (place["Bucket"], place["Key"]) == ({"Fn::Sub": destination["bucketName"]}, destination["objectKey"])
    assert asset["source"]["packaging"] == "file"
    uploaded = synthesised.folder / "made" / asset["source"]["path"]
    assert uploaded.read_bytes() == (synthesised.folder / PACKAGE).read_bytes()


@requirement("OPS-29")
def test_what_is_synthesised_is_clean(synthesised: Synthesised) -> None:
    """By cfn-lint; CDK's own rules were errors when it was made."""
    assert lint(synthesised.template("token-broker")) == ""


@requirement("OPS-29", "DOC-03")
def test_the_documented_app_makes_the_same_stack_with_a_topic_of_its_own(synthesised: Synthesised) -> None:
    made = synthesised.parsed("token-broker", of="documented")
    (topic,) = (name for name, one in made["Resources"].items() if one["Type"] == "AWS::SNS::Topic")
    del made["Resources"][topic]
    assert made["Resources"]["BrokerTable"]["Metadata"].pop("Owner") == "identity team"
    settled = settle(made, {})
    place_of_code(settled)
    certificate = made["Resources"]["Domain"]["Properties"]["RegionalCertificateArn"]
    props = {**LEAST, "certificateArn": certificate, "alarmTopicArn": {"Ref": topic}}
    assert settled == wanted(synthesised.package, props)


@requirement("OPS-29")
@pytest.mark.parametrize("case", range(len(WRONG)), ids=lambda number: WRONG[number][2][:30])
def test_what_is_wrong_is_an_error_that_says_what_to_do(case: int, synthesised: Synthesised) -> None:
    assert re.search(WRONG[case][2], synthesised.raised[case])


@requirement("OPS-29")
def test_each_parameter_is_a_property_of_its_type_with_its_description(synthesised: Synthesised) -> None:
    text = (CONSTRUCT / "token-broker.ts").read_text().partition("export interface TokenBrokerProps {")[2]
    found = re.findall(r"  /\*\* (.+) \*/\n  readonly (\w+)(\??): (\w+);", text.partition("\n}")[0])
    told = {name: (said, bool(optional), kind) for said, name, optional, kind in found}
    del told["package"]
    assert told == {
        camel(name): (one["Description"], "Default" in one, one["Type"].lower())
        for name, one in synthesised.package["Parameters"].items()
    }


@requirement("OPS-29")
def test_each_output_is_one_of_the_construct_that_another_stack_can_use(synthesised: Synthesised) -> None:
    text = (CONSTRUCT / "token-broker.ts").read_text()
    assert set(re.findall(r"  readonly (\w+)!: string;", text)) == {
        camel(name) for name in synthesised.package["Outputs"]
    }
    told = {name: one["Value"] for name, one in synthesised.parsed("beside")["Outputs"].items()}
    assert told["tokenbrokerissuer"] == {"Fn::Sub": ["https://${DomainName}", {"DomainName": "login.example.com"}]}
    exported = synthesised.parsed("token-broker")["Outputs"].values()
    (name,) = (one["Export"]["Name"] for one in exported if one["Value"] == {"Ref": "BrokerTable"} and "Export" in one)
    assert told["tokenbrokertableName"] == {"Fn::ImportValue": name}
