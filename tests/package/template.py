"""The template that goes to CloudFormation, made as docs/deploy.md says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.environment import LOCAL
from local.package import ROOT, copy_application


def write_template(project: Path, stage: str = "prod") -> Path:
    """What `chalice package --merge-template` writes, of a copy without requirements so that nothing is fetched."""
    copy_application(project, ROOT)
    shutil.copytree(ROOT / ".chalice", project / ".chalice", ignore=shutil.ignore_patterns("deploy*", "venv"))
    (project / "requirements.txt").write_text("")
    command = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
    command += ["--project-dir", str(project), "package", "--stage", stage]
    command += ["--merge-template", str(ROOT / "infra" / "resources.json"), str(project / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=project, env={**os.environ, **LOCAL})
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return project / "out" / "sam.json"


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
