"""The front page, metadata, keys, the OpenAPI document, health, and the page of every other path."""

from urllib.parse import urlsplit

from chalice.app import Blueprint
from chalice.app import Response as GatewayResponse

from chalicelib.endpoints.discovery import home_page, metadata, openapi, unknown_path
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidRequest
from chalicelib.protocol.request import Request
from chalicelib.responses import Response
from chalicelib.routes.edge import Edge, Endpoint, Route

GET = ("GET",)
METHODS = ["GET", "HEAD"]  # the gateway sends the response to GET without its body (RFC 9110 section 9.3.2)


class NotFound(InvalidRequest):
    """There is no such document."""

    status = 404
    description = "There is no such document here; the issuer has another path."


def build_blueprint(edge: Edge) -> Blueprint:
    """Each well-known document in both forms that clients try for an issuer with a path (META-05)."""
    routes = Blueprint(__name__)
    documents = {
        "/.well-known/oauth-authorization-server": metadata.authorization_server,
        "/.well-known/openid-configuration": metadata.authorization_server,
        "/.well-known/oauth-protected-resource": metadata.protected_resource,
    }
    for path, endpoint in documents.items():
        _add(routes, edge, path, Route(endpoint=endpoint, counted="memory", cors=GET))
        _add_inserted(routes, edge, path, Route(endpoint=_only_own_path(endpoint), counted="memory", cors=GET))
    _add(routes, edge, "/jwks", Route(endpoint=metadata.jwks, counted="memory", cors=GET))
    _add(routes, edge, "/openapi.json", Route(endpoint=openapi.answer, counted="memory", cors=GET))
    _add(routes, edge, "/", Route(endpoint=home_page.answer, counted="memory"))
    _add(routes, edge, "/health", Route(endpoint=metadata.health, counted="memory", any_host=True))
    _add(routes, edge, "/{elsewhere+}", Route(endpoint=unknown_path.answer, counted="memory", cors=GET))
    return routes


def _add(routes: Blueprint, edge: Edge, path: str, route: Route) -> None:
    methods = [*METHODS, "OPTIONS"] if route.cors else METHODS

    def view() -> GatewayResponse:
        return edge.serve(routes.current_request, route)

    routes.route(path, methods=methods, name=path, content_types=[])(view)


def _add_inserted(routes: Blueprint, edge: Edge, path: str, route: Route) -> None:
    def view(issuer_path: str) -> GatewayResponse:
        return edge.serve(routes.current_request, route)

    inserted = path + "/{issuer_path}"
    routes.route(inserted, methods=[*METHODS, "OPTIONS"], name=inserted, content_types=[])(view)


def _only_own_path(endpoint: Endpoint) -> Endpoint:
    """RFC 8414 section 3.1 appends the issuer's path to the well-known part; any other path is not found."""

    def answer(broker: Broker, http: Request) -> Response:
        own = urlsplit(broker.settings.issuer).path.strip("/")
        if not own or http.path.get("issuer_path") != own:
            raise NotFound("well_known_of_another_path")
        return endpoint(broker, http)

    return answer
