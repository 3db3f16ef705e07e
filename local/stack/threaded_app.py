"""Calls one Chalice app from many threads.

`Chalice.__call__` keeps the request as an attribute of the app, so a second thread would see the first one's request.
In Lambda that is harmless, one environment serves one request at a time; here those attributes are made per thread by a
subclass put under the app, which does not notice.
"""

import threading
import time
import uuid
from typing import Any

FUNCTION_SECONDS = 29.0


class _PerThread:
    """A data descriptor: one value per app object and thread; None before the first."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, app: Any, owner: type | None = None) -> Any:
        return self if app is None else getattr(_local(app), self._name, None)

    def __set__(self, app: Any, value: Any) -> None:
        setattr(_local(app), self._name, value)


class _ThreadSafe:
    current_request = _PerThread()
    lambda_context = _PerThread()


def _local(app: Any) -> threading.local:
    return vars(app).setdefault("_per_thread", threading.local())


def make_thread_safe(app: Any) -> None:
    """Let the app serve several threads; safe to call twice."""
    kind = type(app)
    if not issubclass(kind, _ThreadSafe):
        app.__class__ = type(kind.__name__, (_ThreadSafe, kind), {"__module__": kind.__module__})


class LambdaContext:
    """What a function sees of its invocation; the names are Lambda's."""

    function_name = "broker-local"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:broker-local"
    memory_limit_in_mb = 1024
    log_group_name = "/aws/lambda/broker-local"
    log_stream_name = "local"
    identity = None
    client_context = None

    def __init__(self) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self._ends_at = time.monotonic() + FUNCTION_SECONDS

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would end the invocation."""
        return max(0, int((self._ends_at - time.monotonic()) * 1000))
