"""The template that goes to CloudFormation, as the tests need it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cli.deployment.local_environment import LOCAL

TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
class NoManagedPolicies:
    def load(self): return {}
print(json.dumps(transform(json.load(sys.stdin), {}, NoManagedPolicies())))
"""


def translate(template: dict[str, Any], python: Path) -> dict[str, Any]:
    """What CloudFormation's SAM transform makes of it, by the translator that AWS publishes.

    python   of an environment that has the translator
    """
    plain = with_code(template, "s3://packages/package.zip")
    command = [str(python), "-c", TRANSLATE]
    environ = {**os.environ, **LOCAL}
    done = subprocess.run(command, input=json.dumps(plain), capture_output=True, text=True, env=environ)
    if done.returncode:
        raise RuntimeError(done.stderr)
    translated: dict[str, Any] = json.loads(done.stdout)
    return translated


def with_code(template: dict[str, Any], uri: str, **variables: str) -> dict[str, Any]:
    """The template with the package's place, as `aws cloudformation package` leaves it, and further variables."""
    copy: dict[str, Any] = json.loads(json.dumps(template))
    for resource in copy["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = uri
            resource["Properties"]["Environment"]["Variables"].update(variables)
    return copy


def lint(path: Path) -> str:
    command = [sys.executable, "-c", "from cfnlint.runner import main; main()", "--template", str(path)]
    # W3002 is about local paths, which `aws cloudformation package` replaces.
    return subprocess.run([*command, "--ignore-checks", "W3002"], capture_output=True, text=True).stdout
