"""What travels sealed through the browser during one sign-in: the checked request, the decision, the session."""

from typing import Literal, NamedTuple

from msgspec import Struct

from chalicelib.records.client import ResponseMode
from chalicelib.records.link import Link

Purpose = Literal["sign_in", "connect", "show_login", "account", "add_login"]


class AuthorizationRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A checked request of GET /authorize (RFC 6749 section 4.1.1).

    scopes         all that were asked: own names and `provider:scope`
    provider_id    named by the app; "" where the user chooses
    dpop_jkt       thumbprint of the one key whose proof redeems the code (RFC 9449 section 10)
    resources      absolute URIs; empty: our issuer
    device_round   of a device's request (RFC 8628), whose redirect_uri and code_challenge are empty: how often it has
                   been open to a decision; 0 for every other
    id_token_claims   claims of the profile that the ID token is to carry
    subjects       who alone may sign in, by `sub`; empty: anybody
    acr            authentication contexts of which one has to be reached; empty: any will do
    acr_values     those that the provider is asked for, separated by spaces
    response_mode  how the app gets its answer: by a redirect, or posted by the browser
    return_to      of a sign-in that ends in a browser session of the app (/bff): the path where it goes on, at the
                   origin that `redirect_uri` is then; "" for every other
    replaces       grant id of the browser session that this one takes the place of
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
        """Where the browser goes with the answer."""
        return self.redirect_uri + self.return_to


class Pending(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision on its way to the provider and back, in a sealed cookie.

    purpose          "connect" adds an account for the app of `link`; "show_login" only finds out whether the user of
                     `link` sits here; "account" lets a user into their own page,
                     "add_login" gives that user a further login
    state            what we sent to the provider; the cookie and the callback must agree
    decided_by       "page", "session:<sub>" (that user must be the one who comes back) or "operator"
    code_secret      16 bytes: the secret of the authorization code to come
    code_verifier    our PKCE verifier towards the provider
    allowed          scopes that the user left ticked
    stored           id of the stored request where it was pushed, or too large for a cookie; then `request` is None
    grant_id         of a sign-in; else the name under which this way back is claimed
    device_round     as in the request, which may be stored
    in_a_day         the user lets it all end by itself 24 hours after the decision
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
    """An app that wants to be told when a browser session ends; sub   its user, as it knows that user. Many stand
    in one cookie."""

    client_id: str
    sub: str


class BrowserSession(Struct, frozen=True, kw_only=True):
    """Who sits at this browser: set at every successful callback.

    account_id   opaque name of the account at the provider; with it a client's connection is found without a look-up
    sid          random id of this session, kept while the same user signs in again at this browser; it stands in every
                 ID token of the session
    acr          the authentication context that the provider has told; "" where it tells none
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


class KeptRequest(Struct, frozen=True, kw_only=True):
    """What is sealed in a stored request.

    allowed    scopes that the user left ticked; None for a pushed one, whose decision the browser's cookie carries
    grant_id   fixed when it was pushed, so that one sign-in at most comes of it; "" where it was stored at the decision
    """

    request: AuthorizationRequest
    allowed: frozenset[str] | None = None
    grant_id: str = ""


class PageForm(Struct, frozen=True, kw_only=True):
    """What the page's form carries back, sealed: the checked request, for one browser, for a while.

    request    None where it was pushed: then it stands in the table under `stored`
    grant_id   fixed here, so that of any number of decisions on one page one at most goes on
    browser    SHA-256 hex of the browser cookie
    shown_at   epoch seconds
    granted    on the page after a provider gave less: the scopes that are left to go on with; else None
    allowed    there: what the user had left ticked, so that trying again asks for no more
    in_a_day   there: whether the user lets it all end by itself 24 hours after the decision
    connection_id, sub   of that partial connection, so that Cancel can take it back
    """

    client_id: str
    request: AuthorizationRequest | None
    grant_id: str
    browser: str
    shown_at: int
    stored: str = ""
    granted: frozenset[str] | None = None
    allowed: frozenset[str] = frozenset()
    in_a_day: bool = False
    provider_id: str = ""
    connection_id: str = ""
    sub: str = ""
