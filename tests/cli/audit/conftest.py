"""Audit records of one test, in the table of the module."""

from collections.abc import Iterator

import pytest

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.config import read_settings
from cli.deployment.operations import Deployment, init_keysets
from tests.cli.audit.audit_records import Records
from tests.kit.cli.operator import Operator


@pytest.fixture(scope="module")
def deployment(broker: Operator) -> Deployment:
    settings = read_settings({name: value for name, value in broker.environ.items() if name.startswith("BROKER_")})
    ways = {name: SignedTransport(name, endpoint_url=settings.endpoint_url) for name in ("dynamodb", "kms")}
    made = Deployment(settings, **ways)
    init_keysets(made)
    return made


@pytest.fixture
def records(deployment: Deployment) -> Iterator[Records]:
    found = Records(deployment)
    yield found
    found.remove(*found.items("AUDIT"))
