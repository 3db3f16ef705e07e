"""Which clients fit the FAPI 2.0 Security Profile (Final, section 5.3.2); every other one is refused while it is on.

What the profile wants of requests and tokens stands where those are checked; what it wants and every client gets anyway
(PKCE by S256, `iss`, 303, codes good once) is not repeated.
"""

from msgspec.structs import replace

from chalicelib.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from chalicelib.protocol.redirect_uri import is_loopback
from chalicelib.protocol.registration import RegistrationRequest
from chalicelib.protocol.supported import supported
from chalicelib.records.client import Client
from chalicelib.records.settings import Settings

REDIRECT = "redirect_uri_not_encrypted"
MEMBERS = {
    "client_without_private_key_jwt": "token_endpoint_auth_method",
    "client_signs_by_another_algorithm": "token_endpoint_auth_signing_alg",
}


def find_misfit(client: Client, settings: Settings) -> str | None:
    """Why this client may not be used here; None where it may, or where no profile is on.

    Confidential and by a key of its own; of an algorithm that is left; and no answer may go unencrypted, save for a
    native app's to its own machine (section 5.3.2.2 number 8).
    """
    if not settings.is_fapi2:
        return None
    if client.token_endpoint_auth_method != "private_key_jwt":
        return "client_without_private_key_jwt"
    if client.token_endpoint_auth_signing_alg not in (None, *supported(settings).assertion_algorithms):
        return "client_signs_by_another_algorithm"
    native = client.application_type == "native"
    if any(uri.startswith("http:") and not (native and is_loopback(uri)) for uri in client.redirect_uris):
        return REDIRECT
    return None


def fit_registration(asked: RegistrationRequest, settings: Settings) -> RegistrationRequest:
    """The registration to store. Under the profile it gets the protections that every client has, whatever the document
    says.

    Raises InvalidClientMetadata, InvalidRedirectUri.
    """
    if not settings.is_fapi2:
        return asked
    reason = find_misfit(Client(client_id="", **asked.client_fields()), settings)
    if reason is not None:
        raise InvalidRedirectUri(reason) if reason == REDIRECT else InvalidClientMetadata(reason, MEMBERS[reason])
    grant_types = asked.grant_types & set(supported(settings).grant_types)
    if not grant_types & {"authorization_code", "client_credentials"}:
        raise InvalidClientMetadata("grant_type_not_offered", "grant_types")
    return replace(
        asked, grant_types=grant_types, require_pushed_authorization_requests=True, dpop_bound_access_tokens=True
    )
