"""The scheduled Lambda functions. Each has its own role, and all are deployed from the same package."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, Rate

from chalicelib.adapters.process.log import JsonLog
from chalicelib.adapters.process.system import SystemClock
from chalicelib.audit.window_seals import seal_windows
from chalicelib.config import ConfigurationError
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.ports import Broker, StoreUnavailable
from chalicelib.vault.unused_connections import revoke_unused_connections


def add_schedule(app: Chalice, broker_source: Callable[[], Broker]) -> Any:
    """Add the function `jobs`, which runs every minute; Lambda finds it as `app.jobs`.

    If a run cannot start, it fails: Lambda counts it under Errors, and the next minute tries again.
    """

    def jobs(event: Any) -> dict[str, int]:
        request_id = getattr(event.context, "aws_request_id", "")
        return run_once(_configured(broker_source), request_id=request_id)

    return app.schedule(Rate(1, unit=Rate.MINUTES), name="jobs")(jobs)


def add_key_schedule(app: Chalice, broker_source: Callable[[], Broker]) -> Any:
    """Add the function `keys`, which runs every ten minutes and is the only one that encrypts with KMS (`app.keys`)."""

    def keys(event: Any) -> dict[str, Any]:
        request_id = getattr(event.context, "aws_request_id", "")
        return rotate_keys_once(_configured(broker_source), request_id=request_id)

    return app.schedule(Rate(10, unit=Rate.MINUTES), name="keys")(keys)


def _configured(broker_source: Callable[[], Broker]) -> Broker:
    try:
        return broker_source()
    except ConfigurationError as error:
        JsonLog(SystemClock()).event("not_configured", faults=error.faults)
        raise


def rotate_keys_once(broker: Broker, *, request_id: str = "") -> dict[str, Any]:
    """Take every due step of key rotation, and continue encrypting users' keys again; returns a summary.

    request_id   as for `run_once`

    Raises StoreUnavailable.
    """
    from chalicelib.composition import build_key_rotator
    from chalicelib.keys.rewrap import reseal_vault
    from chalicelib.keys.rotation import rotate_due

    broker.deadline.begin()
    broker.log.begin(**({"lambda_request_id": request_id} if request_id else {}))
    rotator, clock = build_key_rotator(broker), broker.clock
    try:
        turned = rotate_due(rotator, now=clock.now())
        resealed = reseal_vault(
            rotator, broker.keys, provider_ids=broker.catalog.ids, now=clock.now, left=broker.deadline.left
        )
    except StoreUnavailable as error:
        broker.log.event("store_unavailable", reason=str(error), by="keys")
        broker.log.summarize("keys")
        raise
    summary = {"turned": [f"{turn.purpose} {turn.version} {turn.done}" for turn in turned], "vault": resealed.state}
    broker.log.summarize("keys", **{**summary, "vault": summary["vault"] if resealed.look else ""})
    return summary


def run_once(broker: Broker, *, request_id: str = "") -> dict[str, int]:
    """Run due jobs, as long as there is time; returns and logs the number for each outcome.

    request_id   Lambda's; "" outside Lambda

    Raises StoreUnavailable.
    """
    known = {"lambda_request_id": request_id} if request_id else {}
    broker.deadline.begin()
    broker.log.begin(**known)
    unsaid: dict[str, int] = {}
    try:
        outcomes = Counter(performed.outcome for performed in run_due_jobs(broker))
        summary = {name: outcomes[name] for name in ("done", "later", "given_up")} | {
            "idle": len(revoke_unused_connections(broker))
        }
        if any(summary.values()):  # sealing a busy window takes long, and alarms must not wait for it
            broker.log.summarize("jobs", **summary)
            broker.log.begin(**known)
        else:
            unsaid = summary
        seal_windows(broker)
    except StoreUnavailable as error:
        broker.log.event("store_unavailable", reason=str(error), by="jobs")
        broker.log.summarize("jobs")
        raise
    broker.log.summarize("jobs", **unsaid)
    return summary
