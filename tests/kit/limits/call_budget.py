"""The number of calls that a step makes at the table and at KMS."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.kit.http.stack import Stack


@contextmanager
def spends(stack: Stack, calls: int, what: str = "") -> Iterator[None]:
    """The block makes exactly so many calls at the table, and none at KMS."""
    with stack.dynamodb.counted() as table, stack.kms.counted() as kms:
        yield
    assert (sum(table.values()), sum(kms.values())) == (calls, 0), (what, table, kms)
