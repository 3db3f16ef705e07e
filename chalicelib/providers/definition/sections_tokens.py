"""The sections of a provider file that speak of what becomes of tokens: a second exchange, refreshing, revoking."""

from typing import Literal

from msgspec import Struct


class ExchangeRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step after the exchange of the code, whose answer replaces the first: a short-lived token for a long-lived.

    token_parameter   carries the access token of the first answer
    sends_client      our credentials go along, as at the token endpoint
    """

    endpoint: str
    grant_type: str
    token_parameter: str
    method: Literal["POST", "GET"] = "POST"
    parameters: dict[str, str] = {}
    sends_client: bool = True


class RefreshRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to refresh tokens there; the vault's rules are chosen by it.

    kind          swap: there is none, the access token itself is presented for a longer-lived one
    grace         what reuse inside the window gives: nothing, the same token, a sibling, or one that ends the sibling
    late_reuse    what reuse outside it does: is refused, or revokes the whole grant
    in_doubt      after a lost answer: ask again, once, or ask the user
    endpoint      where it is not the token endpoint; method, parameters, grant_type and token_parameter alike
    sends_client  our credentials go along, as at the token endpoint
    """

    kind: Literal["none", "static", "rotating", "swap"] = "none"
    grace: Literal["none", "same", "sibling", "newest"] = "none"
    grace_seconds: int = 0
    late_reuse: Literal["refuse", "revoke"] = "refuse"
    in_doubt: Literal["again", "once", "ask"] = "ask"
    keep_old_if_missing: bool = True
    endpoint: str | None = None
    method: Literal["POST", "GET"] = "POST"
    parameters: dict[str, str] = {}
    grant_type: str = "refresh_token"
    token_parameter: str = "refresh_token"
    sends_client: bool = True
    sends_scope: bool = False
    sends_redirect_uri: bool = False
    hard_expiry_seconds: int | None = None
    idle_expiry_seconds: int | None = None
    terminal_errors: tuple[str, ...] = ("invalid_grant",)

    @property
    def replaces(self) -> bool:
        """True where an answer brings another token to present next time."""
        return self.kind in ("rotating", "swap")


class RevocationRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a token is ended at the provider.

    ends          what one call ends: that token, everything of its sign-in, or every grant of our app for the user
    url, json, form   for kind "request"; {client_id} and {token} are filled in
    auth          bearer: the token itself; client_id: that parameter alone
    accepts       kinds of token that the call takes
    gone          statuses that say the token was already over
    gone_errors   words at token.error_path that say so, or numbers in quotes
    success_member    a member that is true in every good answer
    user_page     where a user removes an app by hand, at the provider
    """

    kind: Literal["none", "rfc7009", "request"] = "none"
    ends: Literal["token", "family", "app"] = "family"
    accepts: tuple[Literal["access_token", "refresh_token"], ...] = ("access_token", "refresh_token")
    method: Literal["POST", "DELETE", "GET"] = "POST"
    url: str | None = None
    auth: Literal["client_secret_basic", "client_secret_post", "bearer", "client_id", "none"] | None = None
    json: dict[str, str] = {}
    form: dict[str, str] = {}
    headers: dict[str, str] = {}
    gone: tuple[int, ...] = ()
    gone_errors: tuple[str, ...] = ()
    success_member: str | None = None
    user_page: str | None = None
