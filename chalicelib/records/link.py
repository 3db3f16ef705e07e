"""What travels sealed in a connect link, in the form of its page, and what remains of it once it was used."""

from msgspec import Struct


class Link(Struct, frozen=True, kw_only=True):
    """One user is asked to connect an account for one app; nothing of it is stored.

    link_id        32 hex characters: of any number of callbacks one goes on
    grant_id       the one grant that asked, and alone is widened
    login          provider id of that grant's sign-in: with it the user can show who they are
    provider_id    where the account is
    scopes         asked, with the provider's prefix
    redirect_uri   a registered one; "": the way ends on a page of ours
    expires_at     epoch seconds
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


class LinkForm(Struct, frozen=True, kw_only=True):
    """What the page of a link carries back, sealed for one browser.

    browser    SHA-256 hex of the browser cookie
    scopes     all that the page showed, with the provider's prefix
    optional   those of them that could be unticked
    shown_at   epoch seconds
    """

    link_id: str
    browser: str
    scopes: frozenset[str]
    optional: frozenset[str]
    shown_at: int


class ConnectClaim(Struct, frozen=True, kw_only=True):
    """A link, or a sign-in for one, that somebody went on with.

    purge_at   not before the last cookie that the same link can still make has ended
    """

    purge_at: int
