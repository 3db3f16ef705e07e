"""One of everything that is counted, by real requests over the gateway and a real run of the jobs."""

import dataclasses
import json
from typing import Any

from chalicelib.records.job import Job
from chalicelib.routes.schedule import run_once
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.stack import Parts, Stack
from tests.kit.http.tokens import Session, change, start_session


def be_busy(parts: Parts) -> Stack:
    """The stack, whose log then holds every metric."""
    stack = Stack(parts, handouts_per_user=3)
    stack.clock.advance(60 - stack.clock.now() % 60)
    session = start_session(stack)
    assert session.exchange().status == 200
    _refresh(stack, session)
    assert stack.redeem(session.sign_in).status == 400, "a replay"
    _run_jobs(stack)
    other = start_session(stack, who="bob")
    assert [other.exchange().status for _ in range(4)] == [200, 200, 200, 429]
    stack.restart(dynamodb=FaultyTransport(stack.dynamodb, Fault(mode="T", times=100)))
    assert other.refresh().status == 503
    parts.current = None
    return stack


def _refresh(stack: Stack, session: Session) -> None:
    """Done; waited for while another process does it; not to be had; and refused for good."""
    place, clock = session.connection_place(), stack.clock
    free = {"lease_owner": "", "lease_until": 0, "attempt_started": 0}

    class Sleeper:
        def sleep(self, seconds: float) -> None:
            change(stack, place, **free, access_expires_at=clock.now() + 600)

    stack.broker = dataclasses.replace(stack.broker, sleeper=Sleeper())
    ended: dict[str, Any] = {"access_expires_at": clock.now() - 1}
    held = {"lease_owner": "another", "lease_until": clock.now() + 15, "attempt_started": clock.now()}
    for changed in (ended, {**ended, **held}):
        change(stack, place, **changed)
        assert session.exchange().status == 200
    clock.advance(60)
    for error, status in (("server_error", 503), ("invalid_grant", 400)):
        change(stack, place, access_expires_at=clock.now() - 1)
        stack.provider.faults.token_error = error
        assert session.exchange().status == status
        clock.advance(60)
    stack.provider.faults.reset()


def _run_jobs(stack: Stack) -> None:
    now = stack.clock.now()
    fields = {"connection_id": "gone", "sub": "nobody", "provider_id": "demo", "created_at": 0}
    for due_at in (now, now - 3600):
        stack.broker.store.put_job(Job(kind="revoke", job_id=str(due_at), due_at=due_at, **fields))
    assert run_once(stack.broker)["done"] == 2


def lines(stack: Stack) -> list[dict[str, Any]]:
    """All of the log."""
    return [json.loads(line) for line in stack.log.getvalue().splitlines()]


def emitted(stack: Stack) -> set[tuple[str, frozenset[str]]]:
    """Metrics that CloudWatch would read out of the log: name, and by which members it is split."""
    return {
        (metric["Name"], frozenset(dimensions))
        for line in lines(stack)
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ())
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
    }
