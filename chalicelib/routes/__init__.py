"""The HTTP edge: bytes in, reply out, nothing else. One Blueprint module per endpoint group."""

from collections.abc import Callable

from chalice.app import Chalice

from chalicelib.ports import Broker
from chalicelib.routes import clients, discovery, sign_in, tokens
from chalicelib.routes.edge import Edge


def create_app(broker_source: Callable[[], Broker]) -> Chalice:
    """The Chalice app over a broker that is built on the first request.

    broker_source   called at every request; it raises ConfigurationError while a setting is missing
    """
    app = Chalice(app_name="broker", debug=False)
    edge = Edge(broker_source)
    for group in (discovery, sign_in, tokens, clients):
        app.register_blueprint(group.build_blueprint(edge))
    return app
