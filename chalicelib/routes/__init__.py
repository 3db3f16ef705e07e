"""The HTTP layer: reads requests and writes responses, nothing else. One Blueprint module per group of endpoints."""

import base64
from collections.abc import Callable
from typing import Any

from chalice.app import Chalice

from chalicelib.ports import Broker
from chalicelib.routes import bff, clients, connections, discovery, proxy, sign_in, tokens
from chalicelib.routes.edge import Edge

GROUPS = (discovery, sign_in, tokens, connections, clients, proxy, bff)


class BinarySafeChalice(Chalice):
    """A Chalice app that handles every request and response as bytes.

    API Gateway must treat every type as binary, so that it passes bodies on unchanged. Chalice itself may have that
    setting only at packaging time: at run time it would refuse requests without Accept, and text pages.
    """

    def __init__(self, app_name: str) -> None:
        super().__init__(app_name=app_name, debug=False)
        self.api.binary_types = ["*/*"]

    def __call__(self, event: Any, context: Any) -> Any:
        self.api.binary_types = []
        answer = super().__call__(event, context)
        if isinstance(answer["body"], bytes):
            encoded = base64.b64encode(answer["body"]).decode("ascii")
            answer = {**answer, "body": encoded, "isBase64Encoded": True}
        return answer


def create_app(broker_source: Callable[[], Broker]) -> Chalice:
    """The Chalice app over a broker that is built on the first request.

    broker_source   called at every request; raises ConfigurationError while a setting is missing
    """
    app = BinarySafeChalice("broker")
    edge = Edge(broker_source)
    for group in GROUPS:
        app.register_blueprint(group.build_blueprint(edge))
    return app
