"""A few calls of every operation, made up by schemathesis from the published description; the same ones each time.

Other seeds and longer runs: `play` in from_description.py takes both.
"""

from typing import Any

import pytest

from tests.concurrency.fuzz.from_description import Target, operations, play
from tests.kit.http.stack import Parts, Stack
from tests.kit.requirement import requirement

EXAMPLES = 8
OPERATIONS = operations()


@pytest.fixture(scope="module")
def target(parts: Parts) -> Target:
    stack = Stack(parts, registration="open", failed_authentications_per_address=10**9, registration_per_address=10**9)
    return Target(stack)


@requirement("F30", "DESC-02")
@pytest.mark.parametrize("operation", OPERATIONS, ids=[f"{one.method.upper()} {one.path}" for one in OPERATIONS])
def test_whatever_the_description_allows_gets_a_described_answer(target: Target, parts: Parts, operation: Any) -> None:
    parts.current = target.stack
    play(target, operation, examples=EXAMPLES)
