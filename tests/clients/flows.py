"""The columns of the matrix: what a client can do here, and when the broker says that it can be done."""

from collections.abc import Callable
from typing import Any, NamedTuple

Metadata = dict[str, Any]


class Flow(NamedTuple):
    """One column.

    name         also of the function that does it, in the module of each library
    advertised   true where the broker's metadata offers it
    """

    name: str
    title: str
    advertised: Callable[[Metadata], bool]


def _lists(member: str, value: str) -> Callable[[Metadata], bool]:
    return lambda metadata: value in metadata.get(member, ())


def _has(member: str) -> Callable[[Metadata], bool]:
    return lambda metadata: bool(metadata.get(member))


_GRANT, _URN = "grant_types_supported", "urn:ietf:params:oauth:grant-type:"
FLOWS = (
    Flow("code", "code + PKCE", _lists("code_challenge_methods_supported", "S256")),
    Flow("refresh", "refresh", _lists(_GRANT, "refresh_token")),
    Flow("revoke", "revoke", _has("revocation_endpoint")),
    Flow("introspect", "introspect", _has("introspection_endpoint")),
    Flow("userinfo", "userinfo", _has("userinfo_endpoint")),
    Flow("keys", "tokens verified", _has("jwks_uri")),
    Flow("device", "device", _lists(_GRANT, _URN + "device_code")),
    Flow("par", "PAR", _has("pushed_authorization_request_endpoint")),
    Flow("dpop", "DPoP with nonce", _has("dpop_signing_alg_values_supported")),
    Flow("private_key_jwt", "private_key_jwt", _lists("token_endpoint_auth_methods_supported", "private_key_jwt")),
    Flow("client_credentials", "client credentials", _lists(_GRANT, "client_credentials")),
    Flow("token_exchange", "token exchange", _lists(_GRANT, _URN + "token-exchange")),
    Flow("logout", "logout", _has("end_session_endpoint")),
    Flow("registration", "registration", _has("registration_endpoint")),
    Flow("cimd", "CIMD", _has("client_id_metadata_document_supported")),
)
NAMES = tuple(flow.name for flow in FLOWS)
