"""Clients that register, and manage, themselves."""

from chalice.app import Blueprint, Response

from chalicelib.endpoints import client_configuration, register
from chalicelib.routes.edge import Edge, Route

REGISTER = Route(endpoint=register.answer, counted="address", reads="json", cors=("POST",))
CLIENT = Route(endpoint=client_configuration.answer, counted="address", reads="json", cors=("GET", "PUT", "DELETE"))


def build_blueprint(edge: Edge) -> Blueprint:
    """RFC 7591, RFC 7592."""
    routes = Blueprint(__name__)

    @routes.route("/register", methods=["POST", "OPTIONS"], content_types=[])
    def register_view() -> Response:
        return edge.serve(routes.current_request, REGISTER)

    @routes.route("/register/{client_id}", methods=["GET", "PUT", "DELETE", "OPTIONS"], content_types=[])
    def client_view(client_id: str) -> Response:
        return edge.serve(routes.current_request, CLIENT)

    return routes
