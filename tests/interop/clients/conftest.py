"""The matrix, a row at a time: each library runs once in a process, and each of its cells is a test."""

from collections.abc import Callable

import pytest

from local.node import NoNode
from tests.interop.clients.libraries import Library
from tests.interop.clients.running import Row, run
from tests.kit.chromium import CHROMIUM
from tests.kit.http.fixtures import parts
from tests.kit.http.stack import Parts

__all__ = ["parts"]


@pytest.fixture(scope="module")
def row_of(parts: Parts) -> Callable[[Library], Row]:
    """The row of a library, tried once; a test steps aside, and says so, where Node or Chromium is missing."""
    known: dict[str, Row] = {}

    def find(library: Library) -> Row:
        if library.where == "browser" and CHROMIUM is None:
            pytest.skip("Chromium is not installed")
        if library.key not in known:
            try:
                known[library.key] = run(library, parts)
            except NoNode as missing:
                pytest.skip(str(missing))
        return known[library.key]

    return find
