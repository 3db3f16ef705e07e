"""No credential, no setting and no machine's path is in what would be deployed."""

import zipfile
from pathlib import Path

from tests.kit.repo.secret_patterns import find_secrets
from tests.kit.requirement import requirement

# The library that reads keys has the words of their first lines in its machine code; no key follows them.
BINARY = (".so",)


@requirement("OPS-04")
def test_the_package_holds_no_credential(host_package: Path) -> None:
    found = {}
    with zipfile.ZipFile(host_package) as package:
        for name in package.namelist():
            if not name.endswith(BINARY) and (kinds := find_secrets(package.read(name).decode("utf-8", "replace"))):
                found[name] = kinds
        assert not [name for name in package.namelist() if Path(name).name.startswith(".env") or name.endswith(".pem")]
    assert not found
