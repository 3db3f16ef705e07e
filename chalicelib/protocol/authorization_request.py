"""Parses and checks an authorization request completely before the user sees anything (RFC 6749 section 4.1.1).

There are two steps, because they fail differently. Until the redirect URI is verified, every error is a page of the
broker (`PageError`). Afterwards each error has its registered code, and the endpoint decides whether to redirect
(THREATS AUTHZ-02 to AUTHZ-13). No parameter is dropped silently.
"""

import re
from collections.abc import Mapping

from chalicelib.protocol.ascii_text import words
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.errors import (
    InvalidRequest,
    InvalidRequestUri,
    InvalidScope,
    InvalidTarget,
    PageError,
    RegistrationNotSupported,
    RequestNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from chalicelib.protocol.log_redaction import redact, redact_all
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.pkce import check_code_challenge
from chalicelib.protocol.redirect_uri import match_redirect_uri
from chalicelib.protocol.requested_claims import RequestedClaims, parse_claims
from chalicelib.protocol.scope import parse_scope, serialize, split_by_provider
from chalicelib.records.client import Client, ResponseMode
from chalicelib.records.resource import Resource
from chalicelib.records.sign_in import AuthorizationRequest

# A grant is one item that is rewritten at every refresh; this much of it may be scopes and nonce.
MAX_SCOPE_LENGTH = 1000
MAX_NONCE_LENGTH = 256
MAX_RESOURCES = 8
MAX_HINT_LENGTH = 256
DEFAULT_SCOPES = frozenset({"openid"})
OFFLINE = "offline_access"
PROMPTS = frozenset({"none", "login", "consent", "select_account"})

_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21\x24-\x7e]+")
_POSTABLE = re.compile(r"https?://[^\[]")
_SECONDS = re.compile(r"[0-9]{1,9}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


def check_redirect(parameters: Parameters, client: Client, *, named: bool = False) -> str:
    """The redirect URI of this request: the registered one that it equals, or the only one where none is sent.

    named   it has to be sent (FAPI 2.0 section 5.3.2.2 number 6)

    Raises PageError: unregistered, none registered, or several registered and none sent; nothing may redirect.
    """
    requested = parameters.get("redirect_uri")
    if requested is None:
        if named or len(client.redirect_uris) != 1:
            raise PageError("redirect_uri_missing").noting(expected=client.redirect_uris)
        return client.redirect_uris[0]
    if not match_redirect_uri(requested, client.redirect_uris, native=client.application_type == "native"):
        refusal = PageError("redirect_uri_not_registered")
        raise refusal.noting(expected=client.redirect_uris, received=redact(requested, client.redirect_uris))
    return requested


def parse_authorization_request(
    parameters: Parameters,
    client: Client,
    *,
    redirect_uri: str,
    provider_ids: frozenset[str],
    own_scopes: frozenset[str],
    resources: Mapping[str, Resource],
    issuer: str,
    refresh_unasked: bool = False,
) -> AuthorizationRequest:
    """Everything that the app asks, checked against its registration.

    redirect_uri      from `check_redirect`
    provider_ids      those that are switched on
    own_scopes        of this server itself; those of `resources` (audience -> record) come on top
    refresh_unasked   a request without `openid` includes `offline_access` where the client registered refresh tokens

    Raises the registered codes of RFC 6749 section 4.1.2.1 and RFC 8707 section 2.
    """
    _check_response(parameters, client)
    challenge = parameters.get("code_challenge")
    check_code_challenge(challenge, parameters.get("code_challenge_method"))
    usable = frozenset(filter(client.may_use, provider_ids))
    claims = parse_claims(parameters.get("claims"))
    scopes = _choose_scopes(parameters, client, usable, own_scopes, resources, provider_ids=provider_ids)
    targets = _choose_resources(parameters, client, resources, issuer)
    _check_scope_of_each(targets, scopes, resources)
    scopes |= _unasked_scopes(client, scopes) if refresh_unasked else frozenset()
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        response_mode=_choose_response_mode(parameters, client, redirect_uri),
        scopes=scopes | (claims.scopes & client.scopes if "openid" in scopes else frozenset()),
        id_token_claims=claims.id_token,
        subjects=claims.subjects,
        acr=claims.acr,
        acr_values=_choose_contexts(parameters, claims),
        ui_locales=_get_short(parameters, "ui_locales", MAX_HINT_LENGTH),
        code_challenge=challenge or "",
        state=parameters.get("state"),
        nonce=_get_short(parameters, "nonce", MAX_NONCE_LENGTH),
        resources=targets,
        provider_id=_choose_provider(parameters, usable),
        prompt=_parse_prompt(parameters.get("prompt")),
        max_age=_parse_max_age(parameters.get("max_age")),
        login_hint=_get_short(parameters, "login_hint", MAX_HINT_LENGTH),
        client_revision=client.revision,
        dpop_jkt=_parse_thumbprint(parameters.get("dpop_jkt")),
    )


