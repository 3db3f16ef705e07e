"""A broker process that is killed (SIGKILL, by its own hand) at one of its writes, before or after the write counts.

python -m tests.concurrency.races.mortal --endpoint-url URL --issuer URL --port N --provider URL
    [--die-at K --die before|after]
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.routes import create_app
from cli.deployment.local_environment import use_local_credentials
from local.stack.gateway import Gateway
from local.stack.ports import bind
from local.stack.shutdown import StopSignal
from local.stack.stack import broker_environ
from tests.kit.broker_process import PROVIDERS

WRITES = ("PutItem", "UpdateItem", "DeleteItem")


class Mortal:
    """Counts writes from 1 and dies at one of them; 0 lives."""

    def __init__(self, inner: SignedTransport, *, die_at: int, when: str) -> None:
        self._inner, self._left, self._when = inner, die_at, when

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try, perhaps the last."""
        self._left -= operation in WRITES
        last = operation in WRITES and self._left == 0
        if last and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = self._inner.call(operation, payload)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def main() -> int:
    """Serve until the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--provider", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--die-at", type=int, default=0)
    parser.add_argument("--die", choices=("before", "after"), default="after")
    options = parser.parse_args()
    stop = StopSignal()
    use_local_credentials()
    named = {"issuer": options.issuer, "endpoint_url": options.endpoint_url, "provider_dirs": str(PROVIDERS)}
    place = urlsplit(options.provider)
    target = LocalTarget(host=place.hostname or "", port=place.port or 0, address=place.hostname or "")
    dynamodb = Mortal(
        SignedTransport("dynamodb", endpoint_url=options.endpoint_url), die_at=options.die_at, when=options.die
    )
    broker = build_broker(
        read_settings(broker_environ(named)), dynamodb=dynamodb, local_targets=(target,), log_stream=sys.stderr
    )
    gateway = Gateway(create_app(lambda: broker), listener=bind("127.0.0.1", options.port)).start()
    stop.announce({"url": gateway.url}, as_json=True)
    stop.wait()
    gateway.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
