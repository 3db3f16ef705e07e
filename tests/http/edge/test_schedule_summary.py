"""What the scheduled function says of its run, and when: its alarms read that line."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.adapters.aws.transport import Transport
from chalicelib.records.job import Job
from chalicelib.routes.schedule import run_once
from tests.kit.faults import ProcessDied
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement


class EndsAtTheChain:
    """Lambda ends the function where it begins to seal audit records."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        if operation == "Query" and "AUDITSEAL" in repr(payload):
            raise ProcessDied
        return self._inner.call(operation, payload)


@requirement("AWS-06")
def test_what_became_of_duties_is_said_before_audit_records_are_sealed(stack: Stack) -> None:
    """Ten busy minutes may take longer to seal than a function lives; its alarms must not go blind then."""
    broker = stack.build(dynamodb=EndsAtTheChain(stack.deployment.dynamodb))
    now = stack.clock.now()
    fields = {"connection_id": "gone", "sub": "nobody", "provider_id": "demo", "created_at": 0}
    broker.store.put_job(Job(kind="revoke", job_id="one", due_at=now - 3600, **fields))
    with pytest.raises(ProcessDied):
        run_once(broker)
    said = [json.loads(line) for line in stack.log.getvalue().splitlines()]
    (line,) = (one for one in said if one["event"] == "jobs")
    assert (line["done"], line["JobsDue"], line["JobsLate"]) == (1, 1, 1)
