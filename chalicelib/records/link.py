"""The encrypted content of a connect link and of its page's form, and the claim that its use leaves behind."""

from msgspec import Struct


class Link(Struct, frozen=True, kw_only=True):
    """A request to one user to connect an account for one client. It travels in the URL and is not stored.

    link_id        32 hex characters: of any number of callbacks, one succeeds
    grant_id       the grant that made the request; only its permissions grow
    login          provider id of that grant's sign-in, with which the user can prove their identity
    provider_id    the provider of the account to connect
    scopes         requested, with the provider's prefix
    redirect_uri   a registered one; "": ends on a page of the broker
    expires_at     epoch seconds
    origin         trusted issuer's record behind a standing grant; "" for a grant of a sign-in here
    grant_version  of that standing grant
    """

    link_id: str
    sub: str
    client_id: str
    client_revision: int
    grant_id: str
    login: str
    provider_id: str
    scopes: frozenset[str]
    expires_at: int
    redirect_uri: str = ""
    state: str | None = None
    origin: str = ""
    grant_version: int = 0


class LinkForm(Struct, frozen=True, kw_only=True):
    """The form value of a link's page, encrypted for one browser.

    browser    SHA-256 hex of the browser cookie
    scopes     all scopes that the page showed, with the provider's prefix
    optional   the scopes that the user could untick
    shown_at   epoch seconds
    """

    link_id: str
    browser: str
    scopes: frozenset[str]
    optional: frozenset[str]
    shown_at: int


class ConnectClaim(Struct, frozen=True, kw_only=True):
    """Marks a link, or a sign-in for one, as used.

    purge_at   not before the end of the last cookie that the same link can still create
    """

    purge_at: int
