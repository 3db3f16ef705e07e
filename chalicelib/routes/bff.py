"""Endpoints that an app's pages call with a cookie instead of a token.

Only the registered origins of the app may read a response, and only with the app's cookie. The endpoints are imported
at the first call, so that other deployments' cold starts do not load them.
"""

from typing import Any

from chalice.app import Blueprint
from chalice.app import Response as GatewayResponse

from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.responses import Response
from chalicelib.routes.cors import origin_of_event
from chalicelib.routes.edge import Edge, Endpoint, Route
from chalicelib.upstream.proxy_request import ANSWER_HEADERS, METHODS, REQUEST_HEADERS

HEADER = "Broker-Bff"


def _login(broker: Broker, http: Request) -> Response:
    from chalicelib.endpoints.bff import login

    return login.answer(broker, http)


def _session(broker: Broker, http: Request) -> Response:
    from chalicelib.endpoints.bff import session

    return session.answer(broker, http)


def _logout(broker: Broker, http: Request) -> Response:
    from chalicelib.endpoints.bff import session

    return session.answer_logout(broker, http)


def _api(broker: Broker, http: Request) -> Response:
    from chalicelib.endpoints.bff import api_calls

    return api_calls.answer_api(broker, http)


def _proxy(broker: Broker, http: Request) -> Response:
    from chalicelib.endpoints.bff import api_calls

    return api_calls.answer_proxy(broker, http)


def _find_reader(broker: Broker, event: Any) -> str | None:
    from chalicelib.endpoints.bff.origin_check import find_reader

    return find_reader(broker, (event.get("pathParameters") or {}).get("client_id", ""), origin_of_event(event))


def _call(endpoint: Endpoint, *sends: str) -> Route:
    return Route(
        endpoint=endpoint,
        counted="session",
        reads="bytes",
        cors=METHODS,
        reader=_find_reader,
        sends=(HEADER, *sends, *sorted(name.title() for name in REQUEST_HEADERS)),
        exposes=("Broker-Answer", *sorted(name.title() for name in ANSWER_HEADERS)),
        marks=("Broker-Answer", "broker"),
    )


LOGIN = Route(endpoint=_login, counted="address", is_page=True)
SESSION = Route(endpoint=_session, counted="session", cors=("GET",), reader=_find_reader, sends=(HEADER,))
LOGOUT = Route(endpoint=_logout, counted="session", cors=("POST",), reader=_find_reader, sends=(HEADER,))
API = _call(_api)
PROXY = _call(_proxy, "Broker-Connection", "Broker-Host")


def build_blueprint(edge: Edge) -> Blueprint:
    """OPTIONS is the preflight of the broker's endpoint, so it is never proxied."""
    routes = Blueprint(__name__)

    @routes.route("/bff/{client_id}/login", methods=["GET"], content_types=[])
    def login_view(client_id: str) -> GatewayResponse:
        return edge.serve(routes.current_request, LOGIN)

    @routes.route("/bff/{client_id}/session", methods=["GET", "OPTIONS"], content_types=[])
    def session_view(client_id: str) -> GatewayResponse:
        return edge.serve(routes.current_request, SESSION)

    @routes.route("/bff/{client_id}/logout", methods=["POST", "OPTIONS"], content_types=[])
    def logout_view(client_id: str) -> GatewayResponse:
        return edge.serve(routes.current_request, LOGOUT)

    @routes.route("/bff/{client_id}/api/{path+}", methods=[*METHODS, "OPTIONS"], content_types=[])
    def api_view(client_id: str) -> GatewayResponse:
        return edge.serve(routes.current_request, API)

    @routes.route("/bff/{client_id}/proxy/{provider_id}/{path+}", methods=[*METHODS, "OPTIONS"], content_types=[])
    def proxy_view(client_id: str, provider_id: str) -> GatewayResponse:
        return edge.serve(routes.current_request, PROXY)

    return routes
