"""A provider's authorization response at /callback, and the claim that lets only one callback continue."""

from urllib.parse import urlencode

from msgspec import Struct

from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.provider_client import Provider, ProviderSignIn
from chalicelib.records.link import Link
from chalicelib.records.sign_in import Pending
from chalicelib.upstream.callback import callback_uri
from chalicelib.vault.unstored_tokens import UnstoredTokens


class ProviderCallback(Struct, frozen=True, kw_only=True):
    """An authorization response that fits the browser's decision and the provider's file, before its claim.

    pending    the decision, from the browser's cookie
    """

    http: Request
    pending: Pending
    provider: Provider

    @property
    def link(self) -> Link:
        """The connect link of this decision. Raises PageError if there is none."""
        if self.pending.link is None:
            raise PageError("link_broken", page="link_broken")
        return self.pending.link

    def uri(self, issuer: str) -> str:
        """The URL of this callback, for the waiting page."""
        return callback_uri(issuer, self.http.path.get("provider_id", "")) + "?" + urlencode(self.http.query)


class RedeemedCallback(Struct, frozen=True, kw_only=True):
    """A claimed callback, with the tokens that the provider issued for its code.

    brought    the verified responses; `brought.provider` includes the metadata in them
    unstored   the provider's tokens, until a connection stores them
    now        the clock, read again after the provider's response; everything that follows is decided at this moment
    """

    http: Request
    pending: Pending
    brought: ProviderSignIn
    unstored: UnstoredTokens
    now: int


def claim_state(broker: Broker, pending: Pending, *, purge_at: int, page: str, link: str | None = None) -> None:
    """Let exactly one of any number of callbacks with one state continue (CB-01). Raises PageError for the others."""
    if isinstance(broker.store.claim_connect(pending.grant_id, purge_at=purge_at), Refused):
        raise refuse_used_state(broker, pending, page=page, link=link)


def refuse_used_state(broker: Broker, pending: Pending, *, page: str, link: str | None = None) -> PageError:
    """The refusal of a callback whose state was used before; nothing changes."""
    broker.log.event("state_already_used", provider_id=pending.provider_id)
    return PageError("state_already_used", page=page, link=link)
