"""The broker, run in the process of a command."""

from typing import Any

from chalicelib.composition import build_broker
from chalicelib.config import ConfigurationError
from chalicelib.ports import Broker
from cli.deployment.operations import Deployment, OperationError
from cli.output import log_stream


def find_broker(deployment: Deployment) -> Broker:
    """A broker that runs in this process and calls the providers from this machine; it logs to standard error.

    Raises OperationError.
    """
    parts: dict[str, Any] = {"dynamodb": deployment.dynamodb, "kms": deployment.kms, "log_stream": log_stream()}
    parts["clock"] = deployment.clock
    try:
        return build_broker(deployment.settings, **parts)
    except ConfigurationError as error:
        raise OperationError("; ".join(error.faults), "broker provider check FILE.toml") from None
