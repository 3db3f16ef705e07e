"""Endpoints that a client calls with codes and tokens."""

from chalice.app import Blueprint
from chalice.app import Response as GatewayResponse

from chalicelib.endpoints.authorization import par
from chalicelib.endpoints.connections import connect
from chalicelib.endpoints.device import device_authorization
from chalicelib.endpoints.token import introspect, revoke, token, userinfo
from chalicelib.routes.edge import Edge, Route

TOKEN = Route(endpoint=token.answer, counted="client", reads="form", cors=("POST",), proofs="request")
PAR = Route(endpoint=par.answer, counted="client", reads="form", cors=("POST",), proofs="request")
DEVICE = Route(endpoint=device_authorization.answer, counted="client", reads="form", cors=("POST",))
REVOKE = Route(endpoint=revoke.answer, counted="client", reads="form", cors=("POST",))
INTROSPECT = Route(endpoint=introspect.answer, counted="client", reads="form")
USERINFO = Route(endpoint=userinfo.answer, counted="token", reads="form", cors=("GET", "POST"), proofs="token")
CONNECT = Route(endpoint=connect.answer, counted="token", reads="form", cors=("POST",), proofs="token")


def build_blueprint(edge: Edge) -> Blueprint:
    """Introspection is for servers, so it alone has no CORS (GEN-19)."""
    routes = Blueprint(__name__)

    @routes.route("/token", methods=["POST", "OPTIONS"], content_types=[])
    def token_view() -> GatewayResponse:
        return edge.serve(routes.current_request, TOKEN)

    @routes.route("/par", methods=["POST", "OPTIONS"], content_types=[])
    def par_view() -> GatewayResponse:
        return edge.serve(routes.current_request, PAR)

    @routes.route("/device_authorization", methods=["POST", "OPTIONS"], content_types=[])
    def device_authorization_view() -> GatewayResponse:
        return edge.serve(routes.current_request, DEVICE)

    @routes.route("/revoke", methods=["POST", "OPTIONS"], content_types=[])
    def revoke_view() -> GatewayResponse:
        return edge.serve(routes.current_request, REVOKE)

    @routes.route("/introspect", methods=["POST"], content_types=[])
    def introspect_view() -> GatewayResponse:
        return edge.serve(routes.current_request, INTROSPECT)

    @routes.route("/userinfo", methods=["GET", "POST", "OPTIONS"], content_types=[])
    def userinfo_view() -> GatewayResponse:
        return edge.serve(routes.current_request, USERINFO)

    @routes.route("/connect", methods=["POST", "OPTIONS"], content_types=[])
    def connect_view() -> GatewayResponse:
        return edge.serve(routes.current_request, CONNECT)

    return routes
