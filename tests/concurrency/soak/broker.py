"""A broker process whose way to the table and whose clock follow a file that the one who plays faults writes.

python -m tests.concurrency.soak.broker --endpoint-url URL --kms-url URL --issuer URL --port N --provider URL
    --plan FILE
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable, Transport
from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.ports import Broker
from chalicelib.routes import create_app
from cli.deployment.local_environment import use_local_credentials
from local.stack.gateway import Gateway
from local.stack.ports import bind
from local.stack.schedule import LocalSchedule
from local.stack.shutdown import StopSignal
from local.stack.stack import broker_environ
from tests.kit.broker_process import targets_of

JOBS_EVERY_SECONDS = 2.0
WITHOUT_LIMITS = {
    "handouts_per_user": "0",
    "handouts_per_client": "0",
    "requests_per_address": "0",
    "requests_per_client": "0",
    "device_tries_per_address": "1000000",
    "failed_authentications_per_address": "1000000",
}


class Faults(Struct, frozen=True, kw_only=True):
    """What goes wrong in one process. throttled, lost: the share of calls; skew: seconds that its clock is ahead."""

    throttled: float = 0.0
    lost: float = 0.0
    skew: int = 0


class Plan:
    """The file, read again when it has changed."""

    def __init__(self, place: Path) -> None:
        self._place, self._read_at, self._faults = place, -1, Faults()

    def now(self) -> Faults:
        """What holds at this moment."""
        changed = self._place.stat().st_mtime_ns
        if changed != self._read_at:
            self._faults, self._read_at = Faults(**json.loads(self._place.read_text())), changed
        return self._faults


class PlannedTransport:
    """The adapter's one way to AWS, with the faults of the plan in front of it and behind it."""

    def __init__(self, inner: Transport, plan: Plan) -> None:
        self._inner, self._plan, self._chance = inner, plan, random.Random()

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        faults = self._plan.now()
        if self._chance.random() < faults.throttled:
            raise AwsRefusal("ProvisionedThroughputExceededException")
        answer = self._inner.call(operation, payload)
        if self._chance.random() < faults.lost:
            raise AwsUnreachable("ReadTimeoutError")
        return answer


class PlannedClock:
    """The machine's clock, as wrong as the plan says."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def now(self) -> int:
        """Whole epoch seconds."""
        return int(time.time()) + self._plan.now().skew


def build(options: argparse.Namespace) -> Broker:
    """Every adapter is the real one."""
    plan = Plan(options.plan)
    named = {"issuer": options.issuer, "endpoint_url": options.endpoint_url, "provider_dirs": options.provider_dir}
    return build_broker(
        read_settings(broker_environ({**named, **WITHOUT_LIMITS})),
        dynamodb=PlannedTransport(SignedTransport("dynamodb", endpoint_url=options.endpoint_url), plan),
        kms=SignedTransport("kms", endpoint_url=options.kms_url),
        local_targets=targets_of(options.provider),
        clock=PlannedClock(plan),
        log_stream=sys.stderr,
    )


def main() -> int:
    """Serve and do duties until SIGTERM, or until it is killed."""
    parser = argparse.ArgumentParser()
    for name in ("endpoint-url", "kms-url", "issuer", "provider", "provider-dir"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--plan", type=Path, required=True)
    options = parser.parse_args()
    stop = StopSignal()
    use_local_credentials()
    broker = build(options)
    gateway = Gateway(create_app(lambda: broker), listener=bind("127.0.0.1", options.port)).start()
    schedule = LocalSchedule(broker, every_seconds=JOBS_EVERY_SECONDS).start()
    stop.announce({"url": gateway.url, "pid": os.getpid()}, as_json=True)
    stop.wait()
    gateway.stop()
    schedule.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
