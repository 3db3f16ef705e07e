"""What this server says about itself: only what it enforces (RFC 8414, OpenID Connect Discovery, THREATS META-02)."""

from typing import Any, get_args

from chalicelib.protocol.authorization_request import PROMPTS
from chalicelib.protocol.claims import PROFILE_CLAIMS
from chalicelib.protocol.client_assertion import ASSERTION_ALGORITHMS
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.proof import PROOF_ALGORITHMS
from chalicelib.protocol.registration import TOKEN_EXCHANGE
from chalicelib.records.client import ResponseMode
from chalicelib.records.settings import Settings

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE, DEVICE_CODE)
RESPONSE_MODES = get_args(ResponseMode)
AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
TOKEN_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "email", "email_verified")


def authorization_server_metadata(
    settings: Settings, *, provider_ids: frozenset[str], own_scopes: frozenset[str]
) -> dict[str, Any]:
    """The document of both well-known places. The issuer stands in it byte for byte as configured (META-01)."""
    issuer = settings.issuer
    document: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "require_pushed_authorization_requests": settings.require_pushed_authorization_requests,
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "end_session_endpoint": f"{issuer}/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "introspection_endpoint_auth_methods_supported": [method for method in AUTH_METHODS if method != "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "introspection_signing_alg_values_supported": ["ES256"],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "scopes_supported": sorted(own_scopes),
        "claims_supported": [*TOKEN_CLAIMS, *PROFILE_CLAIMS],
        "prompt_values_supported": sorted(PROMPTS),
        "providers_supported": sorted(provider_ids),
        # Absent means true for the second of these (OpenID Connect Discovery section 3), so all are said. It speaks of
        # the clients' own addresses; references to pushed requests are accepted whatever it says (RFC 9126 section 5).
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": True,
        "client_id_metadata_document_supported": settings.client_id_documents,
    }
    if settings.registration_door != "closed":
        document["registration_endpoint"] = f"{issuer}/register"
    return document


def protected_resource_metadata(settings: Settings, *, own_scopes: frozenset[str]) -> dict[str, Any]:
    """What takes our access tokens here (RFC 9728): the issuer itself, in the header alone."""
    return {
        "resource": settings.issuer,
        "authorization_servers": [settings.issuer],
        "jwks_uri": f"{settings.issuer}/jwks",
        "scopes_supported": sorted(own_scopes),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
    }
