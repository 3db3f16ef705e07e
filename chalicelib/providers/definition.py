"""What a provider is, as its file says it: parsed strictly, every fault reported at once.

Keys are RFC 8414 names where there is one. Times are seconds. Scopes are in the provider's own names throughout.
"""

import datetime
import re
import tomllib
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import Struct

PROVIDER_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")
_ENDPOINT = re.compile(r"https://[a-z0-9.-]+(/[A-Za-z0-9._~!$&'()*+,;=:@%/{}-]*)?(\?[A-Za-z0-9._~=&-]*)?")
_SECRET_REFERENCE = re.compile(r"env:[A-Z][A-Z0-9_]*")
# Asked for without a say by the user, or hiding what was granted: forbidden to every file.
_NEVER_SENT = frozenset(
    {"include_granted_scopes", "client_id", "client_secret", "redirect_uri", "response_type", "state", "nonce", "scope"}
    | {"code_challenge", "code_challenge_method", "code", "request", "request_uri"}
)


class InvalidDefinition(ValueError):
    """A provider file cannot be used; `faults` lists everything that is wrong with it, not the first thing alone."""

    def __init__(self, source: str, faults: tuple[str, ...]) -> None:
        super().__init__(f"{source}: " + "; ".join(faults))
        self.source = source
        self.faults = faults


class ScopeText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scope in plain words, for the consent page: `title` completes "This app will be able to ..."."""

    title: str
    access: Literal["read", "write"]


class AuthorizationRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the authorization request deviates from RFC 6749 section 4.1.1.

    parameters        sent with every request
    passes            which of login_hint, prompt, max_age the provider honours; others are left out
    """

    parameters: dict[str, str] = {}
    scope_parameter: str = "scope"
    scope_separator: str = " "
    client_id_parameter: str = "client_id"
    pkce: Literal["required", "on", "off"] = "on"
    nonce: bool = False
    passes: tuple[Literal["login_hint", "prompt", "max_age"], ...] = ()


class TokenRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the token request and its answer deviate from RFC 6749 sections 4.1.3 and 5.

    success_member    a member that is true in every good answer (some say `ok: false` with a status of 200)
    *_path            dotted path into the answer
    errors            the provider's own error words -> registered codes
    """

    body: Literal["form", "json"] = "form"
    accept: str = "application/json"
    headers: dict[str, str] = {}
    success_member: str | None = None
    access_token_path: str = "access_token"
    refresh_token_path: str = "refresh_token"
    expires_in_path: str = "expires_in"
    scope_path: str = "scope"
    id_token_path: str = "id_token"
    error_path: str = "error"
    scope_separator: str = " "
    default_expires_seconds: int | None = None
    errors: dict[str, str] = {}


class RefreshRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to refresh tokens there; the vault's rules are chosen by it.

    grace         what reuse inside the window gives: nothing, the same token, a sibling, or one that ends the sibling
    late_reuse    what reuse outside it does: is refused, or revokes the whole grant
    in_doubt      after a lost answer: ask again, once, or ask the user
    """

    kind: Literal["none", "static", "rotating"] = "none"
    grace: Literal["none", "same", "sibling", "newest"] = "none"
    grace_seconds: int = 0
    late_reuse: Literal["refuse", "revoke"] = "refuse"
    in_doubt: Literal["again", "once", "ask"] = "ask"
    keep_old_if_missing: bool = True
    sends_scope: bool = False
    sends_redirect_uri: bool = False
    hard_expiry_seconds: int | None = None
    idle_expiry_seconds: int | None = None
    terminal_errors: tuple[str, ...] = ("invalid_grant",)


class EmailList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second request that lists e-mail addresses; the primary one is used, with its verified flag."""

    endpoint: str
    email: str = "email"
    verified: str = "verified"
    primary: str = "primary"


class IdentityRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signed in: the pair (issuer, subject), never an e-mail address (CB-09).

    source        where the subject is read: a verified ID token, or the userinfo answer
    userinfo      ask the userinfo endpoint too, for profile claims, where the source is the ID token
    issuer        the fixed name space of subjects where no ID token carries one; it may never change
    claims        OpenID Connect standard claim -> dotted path in the userinfo answer
    email_verified_by   which word makes an address verified: the claim of that name, or nothing
    auth_time     true only where the file's documentation says that prompt=login and max_age are honoured
    """

    source: Literal["id_token", "userinfo"] = "id_token"
    userinfo: bool = False
    issuer: str | None = None
    subject: str = "sub"
    claims: dict[str, str] = {}
    headers: dict[str, str] = {}
    email_list: EmailList | None = None
    email_verified_by: Literal["claim", "nothing"] = "claim"
    auth_time: bool = False


class RevocationRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a token is ended at the provider.

    ends          what one call ends: that token, everything of its sign-in, or every grant of our app for the user
    url, json     for kind "request"; {client_id} and {token} are filled in
    accepts       kinds of token that the call takes
    gone          statuses that say the token was already over
    """

    kind: Literal["none", "rfc7009", "request"] = "none"
    ends: Literal["token", "family", "app"] = "family"
    accepts: tuple[Literal["access_token", "refresh_token"], ...] = ("access_token", "refresh_token")
    method: Literal["POST", "DELETE"] = "POST"
    url: str | None = None
    auth: Literal["client_secret_basic", "client_secret_post", "none"] | None = None
    json: dict[str, str] = {}
    headers: dict[str, str] = {}
    gone: tuple[int, ...] = ()


class ApiRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The provider's API: where it is, what every call carries, and which hosts the proxy may reach."""

    base_url: str
    hosts: tuple[str, ...] = ()
    headers: dict[str, str] = {}


class Registration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Our registration there, for the local `serve`; a secret only by reference, `env:NAME`."""

    client_id: str
    client_secret: str | None = None


class ProviderDefinition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider file.

    issuer            RFC 8414 issuer, compared with `iss` of callback and ID token; None: the operator names it
    discovery         endpoints come from the issuer's metadata; else they stand here
    sign_in_scopes    always asked for, since without them nobody could be identified; implied by every consent
    scope_includes    a scope -> the smaller scopes that it contains or other names for it
    new_grant_ends_old  a second sign-in of the same user ends the tokens of the first
    unchecked         what this file says from general knowledge
    """

    provider_id: str
    display_name: str
    documentation: tuple[str, ...]
    checked_on: datetime.date
    unchecked: tuple[str, ...] = ()
    issuer: str | None = None
    discovery: bool = False
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    jwks_uri: str | None = None
    revocation_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_method: Literal["client_secret_basic", "client_secret_post", "none"] = "client_secret_basic"
    id_token_signing_alg_values_supported: tuple[Literal["RS256", "ES256", "PS256", "EdDSA"], ...] = ()
    sign_in_scopes: tuple[str, ...] = ()
    scope_includes: dict[str, tuple[str, ...]] = {}
    scopes: dict[str, ScopeText] = {}
    new_grant_ends_old: bool = False
    authorization: AuthorizationRules = AuthorizationRules()
    token: TokenRules = TokenRules()
    refresh: RefreshRules = RefreshRules()
    identity: IdentityRules = IdentityRules()
    revocation: RevocationRules = RevocationRules()
    api: ApiRules | None = None
    registration: Registration | None = None

    @property
    def is_openid(self) -> bool:
        """True where an ID token says who signed in."""
        return self.identity.source == "id_token"

    def expand(self, scopes: frozenset[str]) -> frozenset[str]:
        """These scopes and all that they contain, by the file's `scope_includes`."""
        reached, new = set(scopes), set(scopes)
        while new:
            new = {inner for scope in new for inner in self.scope_includes.get(scope, ())} - reached
            reached |= new
        return frozenset(reached)


def parse_definition(text: str, *, source: str) -> ProviderDefinition:
    """Read one provider file.

    source   names the file in the error; never its content

    Raises InvalidDefinition with every fault found.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidDefinition(source, (f"not TOML: {error}",)) from None
    values, faults = _convert(document)
    if faults:
        raise InvalidDefinition(source, tuple(faults))
    definition = ProviderDefinition(**values)
    faults = [fault for check in _CHECKS for fault in check(definition)]
    if faults:
        raise InvalidDefinition(source, tuple(faults))
    return definition


def _convert(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Field by field, since msgspec stops at the first fault of a whole."""
    values: dict[str, Any] = {}
    fields = {field.encode_name: field for field in msgspec.structs.fields(ProviderDefinition)}
    faults = [f"unknown key {name}" for name in document if name not in fields]
    for name, field in fields.items():
        if name not in document:
            if field.required:
                faults.append(f"{name} is missing")
            continue
        try:
            values[name] = msgspec.convert(document[name], field.type)
        except msgspec.ValidationError as error:
            faults.append(f"{name}: {error}")
    return values, faults


