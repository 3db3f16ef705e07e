"""A fixed part: Chalice's dispatch of an event to a view that has its answer ready.

`python -m bench.dispatch` prints its figure.
"""

import sys
from typing import Any

from chalice import Chalice, Response

from bench.clock import each


class BareApp:
    """A Chalice app with one route, whose view returns the same answer every time."""

    def __init__(self, event: dict[str, Any], result: dict[str, Any]) -> None:
        self._app = Chalice(app_name="bare")
        headers = {**(result.get("headers") or {}), **(result.get("multiValueHeaders") or {})}
        # Our own answers carry their length and type; the bare view gives the same ones back.
        answer = Response(result.get("body") or "", headers or None, int(result["statusCode"]))
        names = event.get("pathParameters") or {}
        view = (lambda **_: answer) if names else (lambda: answer)
        view.__name__ = "view"
        self._app.route(event["resource"], methods=[event["httpMethod"]], content_types=[])(view)

    def __call__(self, event: dict[str, Any], context: object) -> Any:
        """One event through Chalice."""
        return self._app(event, context)


def sample() -> tuple[dict[str, Any], dict[str, Any]]:
    """A POST to /token, and an answer of usual size."""
    from tests.deploy.package.events import Door

    event = Door(lambda *_: {}, ["/token"], "login.example.com").event("POST", "/token", form={"a": "b" * 200})
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return event, {"statusCode": 200, "headers": headers, "body": "x" * 1500}


def main() -> int:
    """Print the cost of one dispatch."""
    event, result = sample()
    app = BareApp(event, result)
    print(f"Chalice, dispatch of a POST event: {each(lambda: app(event, None), 2000):.1f} us CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
