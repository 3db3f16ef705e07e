"""What a browser is sent to: authorize, the decision, the way back, an app's link, a user's own page."""

from chalice.app import Blueprint, Response

from chalicelib.endpoints import account, authorize, callback, device, form_post, link, logout, signin
from chalicelib.routes.edge import Edge, Route

AUTHORIZE = Route(endpoint=authorize.answer, counted="address", reads="form", is_page=True)
SIGN_IN = Route(endpoint=signin.answer, counted="address", reads="form", is_page=True)
CALLBACK = Route(endpoint=callback.answer, counted="address", is_page=True)
POSTED_CALLBACK = Route(endpoint=form_post.answer, counted="address", reads="form", is_page=True)
DEVICE = Route(endpoint=device.answer, counted="address", reads="form", is_page=True)
LINK = Route(endpoint=link.answer, counted="address", reads="form", is_page=True)
ACCOUNT = Route(endpoint=account.answer, counted="address", reads="form", is_page=True)
LOGOUT = Route(endpoint=logout.answer, counted="address", reads="form", is_page=True)


def build_blueprint(edge: Edge) -> Blueprint:
    """No CORS on any of them (GEN-19)."""
    routes = Blueprint(__name__)

    @routes.route("/authorize", methods=["GET", "POST"], content_types=[])
    def authorize_view() -> Response:
        return edge.serve(routes.current_request, AUTHORIZE)

    @routes.route("/signin", methods=["POST"], content_types=[])
    def signin_view() -> Response:
        return edge.serve(routes.current_request, SIGN_IN)

    @routes.route("/callback/{provider_id}", methods=["GET", "POST"], content_types=[])
    def callback_view(provider_id: str) -> Response:
        posted = routes.current_request.method == "POST"
        return edge.serve(routes.current_request, POSTED_CALLBACK if posted else CALLBACK)

    @routes.route("/device", methods=["GET", "POST"], content_types=[])
    def device_view() -> Response:
        return edge.serve(routes.current_request, DEVICE)

    @routes.route("/connect/{link}", methods=["GET", "POST"], content_types=[])
    def link_view(link: str) -> Response:
        return edge.serve(routes.current_request, LINK)

    @routes.route("/account", methods=["GET", "POST"], content_types=[])
    def account_view() -> Response:
        return edge.serve(routes.current_request, ACCOUNT)

    @routes.route("/logout", methods=["GET", "POST"], content_types=[])
    def logout_view() -> Response:
        return edge.serve(routes.current_request, LOGOUT)

    return routes
