"""Client registration, and management by the client."""

from chalice.app import Blueprint
from chalice.app import Response as GatewayResponse

from chalicelib.endpoints.registration import configuration, register
from chalicelib.routes.edge import Edge, Route

REGISTER = Route(endpoint=register.answer, counted="address", reads="json", cors=("POST",))
CLIENT = Route(endpoint=configuration.answer, counted="address", reads="json", cors=("GET", "PUT", "DELETE"))


def build_blueprint(edge: Edge) -> Blueprint:
    """RFC 7591, RFC 7592."""
    routes = Blueprint(__name__)

    @routes.route("/register", methods=["POST", "OPTIONS"], content_types=[])
    def register_view() -> GatewayResponse:
        return edge.serve(routes.current_request, REGISTER)

    @routes.route("/register/{client_id}", methods=["GET", "PUT", "DELETE", "OPTIONS"], content_types=[])
    def client_view(client_id: str) -> GatewayResponse:
        return edge.serve(routes.current_request, CLIENT)

    return routes
