"""The sections of a provider file that speak of the authorization request, the token endpoint and the API."""

from typing import Literal

from msgspec import Struct


class ScopeText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scope in plain words, for the consent page: `title` completes "This app will be able to ..."."""

    title: str
    access: Literal["read", "write"]


class AuthorizationRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the authorization request deviates from RFC 6749 section 4.1.1.

    parameters        sent with every request; the operator's variables are filled in, what is empty then is left out
    response_mode     form_post: the answer comes as a cross-site POST, and the request says so
    sends_scope       false where the provider knows no scopes: those of the file are ours, granted whole
    passes            which of these parameters of an app's request the provider honours; others are left out
    """

    parameters: dict[str, str] = {}
    scope_parameter: str = "scope"
    scope_separator: str = " "
    client_id_parameter: str = "client_id"
    response_mode: Literal["query", "form_post"] = "query"
    sends_scope: bool = True
    pkce: Literal["required", "on", "off"] = "on"
    nonce: bool = False
    passes: tuple[Literal["login_hint", "prompt", "max_age", "ui_locales", "acr_values"], ...] = ()


class TokenRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the token request and its answer deviate from RFC 6749 sections 4.1.3 and 5.

    parameters        sent with the exchange of a code, beside the standard ones
    success_member    a member that is true in every good answer (some say `ok: false` with a status of 200)
    within            dotted paths of the objects that the other paths begin in; the first that holds an access token
                      counts, "" is the answer itself. Error, success member and metadata are in the response itself
    *_path            dotted path into the answer
    refresh_expires_in_path   where the answer says how long its refresh token lives
    token_types       what token_type may say, in any case; an answer without it is taken
    json_types        further media types under which the answer is JSON, as "text/javascript"
    unnamed_scopes    scopes that the answer never names: granted where they were asked for
    errors            the provider's own error words, or numbers in quotes, -> registered codes. Each says that nothing
                      has happened; leave out a word after which the request may have been carried out
    """

    method: Literal["POST", "GET"] = "POST"
    body: Literal["form", "json"] = "form"
    parameters: dict[str, str] = {}
    accept: str = "application/json"
    headers: dict[str, str] = {}
    success_member: str | None = None
    within: tuple[str, ...] = ("",)
    access_token_path: str = "access_token"
    refresh_token_path: str = "refresh_token"
    expires_in_path: str = "expires_in"
    refresh_expires_in_path: str | None = None
    scope_path: str = "scope"
    id_token_path: str = "id_token"
    error_path: str = "error"
    scope_separator: str = " "
    default_expires_seconds: int | None = None
    token_types: tuple[str, ...] = ("bearer",)
    json_types: tuple[str, ...] = ()
    unnamed_scopes: tuple[str, ...] = ()
    errors: dict[str, str] = {}


class ApiRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The provider's API: where it is, what every call carries, and which hosts the proxy may reach.

    base_url       or a path alone, if the API is below the issuer
    headers        {client_id} is filled in
    token_header   the header that carries the token, and what stands before it there
    """

    base_url: str
    hosts: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    token_header: str = "Authorization"
    token_prefix: str = "Bearer "

    def base_under(self, issuer: str | None) -> str:
        """The address itself."""
        return (issuer or "").rstrip("/") + self.base_url if self.base_url.startswith("/") else self.base_url


class Registration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Our registration there, for the local `serve`; a secret only by reference, `env:NAME`."""

    client_id: str
    client_secret: str | None = None
    variables: dict[str, str] = {}
