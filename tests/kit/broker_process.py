"""A broker process that `dev.py serve` cannot be: it reaches a provider on loopback, or its store has no conditions.

    python -m tests.kit.broker_process --endpoint-url URL --issuer URL [--provider URL] [--without-conditions]

Only a test can say `--without-conditions`: it takes the condition out of every write between the broker and its store,
so that the harness can be seen to count what the condition prevents.
"""

import argparse
import re
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.aws.transport import Transport
from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.routes import create_app
from cli.deployment.local_environment import use_local_credentials
from local.stack.gateway import Gateway
from local.stack.ports import bind
from local.stack.shutdown import StopSignal
from local.stack.stack import broker_environ
from tests.kit import ROOT

PROVIDERS = ROOT / "local" / "providers"


class WithoutConditions:
    """Writes that always take effect."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        if operation in ("PutItem", "UpdateItem"):
            payload = self._unconditional(payload)
        return self._inner.call(operation, payload)

    @staticmethod
    def _unconditional(payload: Mapping[str, Any]) -> dict[str, Any]:
        """Without the condition, and without the values and names that only it used: AWS refuses unused ones."""
        dropped = ("ConditionExpression", "ReturnValuesOnConditionCheckFailure")
        kept = {name: value for name, value in payload.items() if name not in dropped}
        words = set(re.findall(r"[:#]\w+", kept.get("UpdateExpression", "")))
        for part in ("ExpressionAttributeValues", "ExpressionAttributeNames"):
            used = {name: value for name, value in kept.pop(part, {}).items() if name in words}
            if used:
                kept[part] = used
        return kept


def targets_of(url: str) -> tuple[LocalTarget, ...]:
    """The one place on loopback that the broker may call."""
    place = urlsplit(url)
    return (LocalTarget(host=place.hostname or "", port=place.port or 0, address=place.hostname or ""),)


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--provider")
    parser.add_argument("--provider-dir", default=str(PROVIDERS))
    parser.add_argument("--code-seconds", default="60")
    parser.add_argument("--without-conditions", action="store_true")
    options = parser.parse_args()
    stop = StopSignal()
    use_local_credentials()
    settings = read_settings(
        broker_environ(
            {
                "issuer": options.issuer,
                "endpoint_url": options.endpoint_url,
                "provider_dirs": options.provider_dir,
                "code_seconds": options.code_seconds,
                "handouts_per_user": "0",
                "handouts_per_client": "0",
            }
        )
    )
    dynamodb: Transport = SignedTransport("dynamodb", endpoint_url=options.endpoint_url)
    if options.without_conditions:
        dynamodb = WithoutConditions(dynamodb)
    targets = targets_of(options.provider) if options.provider else ()
    broker = build_broker(settings, dynamodb=dynamodb, local_targets=targets, log_stream=sys.stderr)
    gateway = Gateway(create_app(lambda: broker), listener=bind("127.0.0.1", options.port)).start()
    stop.announce({"url": gateway.url}, as_json=True)
    stop.wait()
    gateway.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
