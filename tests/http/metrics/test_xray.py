"""X-Ray by one setting, which is off."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from local.package.package import ROOT
from local.package.template import build_template
from tests.kit.requirement import requirement


def built(folder: Path, **setting: bool) -> dict[str, Any]:
    """The template of a tree with that in its `.chalice/config.json`."""
    for name in ("chalicelib", "infra", ".chalice"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", folder)
    place = folder / ".chalice" / "config.json"
    place.write_text(json.dumps({**json.loads(place.read_text(encoding="utf-8")), **setting}), encoding="utf-8")
    return build_template("./x.zip", arch="arm64", root=folder)


@requirement("OPS-23")
def test_one_setting_traces_the_api_and_every_function_with_the_right_to_send_it(tmp_path: Path) -> None:
    plain = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))
    assert "xray" not in json.dumps(plain)
    resources = built(tmp_path, xray=True)["Resources"]
    functions = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Serverless::Function"]
    assert [function["Tracing"] for function in functions] == ["Active"] * len(functions)
    for function in functions:
        role = resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
        assert "AWSXRayDaemonWriteAccess" in json.dumps(role["ManagedPolicyArns"])
    assert resources["RestAPI"]["Properties"]["TracingEnabled"] is True
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not re.search("xray|opentelemetry", lock)
