"""What one release has begun the other finishes: a refresh whose process was killed, and duties (F24)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from chalicelib.records.item_keys import connection_item_key
from chalicelib.records.job import Job
from tests.deploy.upgrade.sides import Sides, tokens_of
from tests.kit.requirement import requirement
from tests.kit.traffic.app import App

BOTH_WAYS = [("old", "new"), ("new", "old")]
RECOVERY = 2
"""Which write of a hand-out keeps the provider's answer: the one after the lease."""
SCRIPT = Path(__file__).resolve().with_name("do_duties.py")


def signed_in(sides: Sides, side: str) -> tuple[App, dict[str, str]]:
    """A new app whose user is signed in there."""
    app, sides.side = sides.app(), side
    got = app.get_code()
    assert got is not None
    return app, tokens_of(app.redeem(*got))


@requirement("F24", "F16", "UPG-01")
@pytest.mark.parametrize(("first", "second"), BOTH_WAYS)
def test_a_providers_answer_that_one_has_kept_before_it_was_killed_is_used_by_the_other(
    sides: Sides, first: str, second: str
) -> None:
    app, tokens = signed_in(sides, first)
    generation = sides.expire(app).token_generation
    asked = sides.provider.count("token")
    with sides.mortal(first, die_at=RECOVERY):
        assert app.exchange(tokens["access_token"]) is None, "it was killed"
    (left,) = sides.connections(app)
    assert left.lease_owner and left.token_generation == generation
    sides.deployment.put(connection_item_key(left.connection_id), replace(left, lease_until=1))
    sides.side = second
    handed = tokens_of(app.exchange(tokens["access_token"]))["access_token"]
    assert sides.provider.grants.whose(handed) is not None
    assert sides.provider.count("token") - asked == 1, "nobody has asked again"
    (now,) = sides.connections(app)
    assert (now.token_generation, now.attempt_started) == (generation + 1, 0)


@requirement("F24", "F21", "UPG-01")
@pytest.mark.parametrize(("first", "second"), BOTH_WAYS)
def test_a_duty_that_one_has_left_the_other_does(sides: Sides, first: str, second: str) -> None:
    app, tokens = signed_in(sides, first)
    sides.provider.faults.at, sides.provider.faults.status = frozenset({"revoke"}), 503
    answer = app.call("give back", "DELETE", "/connections", tokens["access_token"])
    sides.provider.faults.reset()
    assert answer is not None and answer.status == 200
    assert "revoke" in duties_of(sides, app)
    options = [f"--endpoint-url={sides.endpoint_url}", f"--issuer={sides.deployment.settings.issuer}"]
    command = [sys.executable, str(SCRIPT), *options, f"--provider={sides.provider.url}"]
    done = subprocess.run(command, cwd=sides.trees[second], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-900:]
    told = json.loads(done.stdout)
    assert told["done"] == told["of"] > 0
    (connection,) = sides.connections(app)
    assert set(connection.endings.values()) == {"revoked"} and connection.settled_at
    assert duties_of(sides, app) == []


def duties_of(sides: Sides, app: App) -> list[str]:
    """What is left to do for this app, by kind."""
    mine = {one.connection_id for one in sides.connections(app)}
    jobs: list[Job] = sides.deployment.scan("JOB#", Job)
    return [job.kind for job in jobs if job.connection_id in mine]
