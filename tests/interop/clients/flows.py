"""The columns of the matrix: what a client can do here, and when the broker says that it can be done."""

from collections.abc import Callable
from typing import Any, NamedTuple

Metadata = dict[str, Any]


class Flow(NamedTuple):
    """One column.

    name         also of the function that does it, in the script of each library
    advertised   true where the broker's metadata offers it
    named        how libraries name their calls for it, without underscores: a regular expression
    """

    name: str
    title: str
    advertised: Callable[[Metadata], bool]
    named: str


def _lists(member: str, value: str) -> Callable[[Metadata], bool]:
    return lambda metadata: value in metadata.get(member, ())


def _has(member: str) -> Callable[[Metadata], bool]:
    return lambda metadata: bool(metadata.get(member))


_GRANT, _URN = "grant_types_supported", "urn:ietf:params:oauth:grant-type:"
FLOWS = (
    Flow("code", "code + PKCE", _lists("code_challenge_methods_supported", "S256"), "authoriz|signin(?!g)"),
    Flow("refresh", "refresh", _lists(_GRANT, "refresh_token"), "refresh"),
    Flow("revoke", "revoke", _has("revocation_endpoint"), "revo"),
    Flow("introspect", "introspect", _has("introspection_endpoint"), "introspect"),
    Flow("userinfo", "userinfo", _has("userinfo_endpoint"), "userinfo"),
    Flow("keys", "tokens verified", _has("jwks_uri"), "jwks|jwkclient|signature"),
    Flow("device", "device", _lists(_GRANT, _URN + "device_code"), "device"),
    Flow("par", "PAR", _has("pushed_authorization_request_endpoint"), "pushed|withpar"),
    Flow("dpop", "DPoP with nonce", _has("dpop_signing_alg_values_supported"), "dpop"),
    Flow(
        "private_key_jwt",
        "private_key_jwt",
        _lists("token_endpoint_auth_methods_supported", "private_key_jwt"),
        "privatekey|assertion",
    ),
    Flow(
        "client_credentials",
        "client credentials",
        _lists(_GRANT, "client_credentials"),
        "clientcredential|backendapplication",
    ),
    Flow("token_exchange", "token exchange", _lists(_GRANT, _URN + "token-exchange"), "exchange"),
    Flow("logout", "logout", _has("end_session_endpoint"), "logout|signout|endsession"),
    Flow("registration", "registration", _has("registration_endpoint"), "registration|registerclient$"),
    Flow("cimd", "CIMD", _has("client_id_metadata_document_supported"), "metadataurl|clientidmeta"),
)
NAMES = tuple(flow.name for flow in FLOWS)
