"""Encrypted values in the browser during one sign-in: the checked request, the decision, the session."""

from typing import Literal, NamedTuple

from msgspec import Struct

from chalicelib.records.client import ResponseMode
from chalicelib.records.link import Link

Purpose = Literal["sign_in", "connect", "show_login", "account", "add_login"]


class AuthorizationRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A checked request of GET /authorize (RFC 6749 section 4.1.1).

    scopes         all requested: the broker's own names and `provider:scope`
    provider_id    named by the client; "": the user chooses
    dpop_jkt       thumbprint of the one key whose proof redeems the code (RFC 9449 section 10)
    resources      absolute URIs; empty: the broker's issuer
    device_round   of a device's request (RFC 8628), which has no redirect_uri and code_challenge: how often it was
                   open to a decision; 0 for every other
    id_token_claims   profile claims for the ID token
    subjects       the only users who may sign in, by `sub`; empty: all
    acr            authentication contexts, one of which must be reached; empty: any
    acr_values     those requested from the provider, separated by spaces
    response_mode  how the client receives its response: by a redirect, or posted by the browser
    return_to      of a sign-in that starts a browser session of an app (/bff): the path to continue at, on the origin
                   that is then in `redirect_uri`; "" for every other
    replaces       grant id of the browser session that the new one replaces
    """

    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    code_challenge: str
    state: str | None = None
    nonce: str | None = None
    response_mode: ResponseMode = "query"
    resources: tuple[str, ...] = ()
    provider_id: str = ""
    ui_locales: str | None = None
    id_token_claims: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    acr: tuple[str, ...] = ()
    acr_values: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    login_hint: str | None = None
    client_revision: int = 1
    device_round: int = 0
    dpop_jkt: str | None = None
    return_to: str = ""
    replaces: str = ""

    @property
    def answer_uri(self) -> str:
        """The URI to which the browser takes the response."""
        return self.redirect_uri + self.return_to


class Pending(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision during the provider redirect, in an encrypted cookie.

    purpose          "connect" adds an account for the client of `link`; "show_login" only finds out whether the user
                     of `link` is at this browser; "account" signs a user in to the account page; "add_login" gives
                     that user another login
    state            sent to the provider; the cookie and the callback must agree
    decided_by       "page", "session:<sub>" (that user must return) or "operator"
    code_secret      16 bytes: the secret of the future authorization code
    code_verifier    the broker's PKCE verifier at the provider
    allowed          scopes that the user left ticked
    stored           id of the stored request if it was pushed or is too large for a cookie; `request` is then None
    grant_id         of a sign-in; else the id under which this callback is claimed
    device_round     as in the request, which may be stored
    in_a_day         the user chose to end access 24 hours after the decision
    """

    request: AuthorizationRequest | None
    provider_id: str
    state: str
    nonce: str
    code_verifier: str
    grant_id: str
    code_secret: bytes
    allowed: frozenset[str]
    decided_at: int
    decided_by: str
    stored: str = ""
    purpose: Purpose = "sign_in"
    link: Link | None = None
    device_round: int = 0
    in_a_day: bool = False


class LogoutRecipient(NamedTuple):
    """A client to notify when a browser session ends. `sub` is its user, as that client knows it. Many fit in one
    cookie."""

    client_id: str
    sub: str


class BrowserSession(Struct, frozen=True, kw_only=True):
    """The signed-in user of this browser, set at every successful callback.

    account_id   opaque id of the account at the provider; it finds a client's connection without a query
    sid          random id of this session, unchanged while the same user signs in again at this browser; in every ID
                 token of the session
    acr          the authentication context that the provider reported; "" if none
    name, handle what the provider says about the user, for the broker's pages alone; "" if nothing
    """

    sub: str
    provider_id: str
    account_id: str
    signed_in_at: int
    expires_at: int
    sid: str
    epoch: int
    auth_time: int | None = None
    acr: str = ""
    name: str = ""
    handle: str = ""


class KeptRequest(Struct, frozen=True, kw_only=True):
    """The encrypted content of a stored request.

    allowed    scopes that the user left ticked; None for a pushed request, whose decision is in the browser's cookie
    grant_id   fixed when the request was pushed, so that at most one sign-in results; "" if stored at the decision
    """

    request: AuthorizationRequest
    allowed: frozenset[str] | None = None
    grant_id: str = ""


class PageForm(Struct, frozen=True, kw_only=True):
    """The encrypted form value of a page: the checked request, for one browser, for a limited time.

    request    None if it was pushed: it is in the table under `stored`
    grant_id   fixed here, so that of any number of decisions on one page at most one succeeds
    browser    SHA-256 hex of the browser cookie
    shown_at   epoch seconds
    several    the page had a button for each of several providers, so that button is the decision
    returning  on the page of a user who has allowed everything before: `sub` and `provider_id` are that user's
    other_account  on the page after that one: the provider must offer a choice of accounts
    granted    on the page after a provider granted less: the scopes to continue with; else None
    allowed    there: what the user had left ticked, so that a retry requests no more
    in_a_day   there: whether the user chose to end access 24 hours after the decision
    connection_id, sub   of that partial connection, so that Cancel can revoke it
    """

    client_id: str
    request: AuthorizationRequest | None
    grant_id: str
    browser: str
    shown_at: int
    stored: str = ""
    several: bool = False
    returning: bool = False
    other_account: bool = False
    granted: frozenset[str] | None = None
    allowed: frozenset[str] = frozenset()
    in_a_day: bool = False
    provider_id: str = ""
    connection_id: str = ""
    sub: str = ""
