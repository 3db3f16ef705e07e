"""The sign-in to a user's own page, with any of the user's logins and without an app.

It creates no user, connection or consent: a user who has never signed in through an app has nothing to see here. The
provider's tokens are revoked at the provider.
"""

from chalicelib.endpoints.authorization.browser_session import continue_session, start_session
from chalicelib.endpoints.authorization.consent.parties import provider_option
from chalicelib.endpoints.authorization.login_age import explain_login_age
from chalicelib.endpoints.authorization.provider_callback import ProviderCallback, RedeemedCallback, claim_state
from chalicelib.endpoints.authorization.provider_redirect import provider_name, redirect_for_account
from chalicelib.endpoints.authorization.provider_user import ProviderUser, resolve_user
from chalicelib.endpoints.browser.cookies import SessionOwner, read_session_owner, sign_out_keys
from chalicelib.endpoints.browser.urls import account_path, account_uri, issuer_host
from chalicelib.endpoints.callers.clients import load_providers
from chalicelib.pages.account import AccountEntryPage
from chalicelib.pages.leaving import LeavingPage
from chalicelib.ports import Broker, Items
from chalicelib.protocol.errors import OAuthError, PageError
from chalicelib.protocol.request import Request
from chalicelib.records.item_keys import DEPLOYMENT, ItemKey, provider_item_key, subject_item_key
from chalicelib.records.sign_in import BrowserSession, Pending
from chalicelib.records.small_items import UsedOnce
from chalicelib.responses import Response, page_response, redirect_response
from chalicelib.revocation_marks import is_provider_revoked

SKEW = 120


def show_entry(broker: Broker) -> Response:
    """Show the choice of logins. Sets no cookie before a button is pressed."""
    providers, _ = load_providers(broker)
    if not providers:
        raise PageError("no_provider_switched_on", page="provider_unavailable", status=503)
    options = tuple(provider_option(broker, record) for record in providers.values())
    page = AccountEntryPage(providers=options, action=account_path(broker), site=issuer_host(broker))
    return page_response(page)


def show_again(broker: Broker, session: BrowserSession) -> Response:
    """Require another sign-in with the login of this session, because the action needs a recent one."""
    providers, _ = load_providers(broker)
    record = providers.get(session.provider_id)
    if record is None:
        raise PageError("provider_switched_off", page="provider_unavailable", status=503)
    options = (provider_option(broker, record),)
    page = AccountEntryPage(providers=options, action=account_path(broker), again=True, site=issuer_host(broker))
    return page_response(page)


def start_account_sign_in(broker: Broker, http: Request, provider_id: str, session: BrowserSession | None) -> Response:
    """Redirect to the provider. If there is a session, the same user must return, so that nobody uses another user's
    page unaware."""
    decided_by = f"session:{session.sub}" if session else "page"
    url, cookies = redirect_for_account(broker, http, provider_id, decided_by=decided_by)
    page = LeavingPage(url=url, name=provider_name(broker, provider_id), site=issuer_host(broker))
    return page_response(page).with_headers(*cookies)


def refuse_account_sign_in(broker: Broker, _callback: ProviderCallback, _refusal: OAuthError) -> Response:
    """Return to the choice of logins after the provider refused."""
    return redirect_response(account_uri(broker))


def claim_account_sign_in(broker: Broker, callback: ProviderCallback) -> SessionOwner | None:
    """The earlier session of this browser, for the one callback that continues. Raises PageError for the others."""
    claim_account_state(broker, callback.pending)
    return read_session_owner(broker, callback.http)


def claim_account_state(broker: Broker, pending: Pending) -> None:
    """Claim the state with one write. Raises PageError, without a change, if another callback has claimed it."""
    purge_at = pending.decided_at + broker.settings.pending_seconds + SKEW
    claim_state(broker, pending, purge_at=purge_at, page="account_again", link=account_uri(broker))


def release_account_sign_in(broker: Broker, _callback: ProviderCallback, _claimed: object, _refusal: OAuthError) -> str:
    """The URL of the account page, for the error page; the claim stays."""
    return account_uri(broker)


def finish_account_sign_in(broker: Broker, callback: RedeemedCallback, before: SessionOwner | None) -> Response:
    """Give the browser the session for the page, and store nothing else.

    before   the earlier session of this browser, unverified

    Raises PageError if the login is unknown, belongs to another user, or a revocation voids the decision.
    """
    pending, brought = callback.pending, callback.brought
    ended = sign_out_keys(before)
    provider_user, found = resolve_user(broker, brought, "", lambda user: read_login(broker, pending, user, *ended))
    callback.unstored.belong_to(provider_user.sub)
    if pending.decided_by.startswith("session:") and pending.decided_by != f"session:{provider_user.sub}":
        link = account_uri(broker)
        raise PageError("another_account_came_back", page="account_of_another", status=403, link=link)
    check_login_age(broker, callback)
    subject = found.get(subject_item_key(provider_user.sub))
    if subject is None:
        raise PageError("account_of_nobody", page="account_of_nobody", status=403, link=account_uri(broker))
    if is_provider_revoked(found, pending.provider_id, pending.decided_at) or subject.marks.void(pending.decided_at):
        raise PageError("account_mark", page="not_allowed", status=403)
    current = continue_session(
        broker, before, start_session(broker, brought, provider_user, now=callback.now), subject, found
    )
    broker.log.event("account_entered", provider_id=pending.provider_id)
    return redirect_response(account_uri(broker)).with_headers(current.cookie(broker))


def check_login_age(broker: Broker, callback: RedeemedCallback) -> None:
    """Raises PageError if the provider does not prove the recent login that the request demanded."""
    reason = explain_login_age(callback.brought, callback.pending, None, now=callback.now)
    if reason:
        raise PageError(reason, page="login_not_fresh", status=403, link=account_uri(broker))


def read_login(broker: Broker, pending: Pending, user: ProviderUser, *also: ItemKey[UsedOnce]) -> Items:
    """The user of a login, and what may have ended a sign-in of that user's, in one batch."""
    provider_at = provider_item_key(pending.provider_id)
    return broker.store.read(DEPLOYMENT, provider_at, subject_item_key(user.sub), *also)
