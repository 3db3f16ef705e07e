"""The Terraform module of infra/terraform, worked out without Terraform, a provider or a network.

tfparse is HashiCorp's own parser of the language with Trivy's evaluator of modules. An expression that it cannot work
out, as one of a value that AWS alone knows, reads as None; what it read of a block is a dictionary of its arguments.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from local.virtual_environment import make_environment
from tests.kit import ROOT

MODULE = ROOT / "infra" / "terraform"
# What AWS answers once it has the objects and the stack, as arguments of the blocks.
ANSWERED = {
    'data "aws_s3_bucket" "packages"': {"bucket_regional_domain_name": "packages.s3.eu-central-1.amazonaws.com"},
    'resource "aws_s3_object" "package"': {"version_id": "ZipVersion.1"},
    'resource "aws_s3_object" "template"': {"version_id": "TemplateVersion.1"},
}
EVALUATE = """
import json, sys, tfparse
print(json.dumps([tfparse.load_from_path(folder, stop_on_hcl_error=True, vars_paths=["given.tfvars"])
                  for folder in json.load(sys.stdin)]))
"""

Blocks = dict[str, list[dict[str, Any]]]


class Unreadable(Exception):
    """What the parser says of a text that is none of its language."""


def lay(folder: Path, template: Path, given: dict[str, Any], *, answered: dict[str, Any] = ANSWERED) -> Path:
    """A copy of the module with a package under `dist` and the values of its variables."""
    shutil.copytree(MODULE, folder)
    (folder / "dist").mkdir()
    shutil.copy(template, folder / "dist" / template.name)
    shutil.copy(template.with_suffix(".zip"), folder / "dist")
    write_values(folder, {"package": f"dist/{template.stem}.zip", **given})
    text = (folder / "main.tf").read_text()
    for block, arguments in answered.items():
        lines = "".join(f"\n  {name} = {json.dumps(value)}" for name, value in arguments.items())
        assert text.count(f"{block} {{") == 1
        text = text.replace(f"{block} {{", f"{block} {{{lines}")
    (folder / "main.tf").write_text(text)
    return folder


def write_values(folder: Path, values: dict[str, Any]) -> None:
    """Give the module's variables their values."""
    (folder / "given.tfvars").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))


def evaluate(*folders: Path) -> list[Blocks]:
    """All blocks of each module by their first label, or by their kind. Raises Unreadable."""
    python = make_environment(ROOT / ".venv-terraform", ROOT / "requirements-terraform.txt")
    asked = json.dumps([str(folder) for folder in folders])
    done = subprocess.run([python, "-c", EVALUATE], input=asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unreadable(done.stderr.strip().splitlines()[-1])
    answered: list[Blocks] = json.loads(done.stdout)
    return answered


def only(blocks: Blocks, kind: str, name: str) -> dict[str, Any]:
    """The one block of a kind and name."""
    (found,) = (each for each in blocks[kind] if each["__tfmeta"]["path"].endswith(f".{name}"))
    return found


def snake(name: str) -> str:
    """`APIHandlerArn` as `api_handler_arn`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
