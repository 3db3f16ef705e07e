"""AWS's Signature Version 4 of a POST, as its user guide for IAM says under "Create a signed AWS API request"."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import NamedTuple

ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Of a role, or of a user who has no token."""

    access_key: str
    secret_key: str
    token: str | None


class Scope(NamedTuple):
    """Where a signature is good."""

    region: str
    service: str


def sign(
    headers: Mapping[str, str], body: bytes, *, host: str, path: str, credentials: Credentials, scope: Scope, now: float
) -> dict[str, str]:
    """The headers with those of the signature; all of them are signed, and the host.

    host   as it will be sent, with the port that is none of the scheme's
    path   as it will be sent, without a query
    now    epoch seconds; AWS takes a signature for five minutes
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    day, sent = moment[:8], {**headers, "X-Amz-Date": moment}
    if credentials.token:
        sent["X-Amz-Security-Token"] = credentials.token
    signed = sorted({"host": host, **{name.lower(): value for name, value in sent.items()}}.items())
    names = ";".join(name for name, _ in signed)
    lines = [f"{name}:{value}" for name, value in signed]
    request = "\n".join(["POST", path, "", *lines, "", names, hashlib.sha256(body).hexdigest()])
    place = f"{day}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join([ALGORITHM, moment, place, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (*place.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = f"Credential={credentials.access_key}/{place}, SignedHeaders={names}, Signature={key.hex()}"
    return {**sent, "Authorization": f"{ALGORITHM} {signature}"}
