"""CDK apps with the construct of infra/cdk: compiled with strict types, then run as `cdk synth` runs an app."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from local.node import install_packages
from tests.kit import ROOT

CONSTRUCT, CASES = ROOT / "infra" / "cdk", ROOT / "tests" / "deploy" / "package" / "cdk"
# As `cdk init` writes it for new apps: what CDK finds in a template is an error, and no warning.
STRICT = {"@aws-cdk/core:validateAgainstDefaultRules": True}


def compile_apps(folder: Path, documented: str) -> str:
    """Lay construct, cases and an example into a folder, as `js`; what the compiler complains of. Raises NoNode."""
    modules = install_packages()
    (folder / "node_modules").symlink_to(modules)
    for file in [*CONSTRUCT.glob("*.ts"), *CASES.iterdir()]:
        shutil.copy(file, folder)
    (folder / "documented.ts").write_text(documented)
    command = ["node", str(modules / "typescript" / "bin" / "tsc")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def synthesise(folder: Path, asked: dict[str, Any]) -> list[str]:
    """What each of the cases that should raise says; the stacks are in `made`, the example's in `documented`."""
    environ = {**os.environ, "CDK_OUTDIR": "documented", "CDK_CONTEXT_JSON": json.dumps(STRICT), "NODE_OPTIONS": ""}
    said = json.dumps({"out": "made", **asked})
    done = subprocess.run(
        ["node", "js/cases.js"], cwd=folder, env=environ, input=said, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1500:]
    raised: list[str] = json.loads(done.stdout)
    return raised
