"""Both releases on one table, once for each file of tests."""

import os
from collections.abc import Iterator

import pytest

from tests.deploy.rehearsal.previous import NotInThisClone
from tests.deploy.upgrade.sides import Sides, side_by_side


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """One table, a process of each release."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        try:
            with side_by_side(tmp_path_factory.mktemp("sides")) as made:
                yield made
        except NotInThisClone as reason:
            pytest.skip(str(reason))
