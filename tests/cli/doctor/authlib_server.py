"""An authorization server of Authlib's parts, as its documentation puts them together."""

from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9207.parameter import IssuerParameter
from flask import Flask, jsonify, request

CLIENT, REDIRECT_URI = "app", "https://app.example/callback"


class App(ClientMixin):  # type: ignore[misc]
    """The one client."""

    client_id = CLIENT
    client_metadata: dict[str, Any] = {}  # noqa: RUF012

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return REDIRECT_URI

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == REDIRECT_URI

    def check_client_secret(self, client_secret: str) -> bool:
        return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Code(AuthorizationCodeGrant):  # type: ignore[misc]
    """Authlib's grant; no code is ever saved here."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic")

    def save_authorization_code(self, code: str, request: Any) -> None:
        raise AssertionError("nobody signs in here")

    def query_authorization_code(self, code: str, client: Any) -> None:
        return None

    def delete_authorization_code(self, authorization_code: Any) -> None:
        raise AssertionError("nobody signs in here")

    def authenticate_user(self, authorization_code: Any) -> None:
        return None


class Issuer(IssuerParameter):  # type: ignore[misc]
    """`iss` in every answer."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def get_issuer(self) -> str:
        return self.issuer


def build_app(issuer: str) -> Flask:
    """Metadata, /authorize and /token."""
    app = Flask("authlib-server")
    server = AuthorizationServer(app, query_client=lambda name: App() if name == CLIENT else None)
    server.register_grant(Code, [CodeChallenge(required=True)])
    server.register_extension(Issuer(issuer))
    metadata = AuthorizationServerMetadata(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        scopes_supported=["profile"],
        response_types_supported=["code"],
        grant_types_supported=["authorization_code"],
        token_endpoint_auth_methods_supported=["none", "client_secret_basic"],
        code_challenge_methods_supported=["S256"],
        authorization_response_iss_parameter_supported=True,
    )

    @app.get("/.well-known/oauth-authorization-server")
    def well_known() -> Any:
        return jsonify(metadata)

    @app.get("/authorize")
    def authorize() -> Any:
        try:
            server.get_consent_grant(end_user=None)
        except OAuth2Error as error:
            return server.handle_error_response(server.create_oauth2_request(request), error)
        return "<html><body><form method=post><button>Allow</button></form></body></html>"

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    return app
