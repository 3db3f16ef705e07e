"""The bill of materials names what is in the zip, and everything that is."""

import hashlib
import json
import shutil
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from local.package.sbom import build_bill, write_bill
from tests.kit.requirement import requirement


@requirement("OPS-26")
def test_it_names_what_the_zip_holds_by_version_address_and_licence(host_package: Path) -> None:
    bill = build_bill(host_package)
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert bill["metadata"]["component"]["hashes"] == [
        {"alg": "SHA-256", "content": hashlib.sha256(host_package.read_bytes()).hexdigest()}
    ]
    named = {one["name"]: one for one in bill["components"]}
    assert set(named) == {"cffi", "chalice", "cryptography", "jinja2", "markupsafe", "msgspec", "pyjwt"}
    for name, one in named.items():
        assert one["version"] == metadata.version(name)
        assert one["purl"] == one["bom-ref"] == f"pkg:pypi/{name}@{one['version']}"
        (licence,) = one["licenses"]
        assert licence.get("expression") or licence["license"]["name"] not in ("", "unknown")
    assert bill["dependencies"] == [{"ref": "token-broker", "dependsOn": [one["bom-ref"] for one in named.values()]}]


@requirement("OPS-26")
def test_the_same_zip_has_the_same_bill_and_nothing_in_it_is_unnamed(host_package: Path, tmp_path: Path) -> None:
    one, other = (Path(shutil.copy(host_package, tmp_path / name)) for name in ("one.zip", "other.zip"))
    assert write_bill(one).read_bytes() == write_bill(other).read_bytes()
    assert json.loads((tmp_path / "one.cdx.json").read_text())["components"]
    with zipfile.ZipFile(other, "a") as package:
        package.writestr("stowaway/__init__.py", "")
    with pytest.raises(LookupError, match="stowaway"):
        build_bill(other)
