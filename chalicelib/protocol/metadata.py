"""What this server says about itself: only what it enforces (RFC 8414, OpenID Connect Discovery, THREATS META-02)."""

from typing import Any, get_args
from urllib.parse import urlsplit

from chalicelib.protocol.authorization_request import PROMPTS
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.supported import supported
from chalicelib.protocol.token_claims import PROFILE_CLAIMS
from chalicelib.records.client import ResponseMode
from chalicelib.records.settings import Settings

RESPONSE_MODES = get_args(ResponseMode)
TOKEN_CLAIMS = (
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "acr",
    "nonce",
    "at_hash",
    "sid",
    "email",
    "email_verified",
)


def authorization_server_metadata(
    settings: Settings, *, provider_ids: frozenset[str], scopes: frozenset[str], languages: tuple[str, ...]
) -> dict[str, Any]:
    """The document at both well-known URLs. It contains the issuer byte for byte as configured (META-01).

    scopes   the broker's own, and those of resources that are open to self-registered clients
    """
    issuer, offer = settings.issuer, supported(settings)
    methods, algorithms = list(offer.auth_methods), list(offer.assertion_algorithms)
    document: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "require_pushed_authorization_requests": settings.wants_pushed,
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "end_session_endpoint": f"{issuer}/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": [name for name in offer.grant_types if _can_be_had(name, settings)],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": [method for method in methods if method != "none"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "introspection_signing_alg_values_supported": ["ES256"],
        "dpop_signing_alg_values_supported": list(offer.proof_algorithms),
        "scopes_supported": sorted(scopes),
        "claims_supported": [*TOKEN_CLAIMS, *PROFILE_CLAIMS],
        "ui_locales_supported": list(languages),
        "prompt_values_supported": sorted(PROMPTS),
        "providers_supported": sorted(provider_ids),
        # Absent means true for the second of these (OpenID Connect Discovery section 3), so all are said. It speaks of
        # the clients' own addresses; references to pushed requests are accepted whatever it says (RFC 9126 section 5).
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": True,
        "client_id_metadata_document_supported": settings.client_id_documents,
    }
    if DEVICE_CODE in offer.grant_types:
        document["device_authorization_endpoint"] = f"{issuer}/device_authorization"
    if settings.documentation is not None:
        document["service_documentation"] = settings.documentation
    if settings.registration != "closed":
        document["registration_endpoint"] = f"{issuer}/register"
    return document


def _can_be_had(grant_type: str, settings: Settings) -> bool:
    """False for the device grant if clients register themselves and may not use it, since they request everything
    listed.

    A client that the operator registered for it uses the device endpoint, which stays listed.
    """
    by_themselves = settings.registration == "open" or settings.client_id_documents
    return grant_type != DEVICE_CODE or settings.open_registration_device or not by_themselves


def resource_metadata_url(settings: Settings) -> str:
    """Where the next document stands: the well-known part comes before the issuer's path (RFC 9728 section 3.1)."""
    parts = urlsplit(settings.issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"


def protected_resource_metadata(settings: Settings, *, own_scopes: frozenset[str]) -> dict[str, Any]:
    """What takes our access tokens here (RFC 9728): the issuer itself, in the header alone."""
    return {
        "resource": settings.issuer,
        "authorization_servers": [settings.issuer],
        "jwks_uri": f"{settings.issuer}/jwks",
        "scopes_supported": sorted(own_scopes),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(supported(settings).proof_algorithms),
        "dpop_bound_access_tokens_required": settings.is_fapi2,
    }
