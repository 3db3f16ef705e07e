"""Metadata says what is enforced, and nothing else."""

import json

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from msgspec.structs import replace

from chalicelib.protocol.metadata import (
    authorization_server_metadata,
    protected_resource_metadata,
    resource_metadata_url,
)
from chalicelib.records.settings import Settings
from tests.kit.requirement import requirement

SETTINGS = Settings(issuer="https://broker.example/base")
OWN_SCOPES = frozenset({"openid", "email"})
PROOFS = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "PS384", "PS512"]


def metadata(settings=SETTINGS):
    return authorization_server_metadata(
        settings, provider_ids=frozenset({"google", "github"}), scopes=OWN_SCOPES, languages=("en", "de")
    )


@requirement("META-01", "META-02")
def test_the_document_is_exactly_this():
    profile = "family_name given_name locale middle_name name nickname picture preferred_username profile"
    algorithms = ["ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256"]
    tokens = "iss sub aud exp iat auth_time acr nonce at_hash sid email email_verified"
    assert metadata() == {
        "issuer": "https://broker.example/base",
        "authorization_endpoint": "https://broker.example/base/authorize",
        "token_endpoint": "https://broker.example/base/token",
        "pushed_authorization_request_endpoint": "https://broker.example/base/par",
        "require_pushed_authorization_requests": False,
        "revocation_endpoint": "https://broker.example/base/revoke",
        "introspection_endpoint": "https://broker.example/base/introspect",
        "userinfo_endpoint": "https://broker.example/base/userinfo",
        "jwks_uri": "https://broker.example/base/jwks",
        "device_authorization_endpoint": "https://broker.example/base/device_authorization",
        "end_session_endpoint": "https://broker.example/base/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [
            "none",
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "revocation_endpoint_auth_methods_supported": [
            "none",
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "introspection_signing_alg_values_supported": ["ES256"],
        "dpop_signing_alg_values_supported": PROOFS,
        "scopes_supported": ["email", "openid"],
        "claims_supported": [*tokens.split(), *profile.split(), "updated_at", "website", "zoneinfo"],
        "prompt_values_supported": ["consent", "login", "none", "select_account"],
        "ui_locales_supported": ["en", "de"],
        "providers_supported": ["github", "google"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": True,
        "client_id_metadata_document_supported": False,
    }


@requirement("META-02", "REG-01")
def test_registration_is_named_only_where_it_is_open():
    assert "registration_endpoint" not in metadata()
    opened = metadata(replace(SETTINGS, registration="open"))
    assert opened.pop("registration_endpoint") == "https://broker.example/base/register"
    assert opened == {**metadata(), "grant_types_supported": opened["grant_types_supported"]}


@requirement("META-02")
def test_no_unsafe_feature_is_named_anywhere():
    values = json.dumps([value for name, value in metadata().items() if "auth_methods" not in name])
    for unsafe in ("plain", '"none"', "token id_token", "implicit", "password", "HS256", "fragment"):
        assert unsafe not in values.replace('["consent", "login", "none", "select_account"]', "")


@requirement("META-02")
def test_others_find_the_document_valid():
    """All but one rule: Discovery asks every provider for RS256, which we do not sign with and so do not name."""
    AuthorizationServerMetadata(metadata()).validate()
    OpenIDProviderMetadata(metadata() | {"id_token_signing_alg_values_supported": ["ES256", "RS256"]}).validate()


@requirement("META-05")
def test_the_document_of_a_resource_stands_before_the_path_of_its_issuer():
    assert resource_metadata_url(SETTINGS) == "https://broker.example/.well-known/oauth-protected-resource/base"


@requirement("META-02")
def test_as_a_resource_we_take_tokens_in_the_header_alone():
    assert protected_resource_metadata(SETTINGS, own_scopes=OWN_SCOPES) == {
        "resource": "https://broker.example/base",
        "authorization_servers": ["https://broker.example/base"],
        "jwks_uri": "https://broker.example/base/jwks",
        "scopes_supported": ["email", "openid"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": PROOFS,
        "dpop_bound_access_tokens_required": False,
    }
