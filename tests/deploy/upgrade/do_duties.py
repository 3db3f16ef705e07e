"""Do what is due, by the code of the tree in which this is run; one line of JSON: how many were done.

python do_duties.py --endpoint-url URL --issuer URL --provider URL   (with the tree as the working directory)
"""

import argparse
import importlib
import json
import os
import sys
import time
from typing import Any


class LaterClock:
    """A run of the schedule in an hour."""

    def now(self) -> int:
        """Whole epoch seconds."""
        return int(time.time()) + 3600


def find(name: str, *modules: str) -> Any:
    """The function of this name in the first module that exists: the previous release has it elsewhere."""
    for module in modules:
        try:
            return getattr(importlib.import_module(module), name)
        except (ModuleNotFoundError, AttributeError):
            continue
    raise ModuleNotFoundError(f"{name} is in none of {modules}")


def main() -> int:
    """Until nothing is due."""
    sys.path.insert(0, ".")
    run_due_jobs = find("run_due_jobs", "chalicelib.jobs.runner", "chalicelib.custody.jobs")
    broker_environ = find("broker_environ", "local.stack.stack", "local.stack")
    providers = find("PROVIDERS", "tests.kit.broker_process", "tests.races.broker")
    targets_of = find("targets_of", "tests.kit.broker_process", "tests.races.broker")
    use_local_credentials = find("use_local_credentials", "cli.deployment.local_environment", "local.environment")
    from chalicelib.composition import build_broker
    from chalicelib.config import read_settings

    parser = argparse.ArgumentParser()
    for name in ("endpoint-url", "issuer", "provider"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    use_local_credentials()
    named = {"issuer": options.issuer, "endpoint_url": options.endpoint_url, "provider_dirs": str(providers)}
    with open(os.devnull, "w") as log:
        broker = build_broker(
            read_settings(broker_environ(named)),
            local_targets=targets_of(options.provider),
            clock=LaterClock(),
            log_stream=log,
        )
        done = [performed.outcome for performed in run_due_jobs(broker)]
    print(json.dumps({"done": done.count("done"), "of": len(done)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
