"""Checks the deployed functions, found by their environment, against the repository."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from chalicelib.config import PREFIX, ConfigurationError, read_settings
from cli.doctor.checks import Fault, Group, Skipped, Source
from cli.doctor.deployment.visit import DEPLOY, Here

GROUP = Group("Functions and roles")
CHALICE = Path(__file__).resolve().parents[3] / ".chalice"
PRIVILEGE = Source(
    "IAM guide, least privilege",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
)
ISSUER = f"{PREFIX}ISSUER"
OF_A_MACHINE = ("endpoint_url", "provider_dirs", "theme")  # places, which differ with the machine
Json = dict[str, Any]


@GROUP.check("functions-all", "error", fix="Deploy again: docs/deploy.md", source=DEPLOY)
def are_all(here: Here) -> Iterator[str]:
    """Every function of the repository is deployed: the API function and the scheduled ones."""
    found = {function["Handler"] for function in find_functions(here)}
    missing = sorted(set(_policies()) - found)
    if missing:
        yield f"not deployed: {', '.join(missing)}"


@GROUP.check(
    "functions-settings",
    "warning",
    fix="Run the command with the functions' settings, or deploy yours. This report uses your settings.",
    source=DEPLOY,
)
def have_these_settings(here: Here) -> Iterator[str]:
    """The functions start with their settings, and this command runs with the same settings."""
    ours = msgspec.structs.asdict(here.settings)
    for function in find_functions(here):
        try:
            theirs = msgspec.structs.asdict(read_settings(settings_of(function)))
        except ConfigurationError as error:
            yield f"{function['FunctionName']} does not start with its settings: {'; '.join(error.faults)}"
            continue
        apart = [name for name in sorted(ours) if name not in OF_A_MACHINE and theirs[name] != ours[name]]
        if apart:
            said = ", ".join(f"{PREFIX}{name.upper()}" for name in apart)
            yield f"{function['FunctionName']} has other settings: {said}"


@GROUP.check(
    "roles-equal",
    "error",
    fix="Deploy again (docs/deploy.md). Move manual additions into .chalice/.",
    source=PRIVILEGE,
)
def have_the_policies(here: Here) -> Iterator[str | Fault]:
    """Each function's role allows exactly what the repository's policy allows."""
    for function in find_functions(here):
        wanted = _policies().get(function["Handler"])
        role = function["Role"].rpartition("/")[2]
        if wanted is None:
            yield f"{function['FunctionName']} runs {function['Handler']}, which is not in the repository"
            continue
        for arn in _attached(here, role):
            fix = f"aws iam detach-role-policy --role-name {role} --policy-arn {arn}"
            yield Fault(f"{role} has the policy {arn} attached", fix)
        theirs = _statements([_with_our_logs(one, function) for one in _inline(here, role)])
        ours = _statements([_named((CHALICE / wanted).read_text(encoding="utf-8"), function)])
        if more := theirs - ours:
            yield f"{role} allows more than {wanted}: {'; '.join(sorted(map(_brief, more)))}"
        if less := ours - theirs:
            yield f"{role} lacks permissions of {wanted}: {'; '.join(sorted(map(_brief, less)))}"


def find_functions(here: Here) -> list[Json]:
    """The functions whose environment names this deployment and issuer. Raises Skipped if no function does."""
    here.only_deployed()
    found: list[Json] = []
    marker: Json = {}
    while True:
        page = here.ask("lambda", "ListFunctions", **marker)
        found += [one for one in page["Functions"] if settings_of(one).get(ISSUER) == here.settings.issuer]
        if not page.get("NextMarker"):
            break
        marker = {"Marker": page["NextMarker"]}
    if not found:
        raise Skipped("no function of this region has this issuer")
    return found


def settings_of(function: Json) -> dict[str, str]:
    """Its BROKER_... variables."""
    variables: dict[str, str] = function.get("Environment", {}).get("Variables", {})
    return {name: value for name, value in variables.items() if name.startswith(PREFIX)}


def _policies() -> dict[str, str]:
    """Handler -> the file of its policy, as chalice deploys them."""
    config = json.loads((CHALICE / "config.json").read_text(encoding="utf-8"))
    others = {f"app.{name}": entry["iam_policy_file"] for name, entry in config["lambda_functions"].items()}
    return {"app.app": config["iam_policy_file"], **others}


def _named(policy: str, function: Json) -> Json:
    """A policy of the repository under the names that a function has in its settings."""
    usual = {"TABLE": "broker", "KEYS_TABLE": "broker-keys", "KMS_KEY": "alias/broker", "DEPLOYMENT": "broker"}
    own = {name: settings_of(function).get(PREFIX + name, plain) for name, plain in usual.items()}
    tables = {"": own["TABLE"], "-keys": own["KEYS_TABLE"]}
    policy = re.sub(r'(?<=:table/)broker(|-keys)(?=["/])', lambda found: tables[found[1]], policy)
    if own["KMS_KEY"].startswith("alias/"):
        policy = policy.replace('"alias/broker"', json.dumps(own["KMS_KEY"]))
    deployment = '"kms:EncryptionContext:deployment": '
    named: Json = json.loads(policy.replace(f'{deployment}"broker"', deployment + json.dumps(own["DEPLOYMENT"])))
    return named


def _with_our_logs(policy: Json, function: Json) -> Json:
    """The logs of one stack of any name are what the repository's policy calls those of `token-broker-`."""

    def ours(found: re.Match[str]) -> str:
        return "token-broker-*" if function["FunctionName"].startswith(found[1]) else found[0]

    named: Json = json.loads(re.sub(r"(?<=:log-group:/aws/lambda/)([\w-]+-)\*", ours, json.dumps(policy)))
    return named


def _attached(here: Here, role: str) -> list[str]:
    found = here.ask("iam", "ListAttachedRolePolicies", RoleName=role)["AttachedPolicies"]
    return [one["PolicyArn"] for one in found]


def _inline(here: Here, role: str) -> list[Json]:
    names = here.ask("iam", "ListRolePolicies", RoleName=role)["PolicyNames"]
    found = [here.ask("iam", "GetRolePolicy", RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return [json.loads(unquote(one)) if isinstance(one, str) else one for one in found]


def _statements(documents: list[Json]) -> set[str]:
    """Each statement as one text in which order, names and single entries make no difference."""
    return {
        json.dumps({name: _sorted(value) for name, value in statement.items() if name != "Sid"}, sort_keys=True)
        for document in documents
        for statement in document["Statement"]
    }


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(one) for name, one in value.items()}
    return sorted(value) if isinstance(value, list) else [value]


def _brief(statement: str) -> str:
    told = json.loads(statement)
    return f"{' '.join(told['Effect'])} {', '.join(told.get('Action', []))}"
