"""What a client calls at a provider through us."""

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
    """OPTIONS is the browser's question to us, so it is never passed on; the methods are listed, for ANY is none."""
    routes = Blueprint(__name__)

    @routes.route("/proxy/{provider_id}/{path+}", methods=[*METHODS, "OPTIONS"], content_types=[])
    def proxy_view(provider_id: str) -> GatewayResponse:
        return edge.serve(routes.current_request, PROXY)

    return routes
