"""The pages that a browser opens: authorization, the user's decision, the callback, device, connect link, My access."""

from chalice.app import Blueprint
from chalice.app import Response as GatewayResponse

from chalicelib.endpoints.account import account
from chalicelib.endpoints.authorization import authorize
from chalicelib.endpoints.authorization.consent import submission
from chalicelib.endpoints.callback import callback, form_post
from chalicelib.endpoints.connections import link
from chalicelib.endpoints.device import verification
from chalicelib.endpoints.logout import logout
from chalicelib.routes.edge import Edge, Route

AUTHORIZE = Route(endpoint=authorize.answer, counted="address", reads="form", is_page=True)
SIGN_IN = Route(endpoint=submission.answer, counted="address", reads="form", is_page=True)
CALLBACK = Route(endpoint=callback.answer, counted="address", is_page=True)
POSTED_CALLBACK = Route(endpoint=form_post.answer, counted="address", reads="form", is_page=True)
DEVICE = Route(endpoint=verification.answer, counted="address", reads="form", is_page=True)
LINK = Route(endpoint=link.answer, counted="address", reads="form", is_page=True)
ACCOUNT = Route(endpoint=account.answer, counted="address", reads="form", is_page=True)
ACCOUNT_APP = Route(endpoint=account.answer_app, counted="address", is_page=True)
ACCOUNTS = Route(endpoint=account.answer_accounts, counted="address", is_page=True)
CONNECTED_ACCOUNT = Route(endpoint=account.answer_connected_account, counted="address", is_page=True)
ACCOUNT_DATA = Route(endpoint=account.answer_data, counted="address", is_page=True)
LOGOUT = Route(endpoint=logout.answer, counted="address", reads="form", is_page=True)


def build_blueprint(edge: Edge) -> Blueprint:
    """No CORS on any of them (GEN-19)."""
    routes = Blueprint(__name__)

    @routes.route("/authorize", methods=["GET", "POST"], content_types=[])
    def authorize_view() -> GatewayResponse:
        return edge.serve(routes.current_request, AUTHORIZE)

    @routes.route("/signin", methods=["POST"], content_types=[])
    def signin_view() -> GatewayResponse:
        return edge.serve(routes.current_request, SIGN_IN)

    @routes.route("/callback/{provider_id}", methods=["GET", "POST"], content_types=[])
    def callback_view(provider_id: str) -> GatewayResponse:
        posted = routes.current_request.method == "POST"
        return edge.serve(routes.current_request, POSTED_CALLBACK if posted else CALLBACK)

    @routes.route("/device", methods=["GET", "POST"], content_types=[])
    def device_view() -> GatewayResponse:
        return edge.serve(routes.current_request, DEVICE)

    @routes.route("/connect/{link}", methods=["GET", "POST"], content_types=[])
    def link_view(link: str) -> GatewayResponse:
        return edge.serve(routes.current_request, LINK)

    @routes.route("/account", methods=["GET", "POST"], content_types=[])
    def account_view() -> GatewayResponse:
        return edge.serve(routes.current_request, ACCOUNT)

    @routes.route("/account/apps/{app}", methods=["GET"], content_types=[])
    def account_app_view(app: str) -> GatewayResponse:
        return edge.serve(routes.current_request, ACCOUNT_APP)

    @routes.route("/account/accounts", methods=["GET"], content_types=[])
    def accounts_view() -> GatewayResponse:
        return edge.serve(routes.current_request, ACCOUNTS)

    @routes.route("/account/accounts/{account}", methods=["GET"], content_types=[])
    def connected_account_view(account: str) -> GatewayResponse:
        return edge.serve(routes.current_request, CONNECTED_ACCOUNT)

    @routes.route("/account/data", methods=["GET"], content_types=[])
    def account_data_view() -> GatewayResponse:
        return edge.serve(routes.current_request, ACCOUNT_DATA)

    @routes.route("/logout", methods=["GET", "POST"], content_types=[])
    def logout_view() -> GatewayResponse:
        return edge.serve(routes.current_request, LOGOUT)

    return routes
