"""Finds the deployment for a command: BROKER_... in the environment, else a stack that runs here."""

import argparse
import os
import sys

from chalicelib.config import PREFIX, ConfigurationError, read_settings
from cli.deployment.local_environment import is_loopback_url, use_local_credentials
from cli.deployment.operations import Deployment, OperationError
from cli.deployment.running_stack import list_running
from cli.deployment.stacks import announce, choose


def find_deployment(options: argparse.Namespace | None = None) -> Deployment:
    """Find the deployment. Raises OperationError if neither is complete.

    options   of the command: its --stack; without --json, the deployment is printed on standard error
    """
    given = find_settings(options)
    try:
        return Deployment(read_settings(given))
    except ConfigurationError as error:
        hint = f"set {PREFIX}ISSUER (and {PREFIX}TABLE ... where they differ), or start `python3 dev.py demo`"
        raise OperationError("these settings are missing or wrong: " + "; ".join(error.faults), hint) from None


def find_settings(options: argparse.Namespace | None = None) -> dict[str, str]:
    """The given BROKER_... variables, complete or not. Raises OperationError if there are none."""
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    if not given:
        given = _running_stack(options)
    elif options is not None and options.stack:
        hint = f"unset {min(given)}, or leave --stack out"
        raise OperationError(f"{min(given)} already names a deployment, and so does --stack", hint)
    elif options is not None and not options.json:
        print(f"stack: {given.get(f'{PREFIX}ISSUER', '-')} ({PREFIX}ISSUER)", file=sys.stderr)
    if not given:
        hint = f"`python3 dev.py demo` in another terminal, or set {PREFIX}ISSUER to act on your AWS account"
        raise OperationError(f"no stack runs here, and {PREFIX}ISSUER is not set", hint)
    return given


def _running_stack(options: argparse.Namespace | None) -> dict[str, str]:
    """The settings of a local stack; empty where none runs."""
    running = list_running()
    stack = choose(running, options.stack if options else None)
    if stack is None:
        return {}
    if options is not None and not options.json:
        announce(stack, running)
    if stack.endpoint_url and is_loopback_url(stack.endpoint_url):
        use_local_credentials()
    endpoint = {f"{PREFIX}ENDPOINT_URL": stack.endpoint_url} if stack.endpoint_url else {}
    issuer = {f"{PREFIX}ISSUER": stack.issuer or "http://127.0.0.1"}
    return {**issuer, **endpoint, **stack.settings}
