"""An app's connections of a user."""

from chalice.app import Blueprint
from chalice.app import Response as GatewayResponse

from chalicelib.endpoints.connections import connections
from chalicelib.routes.edge import Edge, Route

ALL = Route(endpoint=connections.answer, counted="token", cors=("GET", "DELETE"), proofs="token")
ONE = Route(endpoint=connections.answer_one, counted="token", cors=("GET", "DELETE"), proofs="token")


def build_blueprint(edge: Edge) -> Blueprint:
    """Single-page apps call them directly, so they have CORS."""
    routes = Blueprint(__name__)

    @routes.route("/connections", methods=["GET", "DELETE", "OPTIONS"], content_types=[])
    def connections_view() -> GatewayResponse:
        return edge.serve(routes.current_request, ALL)

    @routes.route("/connections/{connection_id}", methods=["GET", "DELETE", "OPTIONS"], content_types=[])
    def connection_view(connection_id: str) -> GatewayResponse:
        return edge.serve(routes.current_request, ONE)

    return routes
