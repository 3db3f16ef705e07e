"""The registrations of provider files: `serve` enables each provider whose file says how we are registered there."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from local.stack.stack import RunningBroker

if TYPE_CHECKING:
    from chalicelib.providers.catalog import Catalog


class Unserviceable(Exception):
    """`serve` cannot start; the message says what to change."""


def switch_on_providers(running: RunningBroker, environ: Mapping[str, str]) -> None:
    """Register us where a provider file of the operator says as whom; secrets come from the environment by reference.

    Raises Unserviceable where a referenced variable is missing.
    """
    from chalicelib.config import read_catalog
    from cli.deployment.operations import OperationError, set_provider
    from cli.deployment.secret_source import check_key
    from cli.deployment.variables import WrongVariables, check_variables

    catalog: Catalog = read_catalog(running.deployment.settings)
    for provider_id in sorted(catalog.ids):
        definition = catalog.get(provider_id)
        registration = definition.registration if definition else None
        if definition is None or registration is None:
            continue
        if definition.discovery and definition.issuer is None:
            raise Unserviceable(f"the file of provider {provider_id} registers us but names no issuer; add one")
        name = (registration.client_secret or "").removeprefix("env:")
        if name and not environ.get(name):
            raise Unserviceable(f"provider {provider_id} wants its client secret in the variable {name}; set it")
        secret = environ[name] if name else None
        try:
            check_key(secret or "", definition)
        except OperationError as unusable:
            raise Unserviceable(f"{unusable}; put a private key in PEM into {name}") from None
        try:
            check_variables(definition, registration.variables)
        except WrongVariables as wrong:
            said = f"{wrong}; write it below [registration.variables]"
            raise Unserviceable(f"the file of provider {provider_id} registers us, but {said}") from None
        set_provider(
            running.deployment,
            provider_id,
            client_id=registration.client_id,
            client_secret=secret,
            variables=registration.variables,
        )
