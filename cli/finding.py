"""Which deployment the command acts on: BROKER_... in the environment, else the stack that runs from this checkout."""

import os
from collections.abc import Mapping

from chalicelib.config import PREFIX, ConfigurationError, read_settings
from cli.operations import Deployment, OperationError


def find_deployment(environ: Mapping[str, str] | None = None) -> Deployment:
    """Raises OperationError where neither says enough."""
    given = find_settings(environ)
    try:
        return Deployment(read_settings(given))
    except ConfigurationError as error:
        hint = f"set {PREFIX}ISSUER (and {PREFIX}TABLE ... where they differ), or start `python3 dev.py demo`"
        raise OperationError("the settings are not whole: " + "; ".join(error.faults), hint) from None


def find_settings(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The BROKER_... names as they are given, whole or not. Raises OperationError where there are none."""
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)} or _running_stack()
    if not given:
        hint = f"`python3 dev.py demo` in another terminal, or set {PREFIX}ISSUER to act on your AWS account"
        raise OperationError(f"no stack runs from this checkout, and {PREFIX}ISSUER is not set", hint)
    return given


def _running_stack() -> dict[str, str]:
    """The settings of the local stack; the command ships without `local`, and then there is none."""
    try:
        from local.environment import is_loopback_url, use_local_credentials
        from local.state import find_running
    except ImportError:
        return {}
    running = find_running()
    if running is None:
        return {}
    if running.endpoint_url and is_loopback_url(running.endpoint_url):
        use_local_credentials()
    endpoint = {f"{PREFIX}ENDPOINT_URL": running.endpoint_url} if running.endpoint_url else {}
    issuer = {f"{PREFIX}ISSUER": running.issuer or "http://127.0.0.1"}
    return {**issuer, **endpoint, **running.settings}
