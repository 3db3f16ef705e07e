"""When all is quiet again: nothing may be left over, and everything that is said to live has to."""

import time
from collections import Counter
from typing import Any

from chalicelib.encryption import encryption_context_of, open_user_key, open_value
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.records.connection import Connection
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import user_key_item_key
from chalicelib.records.job import Job
from tests.concurrency.soak.actor import Actor
from tests.kit.traffic.world import World

LATER_SECONDS = 7 * 3600
"""Between two runs of the schedule: more than the longest pause of a job that a provider has refused."""
LATER_RUNS = 30
"""More than the tries after which such a job is given up: the answers of the faulty provider stay unreadable."""


def find_leftovers(world: World, actors: list[Actor]) -> list[str]:
    """What is wrong, one sentence each, after every actor has gone on once more and the duties have been done."""
    wait_for_leases(world)
    for actor in actors:
        for _ in range(4):
            actor.session = None
            actor.step()
            if actor.session is not None:
                actor.hand_out(actor.session)
            if actor.session is not None:
                break
    found = [f"{actor.app.who} cannot go on" for actor in actors if actor.session is None]
    for run in range(1, LATER_RUNS + 1):
        if not run_due_jobs(world.later_broker(run * LATER_SECONDS)):
            break
    jobs: list[Job] = world.deployment.scan("JOB#", Job)
    found += [f"a duty is left: {job.kind} of {job.connection_id}, tried {job.tries} times" for job in jobs]
    for connection in world.deployment.scan("CONNECTION#", Connection):
        found += [f"connection {connection.connection_id}: {fault}" for fault in _faults(world, connection)]
    return found + _audit(world, actors)


def wait_for_leases(world: World) -> None:
    """Until those of killed processes have run out: fifteen seconds at most."""
    end = time.monotonic() + 16
    while time.monotonic() < end:
        connections: list[Connection] = world.deployment.scan("CONNECTION#", Connection)
        if not any(one.is_leased(int(time.time())) for one in connections):
            return
        time.sleep(0.5)


def _faults(world: World, connection: Connection) -> list[str]:
    found = []
    if connection.is_leased(int(time.time())):
        found.append("a lease is left")
    if connection.status == "revoked":
        return [*found, *([] if connection.settled_at else ["its revocation is not settled"])]
    if connection.status in ("active", "partial"):
        if connection.attempt_started:
            found.append("an attempt is open")
        families = world.provider.grants.families
        token = _refresh_token(world, connection)
        if not any(family.takes(token) and not family.revoked for family in families):
            found.append("its refresh token is none at the provider")
    return found


def _refresh_token(world: World, connection: Connection) -> str:
    broker, place = world.later_broker(0), user_key_item_key(connection.sub)
    item: Any = world.deployment.store.read(place).get(place)
    key = open_user_key(broker.keys.get("vault"), item.sealed, sub=connection.sub)
    return open_value(
        key, connection.sealed_refresh_token, "refresh_token", place=encryption_context_of(connection)
    ).decode()


def _audit(world: World, actors: list[Actor]) -> list[str]:
    """A record for each hand-out that was answered for: one is written before each, answered or not."""
    answer: dict[str, Any] = {"LastEvaluatedKey": None}
    events = Counter[str]()
    while "LastEvaluatedKey" in answer:
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]} if answer["LastEvaluatedKey"] else {}
        asked = {"TableName": world.settings.table, "ConsistentRead": True, **start}
        answer = world.deployment.dynamodb.call("Scan", asked)
        events.update(item["event"]["S"] for item in answer["Items"] if item["pk"]["S"].startswith("AUDIT#"))
    handed, written = actors[0].history.handed_out, events["handout"] + events["proxy"]
    return [] if written >= handed else [f"{handed} hand-outs, and {written} records of them"]


def count_unfinished(world: World) -> int:
    """Sign-ins whose process was killed between their claim and their code: never taken over, and gone in minutes."""
    return sum(grant.status == "exchanging" for grant in world.deployment.scan("GRANT#", Grant))