def parse_device_request(
    parameters: Parameters,
    client: Client,
    *,
    provider_ids: frozenset[str],
    own_scopes: frozenset[str],
    resources: Mapping[str, Resource],
    issuer: str,
    refresh_unasked: bool = False,
) -> AuthorizationRequest:
    """What an app asks at the device authorization endpoint, checked as at the other (RFC 8628 section 3.1).

    Raises UnauthorizedClient, InvalidScope, InvalidTarget, InvalidRequest.
    """
    if DEVICE_CODE not in client.grant_types:
        raise UnauthorizedClient("device_code_not_registered").noting(expected=client.grant_types, received=DEVICE_CODE)
    usable = frozenset(filter(client.may_use, provider_ids))
    scopes = _choose_scopes(parameters, client, usable, own_scopes, resources, provider_ids=provider_ids)
    targets = _choose_resources(parameters, client, resources, issuer)
    _check_scope_of_each(targets, scopes, resources)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri="",
        scopes=scopes | (_unasked_scopes(client, scopes) if refresh_unasked else frozenset()),
        code_challenge="",
        resources=targets,
        provider_id=_choose_provider(parameters, usable),
        client_revision=client.revision,
        device_round=1,
    )


def parse_session_request(
    parameters: Parameters,
    client: Client,
    *,
    origin: str,
    return_to: str,
    replaces: str,
    provider_ids: frozenset[str],
    own_scopes: frozenset[str],
    resources: Mapping[str, Resource],
    issuer: str,
) -> AuthorizationRequest:
    """What an app asks at the beginning of a browser session; without `scope` all that it is registered for.

    origin, return_to, replaces   as in the request

    Raises InvalidScope, InvalidTarget, InvalidRequest.
    """
    usable = frozenset(filter(client.may_use, provider_ids))
    if OFFLINE in parse_scope(parameters.get("scope")):
        raise InvalidScope("session_offline")
    audience = [("resource", client.bff_api.resource)] if client.bff_api else []
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=origin,
        return_to=return_to,
        replaces=replaces,
        scopes=_choose_scopes(
            parameters,
            client,
            usable,
            own_scopes,
            resources,
            provider_ids=provider_ids,
            default=client.scopes - {OFFLINE},
        ),
        code_challenge="",
        resources=_choose_resources(Parameters.parse(audience), client, resources, issuer),
        provider_id=_choose_provider(parameters, usable),
        ui_locales=_get_short(parameters, "ui_locales", MAX_HINT_LENGTH),
        prompt=_parse_prompt(parameters.get("prompt")),
        max_age=_parse_max_age(parameters.get("max_age")),
        login_hint=_get_short(parameters, "login_hint", MAX_HINT_LENGTH),
        client_revision=client.revision,
    )


def _check_response(parameters: Parameters, client: Client) -> None:
    """Only the code, and only from the parameters themselves (THREATS AUTHZ-06)."""
    if parameters.require("response_type") != "code":
        raise UnsupportedResponseType("response_type_not_code").noting(
            expected="code", received=redact(parameters.get("response_type"))
        )
    if "authorization_code" not in client.grant_types:
        raise UnauthorizedClient("authorization_code_not_registered").noting(
            expected=client.grant_types, received="authorization_code"
        )
    if parameters.get("request") is not None:
        raise RequestNotSupported("request_object_not_offered")
    if parameters.get("request_uri") is not None:
        raise InvalidRequestUri("request_uri_not_ours")
    if parameters.get("registration") is not None:
        raise RegistrationNotSupported("registration_in_a_request")


def mode_of_refusal(parameters: Parameters, client: Client, redirect_uri: str) -> ResponseMode:
    """How a refused request is answered: as it asked, where that much of it was right."""
    try:
        return _choose_response_mode(parameters, client, redirect_uri)
    except InvalidRequest:
        return "query"


def _choose_response_mode(parameters: Parameters, client: Client, redirect_uri: str) -> ResponseMode:
    """`query` where nothing is said; what the client may have, and what its redirect URI can take (THREATS AUTHZ-07).

    No form goes to a private scheme. A policy cannot name an IPv6 address, so no form could be bound to one.
    """
    asked = parameters.get("response_mode") or "query"
    for mode in client.response_modes:
        if asked == mode and (mode == "query" or _POSTABLE.match(redirect_uri)):
            return mode
    raise InvalidRequest("response_mode_not_offered").noting(expected=client.response_modes, received=redact(asked))


