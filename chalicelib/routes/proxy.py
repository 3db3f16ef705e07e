"""Clients' calls to a provider's API through the broker."""

from chalice.app import Blueprint
from chalice.app import Response as GatewayResponse

from chalicelib.endpoints.proxy import proxy
from chalicelib.routes.edge import Edge, Route
from chalicelib.upstream.proxy_request import ANSWER_HEADERS, METHODS, REQUEST_HEADERS

PROXY = Route(
    endpoint=proxy.answer,
    counted="token",
    reads="bytes",
    cors=METHODS,
    sends=("Broker-Connection", "Broker-Host", *sorted(name.title() for name in REQUEST_HEADERS)),
    exposes=("Broker-Answer", *sorted(name.title() for name in ANSWER_HEADERS)),
    marks=("Broker-Answer", "broker"),
    proofs="token",
)


def build_blueprint(edge: Edge) -> Blueprint:
    """OPTIONS is the preflight of the broker's endpoint, so it is never proxied. Chalice has no ANY, so methods are
    listed."""
    routes = Blueprint(__name__)

    @routes.route("/proxy/{provider_id}/{path+}", methods=[*METHODS, "OPTIONS"], content_types=[])
    def proxy_view(provider_id: str) -> GatewayResponse:
        return edge.serve(routes.current_request, PROXY)

    return routes
