"""A key that KMS does not open at the callback costs nobody the sign-in."""

import pytest

from tests.kit.http.fault_line import KmsWithout
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement


@requirement("GEN-13", "CB-01")
@pytest.mark.parametrize("purpose", ["identity", "vault", "handle"])
def test_the_same_callback_works_once_the_key_opens(stack: Stack, purpose: str) -> None:
    client, _ = stack.client()
    sign_in = stack.to_callback(client)
    kms = KmsWithout(stack, purpose)
    stack.restart(kms=kms)
    refused = sign_in.browser.get(sign_in.callback)
    assert refused.status == 503 and refused.header("retry-after")
    kms.purpose = ""
    assert sign_in.browser.get(sign_in.callback).status == 303
