"""The CloudFormation template of a whole deployment, beside the package that it deploys.

Chalice knows the routes, the schedules and a role for each function; the files of `infra/` add what it does not know.
Merged they are the template that `chalice package --merge-template` writes, with its zip exchanged for ours.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.deployment.local_environment import LOCAL
from local.package.creation_order import make_last
from local.package.package import PYTHON, ROOT, PackagingError, copy_application

FRAGMENTS = ("resources.json", "domain.json", "alarms.json", "limits.json", "deployment.json")
TRACES = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AWSXRayDaemonWriteAccess"}
ISSUER = {"Fn::Sub": "https://${DomainName}"}
# What our files call by the one name that a first try has, and the template by the name of its deployment.
NAMED = re.compile(r"((?:table/|alias/)?)broker((?:-keys|/index/by_sub)?)")
LOGS = "log-group:/aws/lambda/token-broker-"
# In a file that no template fills in, an ARN names the usual partition and any account.
ANYWHERE = re.compile(r"arn:aws:([a-z]+):\*:\*:(.+)")
HERE = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s"


def write_template(package: Path, *, arch: str, stage: str = "prod", root: Path = ROOT) -> Path:
    """Write the template of `package` beside it, under its name; the same bytes for the same tree.

    arch   Lambda's name of the architecture that the package is for

    Raises PackagingError: Chalice cannot read the application or its configuration.
    """
    template = build_template(f"./{package.name}", arch=arch, stage=stage, root=root)
    target = package.with_suffix(".json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(template, indent=2) + "\n", encoding="utf-8")
    return target


def build_template(code_uri: str, *, arch: str, stage: str = "prod", root: Path = ROOT) -> dict[str, Any]:
    """The template as a document; every function's code is at `code_uri`.

    root   the source tree; an older one, without `infra/domain.json`, takes its issuer from `.chalice/config.json`
    """
    merged: dict[str, Any] = {}
    for path in (root / "infra" / name for name in FRAGMENTS):
        merged = merge(merged, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {})
    with tempfile.TemporaryDirectory(prefix="broker-template-") as folder:
        template = _ask_chalice(Path(folder) / "project", merged, stage, root)
    _let_functions_tell(template)
    _let_functions_trace(template)
    if operator := template["Resources"].get("OperatorRole"):
        policy = json.loads((root / "infra" / "operator-policy.json").read_text(encoding="utf-8"))
        operator["Properties"]["Policies"] = [{"PolicyName": "OperatorPolicy", "PolicyDocument": policy}]
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            function = resource["Properties"]
            function |= {"CodeUri": code_uri, "Runtime": f"python{PYTHON}", "Architectures": [arch]}
            if "DomainName" in template.get("Parameters", {}):
                function["Environment"]["Variables"]["BROKER_ISSUER"] = ISSUER
    make_last(template["Resources"])
    if "Deployment" in template.get("Parameters", {}):
        template["Resources"] = _named_by_parameters(template["Resources"])
    return template


def _named_by_parameters(value: Any) -> Any:
    """Tables, key, settings and rights under the deployment's name, logs under the stack's; the API has neither.

    Rights are those on what this partition, region and account hold: `alias/broker` could be a key of another account.
    """
    if isinstance(value, Mapping):
        return {name: one if name == "DefinitionBody" else _named_by_parameters(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_named_by_parameters(one) for one in value]
    if not isinstance(value, str):
        return value
    if arn := ANYWHERE.fullmatch(value):
        return {"Fn::Sub": HERE % (arn[1], _named(arn[2]))}
    named = _named(value)
    if named == value:
        return value
    return {"Ref": "Deployment"} if named == "${Deployment}" else {"Fn::Sub": named}


def _named(value: str) -> str:
    """With a place for the name of the deployment, or of the stack, where that is in it."""
    if value.startswith(LOGS):
        return value.replace("/token-broker-", "/${AWS::StackName}-", 1)
    found = NAMED.fullmatch(value)
    return value if found is None else f"{found[1]}${{Deployment}}{found[2]}"


def _let_functions_trace(template: Mapping[str, Any]) -> None:
    """Traces and the right to send them, where `xray` of `.chalice/config.json` asks for them."""
    resources = template["Resources"]
    for function in [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Serverless::Function"]:
        if function.get("Tracing") == "Active":
            role, _ = function["Role"]["Fn::GetAtt"]
            resources[role]["Properties"]["ManagedPolicyArns"] = [TRACES]
            resources["RestAPI"]["Properties"]["TracingEnabled"] = True


def _let_functions_tell(template: Mapping[str, Any]) -> None:
    """The permission to send events to this one event bus, for the roles of the functions that use it."""
    resources = template["Resources"]
    for function in [one for one in resources.values() if one["Type"] == "AWS::Serverless::Function"]:
        bus = function["Properties"]["Environment"]["Variables"].get("BROKER_EVENT_BUS")
        if bus:
            arn = bus if bus.startswith("arn:") else f"arn:aws:events:*:*:event-bus/{bus}"
            statement = {"Sid": "TellTheEventBus", "Effect": "Allow", "Action": "events:PutEvents", "Resource": arn}
            (policy,) = resources[function["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]["Policies"]
            policy["PolicyDocument"]["Statement"].append(statement)


def merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both, mappings inside of them too; where both say something else it is the other's, as Chalice does it."""
    merged = dict(one)
    for name, value in other.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = merge(merged[name], value) if both else value
    return merged


def _ask_chalice(project: Path, merged: Mapping[str, Any], stage: str, root: Path) -> dict[str, Any]:
    """What Chalice makes of a copy without requirements: it would fetch them for a zip that nobody uses."""
    copy_application(project, root)
    shutil.copytree(root / ".chalice", project / ".chalice", ignore=shutil.ignore_patterns("deploy*", "venv"))
    (project / "requirements.txt").write_text("", encoding="ascii")
    (project / "merged.json").write_text(json.dumps(merged), encoding="utf-8")
    command = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
    command += ["--project-dir", str(project), "package", "--stage", stage]
    command += ["--merge-template", str(project / "merged.json"), str(project / "out")]
    environ = {**os.environ, **LOCAL}
    done = subprocess.run(command, capture_output=True, text=True, cwd=project, env=environ, check=False)
    if done.returncode:
        raise PackagingError(f"chalice package failed:\n{done.stdout}{done.stderr}".rstrip())
    template: dict[str, Any] = json.loads((project / "out" / "sam.json").read_text(encoding="utf-8"))
    return template
