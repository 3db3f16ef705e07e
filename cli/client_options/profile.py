"""Clients under a profile: a client whose every request the FAPI 2.0 Security Profile would refuse is not
registered.
"""

from msgspec.structs import replace

from chalicelib.protocol.fapi2 import REDIRECT, find_misfit
from chalicelib.protocol.supported import supported
from chalicelib.records.client import Client
from cli.deployment.operations import Deployment, OperationError


def fit(deployment: Deployment, client: Client) -> Client:
    """The client with the protections that the profile requires. Raises OperationError if it does not fit."""
    settings = deployment.settings
    if not settings.is_fapi2:
        return client
    algorithms = supported(settings).assertion_algorithms
    reason = find_misfit(client, settings)
    if reason is not None:
        fix = {
            "client_without_private_key_jwt": "--auth-method private_key_jwt --jwks KEYS.json",
            "client_signs_by_another_algorithm": f"--auth-signing-alg {algorithms[0]}, or omit the option",
            REDIRECT: "use an https address; an app on the user's device may use a loopback address with --native",
        }[reason]
        raise OperationError(f"BROKER_PROFILE=fapi2 does not allow this client: {reason}", fix)
    missing = sorted(client.grant_types - set(supported(settings).grant_types))
    if missing:
        raise OperationError(f"BROKER_PROFILE=fapi2 does not allow the grant type {missing[0]}", "omit --device")
    return replace(client, require_pushed_authorization_requests=True, dpop_bound_access_tokens=True)
