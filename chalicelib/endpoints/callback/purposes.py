"""What a sign-in at a provider can be for: the parts of /callback that differ, one row for each purpose."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct

from chalicelib.endpoints.account.linked_logins import claim_added_login, finish_added_login
from chalicelib.endpoints.account.sign_in import (
    claim_account_sign_in,
    finish_account_sign_in,
    refuse_account_sign_in,
    release_account_sign_in,
)
from chalicelib.endpoints.authorization.finalize import finish_sign_in
from chalicelib.endpoints.authorization.provider_callback import ProviderCallback, RedeemedCallback
from chalicelib.endpoints.callback.device import claim_device_sign_in, refuse_device_sign_in, release_device_sign_in
from chalicelib.endpoints.callback.sign_in import claim_sign_in, refuse_sign_in, release_sign_in
from chalicelib.endpoints.connections.link_callback import claim_link, finish_link
from chalicelib.endpoints.connections.link_sign_in import (
    claim_shown_login,
    finish_shown_login,
    refuse_link,
    refuse_shown_login,
    release_link,
)
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError
from chalicelib.records.keyset import Purpose as KeyPurpose
from chalicelib.records.sign_in import Pending
from chalicelib.responses import Response

ClaimT = TypeVar("ClaimT")
GRANT_KEYS: tuple[KeyPurpose, ...] = ("identity", "vault", "handle")
SESSION_KEYS: tuple[KeyPurpose, ...] = ("identity", "vault", "cookie")


class CallbackPurpose(Struct, Generic[ClaimT], frozen=True, kw_only=True):
    """What one purpose does with a provider's response, in the order of the steps.

    refuse         the response where the provider refused
    keys           what the later steps encrypt and sign with: a key that cannot be opened must cost nobody the claim
    claim          one write that exactly one of any number of callbacks wins; a Response is for one that did not.
                   What it returns otherwise is passed to the steps after it
    release        ends the claim where the provider failed to redeem its code; the link of the error page, if any
    failure_page   that page, where it does not depend on the failure
    finish         everything after the provider's response
    """

    refuse: Callable[[Broker, ProviderCallback, OAuthError], Response]
    keys: tuple[KeyPurpose, ...]
    claim: Callable[[Broker, ProviderCallback], ClaimT | Response]
    release: Callable[[Broker, ProviderCallback, ClaimT, OAuthError], str | None]
    failure_page: str = ""
    finish: Callable[[Broker, RedeemedCallback, ClaimT], Response]


PURPOSES: dict[str, CallbackPurpose[Any]] = {
    "sign_in": CallbackPurpose(
        refuse=refuse_sign_in,
        keys=GRANT_KEYS,
        claim=claim_sign_in,
        release=release_sign_in,
        finish=finish_sign_in,
    ),
    "device": CallbackPurpose(
        refuse=refuse_device_sign_in,
        keys=GRANT_KEYS,
        claim=claim_device_sign_in,
        release=release_device_sign_in,
        failure_page="device_again",
        finish=finish_sign_in,
    ),
    "connect": CallbackPurpose(
        refuse=refuse_link,
        keys=SESSION_KEYS,
        claim=claim_link,
        release=release_link,
        finish=finish_link,
    ),
    "show_login": CallbackPurpose(
        refuse=refuse_shown_login,
        keys=SESSION_KEYS,
        claim=claim_shown_login,
        release=release_link,
        finish=finish_shown_login,
    ),
    "account": CallbackPurpose(
        refuse=refuse_account_sign_in,
        keys=SESSION_KEYS,
        claim=claim_account_sign_in,
        release=release_account_sign_in,
        finish=finish_account_sign_in,
    ),
    "add_login": CallbackPurpose(
        refuse=refuse_account_sign_in,
        keys=SESSION_KEYS,
        claim=claim_added_login,
        release=release_account_sign_in,
        finish=finish_added_login,
    ),
}


def purpose_of(pending: Pending) -> CallbackPurpose[Any]:
    """The row for this decision; a sign-in for a device has its own."""
    return PURPOSES["device" if pending.device_round else pending.purpose]
