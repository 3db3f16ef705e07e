"""A second login of a user, linked on their own page alone: a sign-in of the last minutes with the one they have, then
one with the login to add, at the same browser in the same session (CB-09).

Whose login it is stands in one item of the login itself, written if absent: of a first sign-in with it and a link at
the same moment one wins. A login that is somebody's stays theirs.
"""

from chalicelib.asking import Registered
from chalicelib.custody.unstored_tokens import UnstoredTokens
from chalicelib.endpoints.account_entry import (
    check_login_age,
    claim_entry,
    find_login,
    has_ended_since,
    redeem_for_entry,
)
from chalicelib.endpoints.account_held import Holder, Pressed, find_holder
from chalicelib.endpoints.answers import account_uri, site
from chalicelib.endpoints.arriving import Arrival
from chalicelib.endpoints.cookies import SESSION, set_cookie
from chalicelib.endpoints.login_age import is_recent
from chalicelib.endpoints.travel import begin_account_trip, provider_name
from chalicelib.pages.page import LeavingPage
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.derive import bind_login
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.protocol.request import Request
from chalicelib.records.places import subject_place
from chalicelib.records.sign_in import BrowserSession, Pending
from chalicelib.records.subject import Subject
from chalicelib.replies import Reply, page_reply, redirect_reply

MOST_LOGINS = 10


def leave_to_add_login(broker: Broker, http: Request, provider_id: str, session: BrowserSession) -> Reply:
    """To the provider, which is to ask who it is even where it knows somebody."""
    url, cookies = begin_account_trip(
        broker, http, provider_id, decided_by=f"session:{session.sub}", purpose="add_login"
    )
    page = LeavingPage(url=url, name=provider_name(broker, provider_id), site=site(broker))
    return page_reply(page).with_headers(*cookies)


def finish_added_login(broker: Broker, http: Request, pending: Pending, provider: Registered, code: str) -> Reply:
    """Raises PageError: not the session that began, or not fresh any more; the login is somebody's; a mark ended it."""
    holder = find_holder(broker, http)
    fresh = holder is not None and is_recent(broker, holder.session)
    if holder is None or not fresh or pending.decided_by != f"session:{holder.sub}":
        raise PageError("login_without_fresh_session", page="account_over", status=403, link=account_uri(broker))
    claim_entry(broker, pending)
    with UnstoredTokens(broker, pending) as unstored:
        unstored.belong_to(holder.sub)
        brought = redeem_for_entry(broker, provider, pending, code, unstored)
        login, found = find_login(broker, pending, brought.provider, brought)
        unstored.belong_to(login.sub)
    check_login_age(broker, pending, brought)
    if has_ended_since(found, pending):
        raise PageError("account_mark", page="not_allowed", status=403)
    stands = found.get(subject_place(login.sub))
    if login.sub != holder.sub and (stands is None or stands.linked_to != holder.sub):
        _link(broker, holder, login, stands, pending.provider_id)
    return redirect_reply(account_uri(broker))


def remove_login(broker: Broker, pressed: Pressed) -> Reply:
    """Who signs in with it from now on is somebody new; every browser session of this user ends, for one of them may
    have come by it."""
    subject, name = pressed.holder.subject, pressed.target
    place = subject_place(name)
    login = broker.store.read(place).get(place) if name in subject.logins else None
    if login is None or login.linked_to != subject.sub:
        raise PageError("account_no_such_login", page="account_again", status=403, link=account_uri(broker))
    broker.store.erase_subject(login, now=broker.clock.now())
    left = {other: provider_id for other, provider_id in subject.logins.items() if other != name}
    if isinstance(broker.store.set_logins(subject, left, salt=broker.entropy.token_bytes(16)), Refused):
        raise TemporarilyUnavailable("subject_keeps_changing", retry_after=1)
    broker.log.event("login_removed", sub=subject.sub, provider_id=subject.logins[name])
    return redirect_reply(account_uri(broker)).with_headers(set_cookie(broker, SESSION, "", max_age=0))


def _link(broker: Broker, holder: Holder, login: Arrival, stands: Subject | None, provider_id: str) -> None:
    """Noted at the user first: a login that is noted and not linked, since somebody died in between, is none."""
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
