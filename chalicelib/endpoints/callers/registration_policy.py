"""The policy of open registration, and the check that the deployment is not disabled."""

from chalicelib.endpoints.callers.clients import OWN_SCOPES
from chalicelib.ports import Broker
from chalicelib.protocol.errors import (
    TemporarilyUnavailable,
)
from chalicelib.protocol.registration import (
    open_policy,
)
from chalicelib.protocol.scope import split_by_provider
from chalicelib.records.client import RegistrationPolicy
from chalicelib.records.deployment import Deployment

HOUR = 3600


def check_not_disabled(deployment: Deployment | None) -> None:
    """Raises TemporarilyUnavailable while the operator has disabled the deployment."""
    if deployment is not None and deployment.marks.disabled:
        raise TemporarilyUnavailable("deployment_disabled", retry_after=HOUR)


def open_registration_policy(broker: Broker) -> RegistrationPolicy:
    """The policy for a registration without a token."""
    settings = broker.settings
    own = split_by_provider(settings.open_registration_scopes, broker.catalog.ids).get("", frozenset()) - OWN_SCOPES
    return open_policy(
        settings.open_registration_scopes,
        settings.open_registration_handout,
        device=settings.open_registration_device,
        resources=settings.open_registration_resources,
        api_scopes=own if settings.open_registration_resources else frozenset(),
    )
