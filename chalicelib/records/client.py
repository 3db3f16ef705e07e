"""A registered app (RFC 7591, RFC 6749 section 2)."""

from typing import Literal

from msgspec import Struct

from chalicelib.records.revocation import NOT_REVOKED, Revocation

AuthMethod = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
ResponseMode = Literal["query", "form_post"]
Handout = Literal["none", "proxy", "token"]
# APIs that one client may be registered for: a refresh names all of them in one expression of 4,096 bytes.
MOST_RESOURCES = 200


class SecretHash(Struct, frozen=True, kw_only=True):
    """One client secret as kept: HMAC-SHA-256 under a pepper, 64 hex characters; two live in a rotation."""

    hash: str
    pepper_version: int
    created_at: int
    expires_at: int | None = None


class ProxyRule(Struct, frozen=True, kw_only=True):
    """Calls of one kind that a client may make through the proxy.

    methods       empty: all; GET stands for HEAD too
    path_prefix   whole segments behind the prefix of the provider's API: "/user" holds "/user/emails", not "/users"
    host          "": that of the file's `base_url`; else another one of its hosts
    scope         in the provider's name: only for tokens of grants that hold it; "": for all
    """

    provider_id: str
    methods: frozenset[str] = frozenset()
    path_prefix: str = "/"
    host: str = ""
    scope: str = ""


class BffApi(Struct, frozen=True, kw_only=True):
    """The team's own API behind a client's browser sessions.

    resource   its audience, one of the client's `resources`
    url        where calls go: origin and perhaps a path, no slash at the end
    """

    resource: str
    url: str


class RegistrationPolicy(Struct, frozen=True, kw_only=True):
    """All that a client may give itself by registering; an initial access token may carry one of its own.

    scopes        all it may register
    handout       what it has; no document decides it
    grant_types   those it may register
    auth_methods  those it may register for the token endpoint
    providers     as in Client; no document decides it
    resources     as in Client; no document decides it
    api_scopes    of those that every app has beside what it names: at an API of the operator's a step up asks for more
                  than an agent knew when it registered, and its user is asked each time
    """

    scopes: frozenset[str] = frozenset()
    handout: Handout = "none"
    grant_types: frozenset[str] = frozenset()
    auth_methods: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    api_scopes: frozenset[str] = frozenset()


class Management(Struct, frozen=True, kw_only=True):
    """The token by which a self-registered client manages itself (RFC 7592), as it is kept.

    present       SHA-256 of the token that was given last
    previous      SHA-256 of the one before it, good until the present one is used; empty while there was none
    salt          what made the present one out of the one before it
    gave_secret   a client secret was made in the same way and at the same time
    epoch         of the deployment when the present one was given: a restore from backup voids it
    """

    present: bytes
    previous: bytes = b""
    salt: bytes = b""
    gave_secret: bool = False
    epoch: int = 0


class Client(Struct, frozen=True, kw_only=True):
    """An app that asks us.

    client_id            32 lower-case hex characters; of a client that its own document describes that one's URL
    scopes               all it may ask; `optional_scopes` of them may be unticked by the user
    unnamed_scopes       those of `scopes` that its registration did not name: every app has them for a step up
    revision             raised when redirect URIs, keys, authentication, name or scopes change: older consents are void
    registered_by        "self", or "document" that was fetched: "not verified" on the page, and always asks for consent
    first_party          set by the operator alone: no consent page of ours, one named provider, scopes within `scopes`
    serves               audiences for which this client introspects
    expires_at           when an unused client ends that nobody here registered; None for the operator's
    purpose              what the app is for, in the operator's words, for the page of choice; "" says nothing
    fetched_at           when its document was read last; 0 where there is none. `fresh_until`: when it is read again
    providers            provider ids that it may use; "*" stands for all that are switched on
    may_be_acted_by      clients that may act for it (RFC 8693 section 4.1); the operator alone says so
    proxy_rules          the only calls that it may make through the proxy; none: all
    dpop_bound_access_tokens      every token request of it must come with a proof of possession (RFC 9449 section 5.2)
    subject_type         "pairwise": its users have other names here than at apps of other sectors
    sector               whose names they are: a host, or "self:" and a host for what registered itself, since nobody
                         has looked whether that host is its own; "": the client's alone
    post_logout_redirect_uris     where a browser may return to after a sign-out, compared byte for byte
    backchannel_logout_uri        where it is told that a session has ended; None: it is not told
    backchannel_logout_session_required   only of sessions by name (`sid`), never of a user's all at once
    bff_origins          origins of its pages, of the issuer's own site, that may use a browser session (/bff) without
                         ever seeing a token; set by the operator alone. bff_api: where their calls to /api go
    jwks, jwks_uri       where `private_key_jwt` finds its public keys: here, or there; public members alone
    token_endpoint_auth_signing_alg   the only algorithm of its assertions; None: any that is offered
    policy               what it may give itself, where it came with an initial access token; None: as registration is
                         open to all
    management           None for the operator's: nobody changes them over HTTP
    deleted_at           when it ended itself; it stays `disabled`, and its connections are ended by a job
    """

    client_id: str
    client_name: str
    redirect_uris: tuple[str, ...]
    token_endpoint_auth_method: AuthMethod
    secrets: tuple[SecretHash, ...] = ()
    jwks: tuple[dict[str, str], ...] = ()
    jwks_uri: str | None = None
    token_endpoint_auth_signing_alg: str | None = None
    grant_types: frozenset[str] = frozenset()
    application_type: Literal["web", "native"] = "web"
    scopes: frozenset[str] = frozenset()
    unnamed_scopes: frozenset[str] = frozenset()
    optional_scopes: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    serves: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    handout: Handout = "none"
    may_be_acted_by: frozenset[str] = frozenset()
    proxy_rules: tuple[ProxyRule, ...] = ()
    response_modes: frozenset[ResponseMode] = frozenset({"query", "form_post"})
    first_party: bool = False
    require_pushed_authorization_requests: bool = False
    dpop_bound_access_tokens: bool = False
    registered_by: Literal["operator", "self", "document"] = "operator"
    client_uri: str | None = None
    initiate_login_uri: str | None = None
    subject_type: Literal["public", "pairwise"] = "public"
    sector: str = ""
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    bff_origins: tuple[str, ...] = ()
    bff_api: BffApi | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    purpose: str = ""
    created_at: int = 0
    expires_at: int | None = None
    fetched_at: int = 0
    fresh_until: int = 0
    revision: int = 1
    marks: Revocation = NOT_REVOKED
    policy: RegistrationPolicy | None = None
    management: Management | None = None
    deleted_at: int | None = None

    @property
    def is_confidential(self) -> bool:
        """True where the client proves itself, with a secret or with a key."""
        return self.token_endpoint_auth_method != "none"

    @property
    def has_secret(self) -> bool:
        """True where what proves it is a secret of ours."""
        return self.token_endpoint_auth_method in ("client_secret_basic", "client_secret_post")

    @property
    def named_scopes(self) -> frozenset[str]:
        """Those that its registration names."""
        return self.scopes - self.unnamed_scopes

    def may_use(self, provider_id: str) -> bool:
        """True where this provider is among its own."""
        return "*" in self.providers or provider_id in self.providers

    def is_over(self, now: int) -> bool:
        """True when disabled or expired: no grant type works."""
        return self.marks.disabled or (self.expires_at is not None and self.expires_at <= now)
