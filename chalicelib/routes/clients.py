"""Registration of clients by themselves."""

from chalice.app import Blueprint, Response

from chalicelib.endpoints import register
from chalicelib.routes.edge import Edge, Route

REGISTER = Route(endpoint=register.answer, reads="json", cors=("POST",))


def build_blueprint(edge: Edge) -> Blueprint:
    """RFC 7591."""
    routes = Blueprint(__name__)

    @routes.route("/register", methods=["POST", "OPTIONS"], content_types=[])
    def register_view() -> Response:
        return edge.serve(routes.current_request, REGISTER)

    return routes
