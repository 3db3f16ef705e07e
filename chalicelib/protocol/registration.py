"""Parses a client's registration request and builds the response (RFC 7591).

The document sets only the fields of `RegistrationRequest`. Unknown members are ignored, so nothing in it gives an
operator's rights (THREATS REG-04). Known members that the broker would not honor are rejected, so that no client
relies on a missing protection. No URL in it is fetched (REG-03). Grant types, response types and scopes that the
client may not have are left out, and the response shows that.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

from msgspec import Struct
from msgspec.structs import asdict

from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from chalicelib.protocol.redirect_uri import check_registrable, is_loopback
from chalicelib.protocol.registration_allowances import TOKEN_EXCHANGE, read_wishes
from chalicelib.protocol.registration_keys import RegisteredKeys, check_no_software_statement, read_registered_keys
from chalicelib.protocol.registration_members import read_flag, read_list, read_string
from chalicelib.protocol.registration_uris import (
    MAX_REDIRECT_URIS,
    check_places,
    check_returns,
    check_told_at,
    is_public,
    leads_home,
    sector_of,
)
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import AuthMethod, Client, Handout, RegistrationPolicy

MAX_NAME_LENGTH = 80
METHOD = "token_endpoint_auth_method"
URI_MEMBERS = ("client_uri", "policy_uri", "tos_uri", "initiate_login_uri", "logo_uri", "jwks_uri")
# Only the user's browser opens them, so they may be on the user's machine if the client is.
PAGES = frozenset({"client_uri", "policy_uri", "tos_uri", "logo_uri"})
# The only supported value: the broker would not honor any other.
ONLY_VALUES: dict[str, tuple[object, ...]] = {
    "id_token_signed_response_alg": ("ES256",),
    "introspection_signed_response_alg": ("ES256",),
    "introspection_encrypted_response_alg": (),
    "tls_client_certificate_bound_access_tokens": (False,),
    "require_signed_request_object": (False,),
    "userinfo_signed_response_alg": (),
    "id_token_encrypted_response_alg": (),
    "userinfo_encrypted_response_alg": (),
    "request_object_signing_alg": (),
    "sector_identifier_uri": (),
    "frontchannel_logout_uri": (),
    "may_be_acted_by": (),
}

# Control, format (bidirectional overrides among them), line breaks, lone surrogates, what is private or for machines,
# and letters that show nothing have no place in a name.
_UNFIT_NAME = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff"
    "\ue000-\uf8ff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U0010ffff]"
)


class RegistrationRequest(Struct, frozen=True, kw_only=True):
    """All fields of a Client that the document decides, and those that the policy does, which come last."""

    client_name: str
    redirect_uris: tuple[str, ...]
    token_endpoint_auth_method: AuthMethod
    grant_types: frozenset[str]
    application_type: Literal["web", "native"]
    scopes: frozenset[str]
    unnamed_scopes: frozenset[str]
    optional_scopes: frozenset[str]
    require_pushed_authorization_requests: bool
    client_uri: str | None
    initiate_login_uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    handout: Handout
    providers: frozenset[str]
    resources: frozenset[str]
    keys: RegisteredKeys = RegisteredKeys()
    post_logout_redirect_uris: tuple[str, ...] = ()
    dpop_bound_access_tokens: bool = False
    subject_type: Literal["public", "pairwise"] = "public"
    sector: str = ""
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False

    def client_fields(self) -> dict[str, Any]:
        """All of it by the names that it has in a Client."""
        keys, named = self.keys, asdict(self)
        del named["keys"]
        own = {"jwks": keys.jwks, "jwks_uri": keys.jwks_uri, "token_endpoint_auth_signing_alg": keys.algorithm}
        return {**named, **own}


def open_policy(
    scopes: frozenset[str],
    handout: Handout,
    *,
    device: bool = False,
    resources: frozenset[str] = frozenset(),
    api_scopes: frozenset[str] = frozenset(),
) -> RegistrationPolicy:
    """The policy without an initial access token: access on behalf of a user who consents.

    resources   the operator's APIs that every client may request tokens for
    """
    exchange = {TOKEN_EXCHANGE} if handout == "token" else set()
    return RegistrationPolicy(
        scopes=scopes,
        handout=handout,
        grant_types=frozenset(
            {"authorization_code", "refresh_token"} | exchange | ({DEVICE_CODE} if device else set())
        ),
        auth_methods=frozenset(get_args(AuthMethod)),
        providers=frozenset({"*"}),
        resources=resources,
        api_scopes=api_scopes,
    )


def parse_registration(
    document: object, policy: RegistrationPolicy, *, default_scopes: frozenset[str], on_loopback: bool = False
) -> RegistrationRequest:
    """Read a registration document, decoded from JSON.

    policy           all that it may have; grant types, response types and scopes beyond it are left out
    default_scopes   what it has where the document names none, as far as the policy allows
    on_loopback      the issuer is on this machine

    Raises InvalidRedirectUri, InvalidClientMetadata, InvalidSoftwareStatement and UnapprovedSoftwareStatement.
    """
    if not isinstance(document, dict):
        raise InvalidClientMetadata("document_not_an_object")
    check_no_software_statement(document)
    _check_promises(document)
    local = PAGES if leads_home(read_list(document, "redirect_uris") or ()) else frozenset()
    uris = {name: _read_uri(document, name, local=name in local) for name in URI_MEMBERS}
    wishes = read_wishes(document, policy, default_scopes=default_scopes)
    grant_types = wishes.grant_types
    auth_method = _read_auth_method(document, policy)
    redirect_uris, application_type = _read_redirect_uris(document, grant_types)
    check_places(redirect_uris, application_type, public=auth_method == "none", on_loopback=on_loopback)
    if "client_credentials" in grant_types and auth_method == "none":
        raise InvalidClientMetadata("client_credentials_without_authentication", "grant_types", METHOD)
    return RegistrationRequest(
        client_name=_read_name(document),
        redirect_uris=redirect_uris,
        token_endpoint_auth_method=auth_method,
        grant_types=grant_types,
        application_type=application_type,
        scopes=wishes.scopes,
        unnamed_scopes=wishes.unnamed_scopes,
        optional_scopes=wishes.optional_scopes,
        require_pushed_authorization_requests=read_flag(document, "require_pushed_authorization_requests"),
        dpop_bound_access_tokens=read_flag(document, "dpop_bound_access_tokens"),
        client_uri=uris["client_uri"],
        initiate_login_uri=uris["initiate_login_uri"],
        policy_uri=uris["policy_uri"],
        tos_uri=uris["tos_uri"],
        handout=policy.handout,
        providers=policy.providers,
        resources=policy.resources,
        keys=read_registered_keys(document, auth_method=auth_method, jwks_uri=uris["jwks_uri"]),
        post_logout_redirect_uris=check_returns(
            read_list(document, "post_logout_redirect_uris") or (), application_type, on_loopback=on_loopback
        ),
        subject_type=(subject_type := _read_subject_type(document)),
        sector=_choose_sector(redirect_uris, grant_types) if subject_type == "pairwise" else "",
        backchannel_logout_uri=check_told_at(read_string(document, "backchannel_logout_uri"), redirect_uris),
        backchannel_logout_session_required=read_flag(document, "backchannel_logout_session_required"),
    )


def registration_answer(client: Client, secret: str | None, issuer: str, *, management_token: str) -> dict[str, Any]:
    """The client as it really stands (RFC 7591 section 3.2.1, RFC 7592 section 3).

    secret             shown where it has just been made, or was sent with the request; None otherwise
    management_token   the one to use next
    """
    answer: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": client.created_at,
        "client_name": client.client_name,
        "redirect_uris": list(client.redirect_uris),
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "grant_types": sorted(client.grant_types),
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "application_type": client.application_type,
        "scope": serialize(client.named_scopes),
        "id_token_signed_response_alg": "ES256",
        "subject_type": client.subject_type,
        "require_pushed_authorization_requests": client.require_pushed_authorization_requests,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "issuer": issuer,
        "registration_client_uri": f"{issuer}/register/{client.client_id}",
        "registration_access_token": management_token,
    }
    if client.optional_scopes:
        answer["optional_scopes"] = serialize(client.optional_scopes)
    shown = ("client_uri", "initiate_login_uri", "policy_uri", "tos_uri", "jwks_uri", "token_endpoint_auth_signing_alg")
    answer |= {name: getattr(client, name) for name in shown if getattr(client, name) is not None}
    if client.jwks:
        answer["jwks"] = {"keys": list(client.jwks)}
    if client.post_logout_redirect_uris:
        answer["post_logout_redirect_uris"] = list(client.post_logout_redirect_uris)
    if client.backchannel_logout_uri is not None:
        answer["backchannel_logout_uri"] = client.backchannel_logout_uri
        answer["backchannel_logout_session_required"] = client.backchannel_logout_session_required
    if secret is not None:
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    return answer


def _check_promises(document: Mapping[str, Any]) -> None:
    """Refuse what asks for a protection or a format that we do not have."""
    for name, kept in ONLY_VALUES.items():
        value = document.get(name)
        if value is not None and not any(type(value) is type(one) and value == one for one in kept):
            raise InvalidClientMetadata("member_not_offered", name)


def _read_name(document: Mapping[str, Any]) -> str:
    """A display name. It is on the consent page, so it may not hide or reorder the text that follows."""
    name = (read_string(document, "client_name") or "").strip()
    if len(name) > MAX_NAME_LENGTH or _UNFIT_NAME.search(name):
        raise InvalidClientMetadata("client_name_malformed", "client_name")
    return name or "Unnamed app"


def _read_uri(document: Mapping[str, Any], name: str, *, local: bool) -> str | None:
    """A web address that people or we may later go to: https, a public host, no user-info.

    local   it may be a loopback address instead
    """
    uri = read_string(document, name)
    if uri is None:
        return None
    try:
        check_registrable(uri, application_type="native" if local and is_loopback(uri) else "web")
    except InvalidRedirectUri as error:
        raise InvalidClientMetadata(f"{name}_malformed", name) from error
    if not is_public(uri) and not (local and is_loopback(uri)):
        raise InvalidClientMetadata(f"{name}_not_public_https", name)
    return uri


def _read_redirect_uris(
    document: Mapping[str, Any], grant_types: frozenset[str]
) -> tuple[tuple[str, ...], Literal["web", "native"]]:
    """The redirect URIs and the kind of app; where the document names no kind, the URIs show it."""
    uris = read_list(document, "redirect_uris") or ()
    least = 1 if "authorization_code" in grant_types else 0
    if not least <= len(uris) <= MAX_REDIRECT_URIS:
        raise InvalidRedirectUri("redirect_uris_none_or_too_many")
    told = read_string(document, "application_type")
    if told not in (None, "web", "native"):
        raise InvalidClientMetadata("application_type_unknown", "application_type")
    native = told == "native" or (told is None and not all(uri.startswith("https:") for uri in uris))
    kind: Literal["web", "native"] = "native" if native else "web"
    return uris, kind


def _read_subject_type(document: Mapping[str, Any]) -> Literal["public", "pairwise"]:
    told = read_string(document, "subject_type") or "public"
    if told not in ("public", "pairwise"):
        raise InvalidClientMetadata("member_not_offered", "subject_type")
    return "pairwise" if told == "pairwise" else "public"


def _choose_sector(redirect_uris: tuple[str, ...], grant_types: frozenset[str]) -> str:
    """Clients with the same redirect host share a sector, and so the `sub` of a user.

    A client that gets tokens without a redirect has not shown that the host is its own, so its sector is separate.
    """
    host = sector_of(redirect_uris)
    if host is None:
        raise InvalidClientMetadata("pairwise_of_several_hosts", "subject_type", "redirect_uris")
    return f"self:{host}" if host and DEVICE_CODE not in grant_types else ""


def _read_auth_method(document: Mapping[str, Any], policy: RegistrationPolicy) -> AuthMethod:
    """RFC 7591 section 2: `client_secret_basic` where nothing is said."""
    told = read_string(document, METHOD) or "client_secret_basic"
    for method in get_args(AuthMethod):
        if told == method and told in policy.auth_methods:
            return method  # type: ignore[no-any-return]
    raise InvalidClientMetadata("authentication_method_not_offered", METHOD)
