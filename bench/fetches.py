"""A fixed part: the same requests to a provider through a bare http.client connection, one each.

`python -m bench.fetches` prints its figure against the demo provider in another process.
"""

import http.client
import sys
from collections.abc import Iterable
from urllib.parse import urlsplit

from bench.clock import each
from chalicelib.upstream.http import HttpRequest


class BareFetches:
    """Repeats requests. A code that was redeemed is refused the second time: the answer is shorter, the work alike."""

    def __init__(self, requests: Iterable[HttpRequest]) -> None:
        self._requests = list(requests)

    def run(self) -> None:
        """All of them once, in order."""
        for request in self._requests:
            parts = urlsplit(request.url)
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=8)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(request.method, target, request.body or None, request.headers)
            connection.getresponse().read()
            connection.close()


def main() -> int:
    """Print the cost of one request."""
    from tests.deploy.package.neighbours import start_neighbours

    neighbours = start_neighbours(callback="https://login.example.com/callback/demo")
    url = f"http://127.0.0.1:{neighbours.provider_port}/.well-known/openid-configuration"
    bare = BareFetches([HttpRequest(method="GET", url=url, headers={"Accept": "application/json"})])
    print(f"http.client, one request on a new connection: {each(bare.run, 100):.0f} us CPU")
    neighbours.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
