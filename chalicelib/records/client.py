"""A registered client (RFC 7591, RFC 6749 section 2)."""

from typing import Literal

from msgspec import Struct

from chalicelib.records.revocation import NOT_REVOKED, Revocation

AuthMethod = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
ResponseMode = Literal["query", "form_post"]
Handout = Literal["none", "proxy", "token"]
# Limit of APIs per client: a refresh names all of them in one expression of 4,096 bytes.
MOST_RESOURCES = 200


class SecretHash(Struct, frozen=True, kw_only=True):
    """One client secret as stored: HMAC-SHA-256 under a pepper, 64 hex characters. During a rotation two are valid."""

    hash: str
    pepper_version: int
    created_at: int
    expires_at: int | None = None


class ProxyRule(Struct, frozen=True, kw_only=True):
    """One kind of call that a client may make through the proxy.

    methods       empty: all; GET includes HEAD
    path_prefix   whole segments after the path prefix of the provider's API: "/user" allows "/user/emails", not
                  "/users"
    host          "": the host of the file's `base_url`; else another of the file's hosts
    scope         in the provider's name: only tokens of grants with this scope may make the call; "": all tokens
    """

    provider_id: str
    methods: frozenset[str] = frozenset()
    path_prefix: str = "/"
    host: str = ""
    scope: str = ""


class BffApi(Struct, frozen=True, kw_only=True):
    """The team's own API behind a client's browser sessions.

    resource   its audience, one of the client's `resources`
    url        target of the calls: an origin and an optional path, without a trailing slash
    """

    resource: str
    url: str


class RegistrationPolicy(Struct, frozen=True, kw_only=True):
    """The most that a client may register for itself. An initial access token may carry its own policy.

    scopes        scopes that the client may register
    handout       what the client gets; its document cannot choose it
    grant_types   grant types that the client may register
    auth_methods  token endpoint authentication methods that the client may register
    providers     as in Client; the client's document cannot choose them
    resources     as in Client; the client's document cannot choose them
    api_scopes    scopes that every client has in addition to those it names, for step-up: an operator's API may
                  require more than an agent knew at registration, and its user consents each time
    """

    scopes: frozenset[str] = frozenset()
    handout: Handout = "none"
    grant_types: frozenset[str] = frozenset()
    auth_methods: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    api_scopes: frozenset[str] = frozenset()


class Management(Struct, frozen=True, kw_only=True):
    """The registration access token of a self-registered client (RFC 7592), as stored.

    present       SHA-256 of the newest token
    previous      SHA-256 of the token before it, valid until the present one is used; empty before the first rotation
    salt          derives the present token from the previous one
    gave_secret   a client secret was derived in the same way at the same time
    epoch         of the deployment when the present token was issued: a restore from backup voids it
    """

    present: bytes
    previous: bytes = b""
    salt: bytes = b""
    gave_secret: bool = False
    epoch: int = 0


class Client(Struct, frozen=True, kw_only=True):
    """A registered client.

    client_id            32 lower-case hex characters; for a client described by its own document, the URL of that
                         document
    scopes               scopes that it may request; the user may untick `optional_scopes`
    unnamed_scopes       those of `scopes` that its registration did not name; every client has them, for step-up
    revision             raised when redirect URIs, keys, authentication, name or scopes change; older consents are
                         void then
    registered_by        "self", or "document" for a fetched one: shown as "not verified", and always asks for consent
    first_party          set only by the operator: no consent page of the broker, one named provider, only registered
                         `scopes`
    serves               audiences for which this client may introspect tokens
    expires_at           when a client that the operator did not register expires if unused; None for the operator's
                         clients
    purpose              the app's purpose in the operator's words, for the account page; "" says nothing
    fetched_at           when its document was fetched; 0 if it has none
    fresh_until          when its document is fetched again
    providers            provider ids that it may use; "*" means all enabled ones
    may_be_acted_by      clients that may act for it (RFC 8693 section 4.1); set only by the operator
    proxy_rules          the only calls that it may make through the proxy; empty: all
    dpop_bound_access_tokens      every token request needs a proof of possession (RFC 9449 section 5.2)
    subject_type         "pairwise": its users have another `sub` here than at clients of other sectors
    sector               the sector of the pairwise `sub`: a host, or "self:" and a host for a self-registered client,
                         because nobody has verified that the host is its own; "": the client alone
    post_logout_redirect_uris     allowed redirect targets after a sign-out, compared byte for byte
    backchannel_logout_uri        receives logout tokens when a session ends; None: not notified
    backchannel_logout_session_required   notified only of single sessions (`sid`), never of all sessions of a user at
                                          once
    bff_origins          origins of its pages, on the issuer's own site, that may use a browser session (/bff) without
                         ever seeing a token; set only by the operator
    bff_api              the target of those pages' calls to /api
    jwks, jwks_uri       public keys for `private_key_jwt`: the keys, or their URL; public members only
    token_endpoint_auth_signing_alg   the only algorithm of its assertions; None: any supported one
    policy               the most that it may register, if it came with an initial access token; None: open
                         registration
    management           None for the operator's clients: nobody changes them over HTTP
    deleted_at           when it deleted itself; it stays `disabled`, and a job revokes its connections
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
        """True if the client authenticates, with a secret or with a key."""
        return self.token_endpoint_auth_method != "none"

    @property
    def has_secret(self) -> bool:
        """True if the client authenticates with a secret that the broker issued."""
        return self.token_endpoint_auth_method in ("client_secret_basic", "client_secret_post")

    @property
    def named_scopes(self) -> frozenset[str]:
        """The scopes that its registration names."""
        return self.scopes - self.unnamed_scopes

    def may_use(self, provider_id: str) -> bool:
        """True if the client may use this provider."""
        return "*" in self.providers or provider_id in self.providers

    def is_over(self, now: int) -> bool:
        """True if the client is disabled or expired. No grant type works then."""
        return self.marks.disabled or (self.expires_at is not None and self.expires_at <= now)
