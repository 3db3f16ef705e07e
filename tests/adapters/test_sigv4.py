"""Our signature of a request to AWS is botocore's, byte for byte."""

import datetime
import random
from unittest.mock import patch

import pytest
from botocore import auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from chalicelib.adapters.sigv4 import Credentials, Scope, sign
from tests.requirement import requirement

NOW = 1_800_000_000


def signed_by_botocore(
    headers: dict[str, str], body: bytes, url: str, credentials: Credentials, scope: Scope, now: int
) -> dict[str, str]:
    """What its own signer makes of the same request."""
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC).replace(tzinfo=None)
    request = AWSRequest(method="POST", url=url, data=body, headers=headers)
    with patch.object(auth, "get_current_datetime", return_value=moment):
        SigV4Auth(BotoCredentials(*credentials), scope.service, scope.region).add_auth(request)
    return dict(request.headers.items())


@requirement("GEN-25")
@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzEXAMPLE//token+with="])
@pytest.mark.parametrize("service", ["dynamodb", "kms", "events"])
@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://dynamodb.eu-central-1.amazonaws.com", "dynamodb.eu-central-1.amazonaws.com", "/"),
        ("http://127.0.0.1:4566/", "127.0.0.1:4566", "/"),
        ("https://vpce-1.kms.us-east-1.vpce.amazonaws.com/", "vpce-1.kms.us-east-1.vpce.amazonaws.com", "/"),
    ],
)
def test_it_is_the_same_signature(url: str, host: str, path: str, service: str, token: str | None) -> None:
    chance = random.Random(f"{url}{service}{token}")
    for _ in range(40):
        credentials = Credentials(f"AKIA{chance.randrange(10**16)}", chance.randbytes(30).hex(), token)
        scope = Scope(chance.choice(["eu-central-1", "us-gov-west-1", "cn-north-1"]), service)
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"T.{chance.randrange(99)}"}
        body, now = chance.randbytes(chance.randrange(2000)), NOW + chance.randrange(400 * 86400)
        ours = sign(headers, body, host=host, path=path, credentials=credentials, scope=scope, now=now + 0.7)
        assert ours == signed_by_botocore(headers, body, url, credentials, scope, now)
