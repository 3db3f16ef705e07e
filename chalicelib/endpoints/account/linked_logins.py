"""A second login of a user, linked only on their own page. It takes a sign-in of the last minutes with the existing
login, then one with the new login, in the same browser and session (CB-09).

The item of the login itself names its user and is written if absent. If a first sign-in with that login happens at the
same moment, only one of the two wins. A login never moves from one user to another.
"""

from chalicelib.endpoints.account.access import AccountUser, ButtonPress, find_account_user
from chalicelib.endpoints.account.sign_in import (
    check_login_age,
    claim_account_state,
    read_login,
)
from chalicelib.endpoints.authorization.login_age import is_recent
from chalicelib.endpoints.authorization.provider_callback import ProviderCallback, RedeemedCallback
from chalicelib.endpoints.authorization.provider_redirect import provider_name, redirect_for_account
from chalicelib.endpoints.authorization.provider_user import ProviderUser, resolve_login
from chalicelib.endpoints.browser.cookies import SESSION, set_cookie
from chalicelib.endpoints.browser.urls import account_uri, issuer_host
from chalicelib.pages.leaving import LeavingPage
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.derived_ids import bind_login
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.protocol.request import Request
from chalicelib.records.item_keys import subject_item_key
from chalicelib.records.sign_in import BrowserSession
from chalicelib.records.subject import Subject
from chalicelib.responses import Response, page_response, redirect_response
from chalicelib.revocation_marks import is_provider_revoked

MOST_LOGINS = 10


def start_link_login(broker: Broker, http: Request, provider_id: str, session: BrowserSession) -> Response:
    """Redirect to the provider, which must ask for a login even if it has an active session."""
    url, cookies = redirect_for_account(
        broker, http, provider_id, decided_by=f"session:{session.sub}", purpose="add_login"
    )
    page = LeavingPage(url=url, name=provider_name(broker, provider_id), site=issuer_host(broker))
    return page_response(page).with_headers(*cookies)


def claim_added_login(broker: Broker, callback: ProviderCallback) -> AccountUser:
    """The user of the session that began this, for the one callback that continues.

    Raises PageError if the session differs or is no longer recent, or another callback was first.
    """
    holder = find_account_user(broker, callback.http)
    fresh = holder is not None and is_recent(broker, holder.session)
    if holder is None or not fresh or callback.pending.decided_by != f"session:{holder.sub}":
        raise PageError("login_without_fresh_session", page="account_over", status=403, link=account_uri(broker))
    claim_account_state(broker, callback.pending)
    return holder


def finish_added_login(broker: Broker, callback: RedeemedCallback, holder: AccountUser) -> Response:
    """Link the login to the user.

    Raises PageError if it is another user's, the provider does not prove a recent login, or a revocation ended this.
    """
    pending, brought = callback.pending, callback.brought
    login, found = resolve_login(broker, brought, "", lambda user: read_login(broker, pending, user))
    callback.unstored.belong_to(login.sub)
    check_login_age(broker, callback)
    if is_provider_revoked(found, pending.provider_id, pending.decided_at):
        raise PageError("account_mark", page="not_allowed", status=403)
    stands = found.get(subject_item_key(login.sub))
    if login.sub != holder.sub and (stands is None or stands.linked_to != holder.sub):
        _link(broker, holder, login, stands, pending.provider_id)
    return redirect_response(account_uri(broker))


def remove_login(broker: Broker, press: ButtonPress) -> Response:
    """Unlink a login; the next sign-in with it creates a new user. Every browser session of this user ends, because one
    of them may have used that login."""
    subject, name = press.holder.subject, press.target
    item_key = subject_item_key(name)
    login = broker.store.read(item_key).get(item_key) if name in subject.logins else None
    if login is None or login.linked_to != subject.sub:
        raise PageError("account_no_such_login", page="account_again", status=403, link=account_uri(broker))
    broker.store.erase_subject(login, now=press.holder.now)
    left = {other: provider_id for other, provider_id in subject.logins.items() if other != name}
    if isinstance(broker.store.set_logins(subject, left, salt=broker.entropy.token_bytes(16)), Refused):
        raise TemporarilyUnavailable("subject_keeps_changing", retry_after=1)
    broker.log.event("login_removed", sub=subject.sub, provider_id=subject.logins[name])
    return redirect_response(account_uri(broker)).with_headers(set_cookie(broker, SESSION, "", max_age=0))


def _link(broker: Broker, holder: AccountUser, login: ProviderUser, stands: Subject | None, provider_id: str) -> None:
    """Link the login: first in the user's item, then in its own. After a crash in between the login is not linked."""
    if stands is not None:
        raise PageError("login_of_another", page="login_taken", status=409, link=account_uri(broker))
    subject, logins = holder.subject, {**holder.subject.logins, login.sub: provider_id}
    if len(logins) > MOST_LOGINS:
        raise PageError("logins_too_many", page="not_allowed", status=403, link=account_uri(broker))
    if isinstance(broker.store.set_logins(subject, logins, salt=subject.session_salt), Refused):
        raise TemporarilyUnavailable("subject_keeps_changing", retry_after=1)
    linked = Subject(
        sub=login.sub,
        session_salt=broker.entropy.token_bytes(16),
        created_at=broker.clock.now(),
        login=login.login if login.life else "",
        life=login.life,
        linked_to=subject.sub,
        link_mac=bind_login(broker.keys.get("identity").current.secret, login=login.sub, sub=subject.sub),
    )
    if isinstance(broker.store.put_subject(linked), Refused):
        raise PageError("login_of_another", page="login_taken", status=409, link=account_uri(broker))
    broker.log.event("login_linked", sub=subject.sub, provider_id=provider_id)
