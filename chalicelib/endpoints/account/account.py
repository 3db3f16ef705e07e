"""My access: users see which app has which access, and revoke it. Every button of its pages posts to /account.

GET changes nothing. Every button needs a valid browser session, a form that was encrypted for that session and browser,
and the broker's own Origin (GEN-20). A button of an old page does not touch later decisions, and pressing it twice
changes nothing more.
"""

from collections.abc import Callable

from chalicelib.endpoints.account.access import (
    AccountAccess,
    AccountUser,
    ButtonPress,
    find_account_user,
    read_account_access,
)
from chalicelib.endpoints.account.app_page import show_app
from chalicelib.endpoints.account.app_restrictions import clear_expiry, expire_in_24h, pause, reduce_scopes, resume
from chalicelib.endpoints.account.confirm import (
    ask_to_erase,
    ask_to_remove_login,
    ask_to_revoke_account,
    ask_to_revoke_all_apps,
    ask_to_revoke_app,
    ask_to_revoke_connection,
)
from chalicelib.endpoints.account.connected_accounts import show_connected_account
from chalicelib.endpoints.account.export_erase import download, erase
from chalicelib.endpoints.account.linked_logins import remove_login, start_link_login
from chalicelib.endpoints.account.page import show_accounts, show_apps, show_data
from chalicelib.endpoints.account.revoke import (
    reconnect,
    revoke_account,
    revoke_all_apps,
    revoke_app,
    revoke_one_connection,
)
from chalicelib.endpoints.account.sign_in import show_again, show_entry, start_account_sign_in
from chalicelib.endpoints.account.sign_out import sign_out_everywhere
from chalicelib.endpoints.authorization.login_age import is_recent
from chalicelib.endpoints.browser.page_forms import check_own_form, open_page_form, parse_form
from chalicelib.endpoints.browser.sealed_forms import is_fresh, open_account_form
from chalicelib.endpoints.browser.urls import account_uri
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.records.account import AccountForm
from chalicelib.responses import Response

Act = Callable[[Broker, ButtonPress], Response]
ACTS: dict[str, Act] = {
    "end": ask_to_revoke_connection,
    "end_sure": revoke_one_connection,
    "end_account": ask_to_revoke_account,
    "end_account_sure": revoke_account,
    "end_app": ask_to_revoke_app,
    "end_app_sure": revoke_app,
    "end_all": ask_to_revoke_all_apps,
    "end_all_sure": revoke_all_apps,
    "pause": pause,
    "resume": resume,
    "limit": expire_in_24h,
    "unlimit": clear_expiry,
    "narrow": reduce_scopes,
    "reconnect": reconnect,
    "download": download,
    "unlink": ask_to_remove_login,
    "unlink_sure": remove_login,
    "sign_out_everywhere": sign_out_everywhere,
    "erase": ask_to_erase,
    "erase_for_good": erase,
}
# Irreversible actions require a sign-in within the last few minutes, not only an open browser: before the question, so
# that nobody answers it in vain, and again before the act.
WANT_FRESH = frozenset(
    {"end_all", "end_all_sure", "download", "erase", "erase_for_good", "link", "unlink", "unlink_sure"}
)
Show = Callable[[Broker, Request, AccountUser, AccountAccess], Response]


def answer(broker: Broker, http: Request) -> Response:
    """The list of apps, and every button. Raises PageError."""
    return _act(broker, http) if http.method == "POST" else _show(broker, http, show_apps)


def answer_app(broker: Broker, http: Request) -> Response:
    """The page of one app. Raises PageError."""
    return _show(broker, http, show_app)


def answer_accounts(broker: Broker, http: Request) -> Response:
    """The user's logins and connected accounts. Raises PageError."""
    return _show(broker, http, show_accounts)


def answer_connected_account(broker: Broker, http: Request) -> Response:
    """The page of one connected account. Raises PageError."""
    return _show(broker, http, show_connected_account)


def answer_data(broker: Broker, http: Request) -> Response:
    """Download and deletion. Raises PageError."""
    return _show(broker, http, show_data)


def _show(broker: Broker, http: Request, show: Show) -> Response:
    holder = find_account_user(broker, http)
    if holder is None:
        return show_entry(broker)
    return show(broker, http, holder, read_account_access(broker, holder))


def _act(broker: Broker, http: Request) -> Response:
    check_own_form(broker, http)
    parameters = parse_form(http)
    name, _, target = (parameters.get("act") or "").partition(" ")
    holder = find_account_user(broker, http)
    if name == "sign_in":
        return start_account_sign_in(broker, http, target, holder.session if holder else None)
    if holder is None:
        raise PageError("account_without_session", page="account_over", status=403, link=account_uri(broker))
    form = _open_form(broker, http, holder)
    act = ACTS.get(name)
    if act is None and name != "link":
        raise PageError("account_act_unknown", link=account_uri(broker))
    if name in WANT_FRESH and not is_recent(broker, holder.session):
        return show_again(broker, holder.session)
    if act is None:
        return start_link_login(broker, http, target, holder.session)
    ticked = frozenset(parameters.all("scope"))
    return act(broker, ButtonPress(holder=holder, form=form, name=name, target=target, ticked=ticked))


def _open_form(broker: Broker, http: Request, holder: AccountUser) -> AccountForm:
    """The form of the page that this browser was shown in this session, a few minutes ago at most."""
    form = open_page_form(broker, http, open_account_form)
    if (form.sub, form.sid) != (holder.sub, holder.session.sid):
        raise PageError("form_of_another_session", page="account_again", status=403, link=account_uri(broker))
    if not is_fresh(broker, form):
        raise PageError("form_too_old", page="account_again", status=403, link=account_uri(broker))
    return form
