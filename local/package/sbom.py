"""The bill of materials of a package, as CycloneDX 1.6 in JSON: what is in the zip that we did not write.

It names what the zip really holds, by version, package URL and licence; the zip itself by its SHA-256. The same zip
gives the same bytes: there is no date and no serial number in it.
"""

import hashlib
import json
import re
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

from local.package.package import ROOT

_LOCKED = re.compile(r"^([a-z0-9._-]+)==([^ \\;]+)", re.MULTILINE)
# Two files of it are in the zip, which no lock brings there.
BY_HAND = ("chalice",)


def write_bill(package: Path, requirements: Path = ROOT / "requirements.txt") -> Path:
    """Write the bill of a zip beside it, under its name."""
    target = package.with_suffix(".cdx.json")
    target.write_text(json.dumps(build_bill(package, requirements), indent=2) + "\n", encoding="utf-8")
    return target


def build_bill(package: Path, requirements: Path = ROOT / "requirements.txt") -> dict[str, Any]:
    """The bill as a document. Raises LookupError for something in the zip that nobody has named."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(package) as archive:
        held = {_top(name) for name in archive.namelist()} - {"app", "chalicelib", "__pycache__"}
    named = [name for name, _ in _LOCKED.findall(requirements.read_text(encoding="utf-8"))]
    brought = {name: tops for name in (*named, *BY_HAND) if (tops := _tops(name) & held)}
    if unnamed := held - set().union(*brought.values()):
        raise LookupError(f"no requirement brings {', '.join(sorted(unnamed))}")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "token-broker",
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"expression": project["license"]}],
                "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(package.read_bytes()).hexdigest()}],
            }
        },
        "components": [_component(name) for name in sorted(brought)],
        "dependencies": [{"ref": "token-broker", "dependsOn": [_purl(name) for name in sorted(brought)]}],
    }


def _component(name: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": _purl(name),
        "name": name,
        "version": metadata.version(name),
        "purl": _purl(name),
        "licenses": [_licence(name)],
    }


def _licence(name: str) -> dict[str, Any]:
    """As the distribution says it: an SPDX expression, or the last words of its classifier."""
    said = metadata.metadata(name)
    if expression := said.get("License-Expression"):
        return {"expression": expression}
    classifiers = [one for one in said.get_all("Classifier") or () if one.startswith("License ::")]
    words = classifiers[0].rpartition(" :: ")[2] if classifiers else said.get("License") or "unknown"
    return {"license": {"name": words}}


def _purl(name: str) -> str:
    return f"pkg:pypi/{name}@{metadata.version(name)}"


def _tops(name: str) -> set[str]:
    """What a distribution puts at the top; its version is the lock's, since both locks agree. Nothing where it is for
    other machines than this one."""
    try:
        return {_top(str(file)) for file in metadata.files(name) or ()}
    except metadata.PackageNotFoundError:
        return set()


def _top(name: str) -> str:
    """The first name of a path: of a native file without what tells its machine."""
    return name.split("/")[0].split(".")[0]
