"""What the tests of the package share: one build for this machine."""

import platform
from pathlib import Path

import pytest

from local.package.package import PackagingError, build_package, find_python
from local.package.template import write_template


@pytest.fixture(scope="session")
def host_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real package, with native files of this machine."""
    if platform.system() != "Linux":
        pytest.skip("the package holds files for Linux")
    try:
        find_python()
    except PackagingError as reason:
        pytest.skip(str(reason))
    return build_package(tmp_path_factory.mktemp("package") / "host.zip", arch="host")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of a package for arm64, without its zip."""
    return write_template(tmp_path_factory.mktemp("package") / "token-broker-arm64.zip", arch="arm64")
