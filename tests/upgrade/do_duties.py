"""Do what is due, by the code of the tree in which this is run; one line of JSON: how many were done.

python do_duties.py --endpoint-url URL --issuer URL --provider URL   (with the tree as the working directory)
"""

import argparse
import json
import os
import sys
import time


class LaterClock:
    """A run of the schedule in an hour."""

    def now(self) -> int:
        """Whole epoch seconds."""
        return int(time.time()) + 3600


def main() -> int:
    """Until nothing is due."""
    sys.path.insert(0, ".")
    from chalicelib.composition import build_broker
    from chalicelib.config import read_settings
    from chalicelib.jobs.runner import run_due_jobs
    from local.environment import use_local_credentials
    from local.stack.stack import broker_environ
    from tests.races.broker import PROVIDERS, targets_of

    parser = argparse.ArgumentParser()
    for name in ("endpoint-url", "issuer", "provider"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    use_local_credentials()
    named = {"issuer": options.issuer, "endpoint_url": options.endpoint_url, "provider_dirs": str(PROVIDERS)}
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