def _check_names(definition: ProviderDefinition) -> list[str]:
    faults = []
    if not PROVIDER_ID.fullmatch(definition.provider_id):
        faults.append("provider_id must be a lower-case word of letters, digits and hyphens")
    if not definition.documentation:
        faults.append("documentation needs a link")
    registration = definition.registration
    if registration and registration.client_secret and not _SECRET_REFERENCE.fullmatch(registration.client_secret):
        faults.append("registration.client_secret must be a reference, env:NAME")
    return faults


def _check_endpoints(definition: ProviderDefinition) -> list[str]:
    email_list, api = definition.identity.email_list, definition.api
    named: dict[str, str | None] = {
        "issuer": definition.issuer,
        "authorization_endpoint": definition.authorization_endpoint,
        "token_endpoint": definition.token_endpoint,
        "userinfo_endpoint": definition.userinfo_endpoint,
        "jwks_uri": definition.jwks_uri,
        "revocation_endpoint": definition.revocation_endpoint,
        "revocation.url": definition.revocation.url,
        "identity.email_list.endpoint": email_list.endpoint if email_list else None,
        "api.base_url": api.base_url if api else None,
    }
    faults = [f"{name} must be an https URL" for name, url in named.items() if url and not _ENDPOINT.fullmatch(url)]
    if not definition.discovery:
        needed = ("issuer", "authorization_endpoint", "token_endpoint")
        faults += [f"{name} is missing (or set discovery)" for name in needed if not named[name]]
        if definition.is_openid and not definition.jwks_uri:
            faults.append("jwks_uri is missing: identity.source is id_token")
        if definition.identity.source == "userinfo" and not definition.userinfo_endpoint:
            faults.append("userinfo_endpoint is missing: identity.source is userinfo")
    return faults


def _check_scopes(definition: ProviderDefinition) -> list[str]:
    faults = []
    separator = definition.authorization.scope_separator
    if separator not in (" ", ","):
        faults.append("authorization.scope_separator must be a space or a comma")
    names = {*definition.sign_in_scopes, *definition.scopes, *definition.scope_includes}
    names |= {inner for inside in definition.scope_includes.values() for inner in inside}
    if any(not name or separator in name or re.search(r'[^!-~]|["\\]', name) for name in names):
        faults.append("a scope name is empty, not printable, or contains the separator")
    if definition.is_openid and "openid" not in definition.sign_in_scopes:
        faults.append("sign_in_scopes must contain openid: identity.source is id_token")
    if not definition.sign_in_scopes:
        # An absent scope means "what the user granted before" at some providers (never more than was allowed).
        faults.append("sign_in_scopes is empty: a request without scope would be ambiguous")
    return faults


def _check_security(definition: ProviderDefinition) -> list[str]:
    faults = []
    if bad := sorted(_NEVER_SENT & set(definition.authorization.parameters)):
        faults.append(f"authorization.parameters may not set {', '.join(bad)}")
    if definition.is_openid:
        if not definition.authorization.nonce:
            faults.append("authorization.nonce must be true: identity.source is id_token")
        if not definition.id_token_signing_alg_values_supported:
            faults.append("id_token_signing_alg_values_supported is missing: identity.source is id_token")
    elif not definition.identity.issuer:
        faults.append("identity.issuer is missing: identity.source is userinfo")
    if definition.refresh.grace != "none" and definition.refresh.grace_seconds <= 0:
        faults.append("refresh.grace_seconds is missing: refresh.grace claims a window")
    if definition.revocation.kind == "request" and not definition.revocation.url:
        faults.append("revocation.url is missing: revocation.kind is request")
    return faults


_CHECKS: tuple[Callable[[ProviderDefinition], list[str]], ...] = (
    _check_names,
    _check_endpoints,
    _check_scopes,
    _check_security,
)
