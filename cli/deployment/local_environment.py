"""The AWS environment of the local stack: worthless credentials, one region, no look at the machine's own."""

import os
from collections.abc import MutableMapping
from urllib.parse import urlsplit

REGION = "us-east-1"
LOCAL = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def use_local_credentials(environ: MutableMapping[str, str] | None = None) -> None:
    """Make this process (or the given environment) talk to a stand-in, whatever AWS account its user is signed in to.

    moto derives the account from the access key, so two processes on one stand-in need the same one.
    """
    environ = os.environ if environ is None else environ
    for name in [*FOREIGN, *(name for name in environ if name.startswith("AWS_ENDPOINT_URL"))]:
        environ.pop(name, None)
    environ.update(LOCAL)


def is_loopback_url(url: str) -> bool:
    """True for an endpoint on this machine: only there does the local stack create its tables automatically."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")
