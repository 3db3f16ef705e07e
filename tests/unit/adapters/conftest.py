"""What several tests of adapters need."""

import os
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def trust() -> Iterator[Callable[[str], None]]:
    """Lets TLS trust an authority for one test: OpenSSL reads the environment of the process itself."""
    before = os.environ.get("SSL_CERT_FILE")
    yield lambda ca_file: os.putenv("SSL_CERT_FILE", ca_file)
    if before is None:
        os.unsetenv("SSL_CERT_FILE")
    else:
        os.putenv("SSL_CERT_FILE", before)