def _choose_scopes(
    parameters: Parameters,
    client: Client,
    usable: frozenset[str],
    own_scopes: frozenset[str],
    resources: Mapping[str, Resource],
    *,
    provider_ids: frozenset[str],
    default: frozenset[str] = DEFAULT_SCOPES,
) -> frozenset[str]:
    """The requested scopes, all known and registered; without `scope`, the default if it is registered."""
    scopes = parse_scope(parameters.get("scope")) or default & client.scopes
    if not scopes or not scopes <= client.scopes:
        refusal = InvalidScope("scope_not_registered_for_client")
        raise refusal.noting(expected=client.scopes, received=redact_all(scopes, client.scopes))
    if len(serialize(scopes)) > MAX_SCOPE_LENGTH:
        raise InvalidScope("scope_larger_than_a_grant")
    sorted_out = split_by_provider(scopes, provider_ids)
    known = own_scopes.union(*(resource.scopes for resource in resources.values()))
    own = sorted_out.pop("", frozenset())
    if not own <= known:
        raise InvalidScope("scope_unknown").noting(expected=known, received=redact_all(own, known | client.scopes))
    if not sorted_out.keys() <= usable:
        raise InvalidScope("scope_of_a_provider_not_for_client").noting(expected=usable, received=sorted_out.keys())
    return scopes


def _unasked_scopes(client: Client, scopes: frozenset[str]) -> frozenset[str]:
    """`offline_access` for a client that registered refresh tokens and does not use OpenID Connect, whose section 11
    makes that scope the client's own decision."""
    if "openid" in scopes or "refresh_token" not in client.grant_types:
        return frozenset()
    return client.scopes & {OFFLINE}


def _check_scope_of_each(targets: tuple[str, ...], scopes: frozenset[str], resources: Mapping[str, Resource]) -> None:
    """A token for a resource that has scopes is never issued without one of them. Raises InvalidScope."""
    for target in targets:
        wanted = resources[target].scopes if target in resources else frozenset()
        if wanted and not wanted & scopes:
            raise InvalidScope("no_scope_of_the_resource").noting(expected=wanted, received=redact_all(scopes, wanted))


def _choose_resources(
    parameters: Parameters, client: Client, resources: Mapping[str, Resource], issuer: str
) -> tuple[str, ...]:
    """The audiences asked for, each once, in the order sent (RFC 8707); our own issuer is always one of them."""
    asked = tuple(dict.fromkeys(parameters.all("resource")))
    if len(asked) > MAX_RESOURCES:
        raise InvalidTarget("resource_too_many")
    for resource in asked:
        if not _ABSOLUTE_URI.fullmatch(resource):
            raise InvalidTarget("resource_malformed")
        if resource != issuer and (resource not in resources or resource not in client.resources):
            refusal = InvalidTarget("resource_unknown_or_not_registered")
            raise refusal.noting(expected=client.resources, received=redact(resource, client.resources))
    return asked


def _choose_provider(parameters: Parameters, usable: frozenset[str]) -> str:
    provider_id = parameters.get("provider")
    if provider_id is None:
        return ""
    if provider_id not in usable:
        refusal = InvalidRequest("provider_unknown_or_not_for_client")
        raise refusal.noting(expected=usable, received=redact(provider_id))
    return provider_id


def _parse_prompt(value: str | None) -> frozenset[str]:
    """OpenID Connect Core section 3.1.2.1: `none` must be the only value; unsupported values are rejected."""
    prompt = frozenset(value.split(" ")) if value is not None else frozenset()
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise InvalidRequest("prompt_malformed")
    return prompt


def _parse_max_age(value: str | None) -> int | None:
    """Seconds; an age that cannot be read must not read as "any age"."""
    if value is None:
        return None
    if not _SECONDS.fullmatch(value):
        raise InvalidRequest("max_age_malformed")
    return int(value)


def _parse_thumbprint(value: str | None) -> str | None:
    """SHA-256 as base64url, in its one spelling: what no key could have would only show at the token endpoint."""
    if value is not None and not _THUMBPRINT.fullmatch(value):
        raise InvalidRequest("dpop_jkt_malformed")
    return value


def _choose_contexts(parameters: Parameters, claims: RequestedClaims) -> str | None:
    """The contexts to request from the provider: the required ones, else the voluntary ones (OpenID Connect Core
    5.5.1.1)."""
    wished = _get_short(parameters, "acr_values", MAX_HINT_LENGTH)
    contexts = claims.acr or tuple(words(wished or "")) or claims.wished_acr
    return " ".join(contexts) or None


def _get_short(parameters: Parameters, name: str, limit: int) -> str | None:
    value = parameters.get(name)
    if value is not None and len(value.encode()) > limit:
        raise InvalidRequest(f"{name}_too_long")
    return value
