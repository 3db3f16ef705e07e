"""GET and POST /account: a user sees which app holds which access, and takes it back.

GET changes nothing. Every button needs a live browser session, a form that was sealed for that session at this browser,
and our own Origin (GEN-20). A button of an old page touches nothing that was decided after the page was shown, and
pressing it again changes nothing more.
"""

from collections.abc import Callable

from chalicelib.endpoints.account_acts import end_all_apps, end_app, end_one, reconnect
from chalicelib.endpoints.account_data import ask_to_erase, download, erase
from chalicelib.endpoints.account_entry import leave_to_sign_in, show_again, show_entry
from chalicelib.endpoints.account_held import Holder, Pressed, find_holder, read_held
from chalicelib.endpoints.account_limits import end_in_a_day, end_no_more, narrow, pause, resume
from chalicelib.endpoints.account_logins import leave_to_add_login, remove_login
from chalicelib.endpoints.account_page import show_account
from chalicelib.endpoints.account_sign_out import sign_out_everywhere
from chalicelib.endpoints.answers import account_uri
from chalicelib.endpoints.cookies import read_browser
from chalicelib.endpoints.forms import is_fresh, open_account_form
from chalicelib.endpoints.login_age import is_recent
from chalicelib.endpoints.signin import check_own_form
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidRequest, PageError
from chalicelib.protocol.request import Request
from chalicelib.protocol.single import Parameters
from chalicelib.records.account import AccountForm
from chalicelib.replies import Reply

Act = Callable[[Broker, Pressed], Reply]
ACTS: dict[str, Act] = {
    "end": end_one,
    "end_app": end_app,
    "end_all": end_all_apps,
    "pause": pause,
    "resume": resume,
    "limit": end_in_a_day,
    "unlimit": end_no_more,
    "narrow": narrow,
    "reconnect": reconnect,
    "download": download,
    "unlink": remove_login,
    "sign_out_everywhere": sign_out_everywhere,
    "erase": ask_to_erase,
    "erase_for_good": erase,
}
# What cannot be undone wants a sign-in of the last few minutes, not only an open browser.
WANT_FRESH = frozenset({"end_all", "download", "erase", "erase_for_good", "link", "unlink"})


def answer(broker: Broker, http: Request) -> Reply:
    """Raises PageError."""
    if http.method == "POST":
        return _act(broker, http)
    holder = find_holder(broker, http)
    return show_entry(broker) if holder is None else show_account(broker, http, holder, read_held(broker, holder))


def _act(broker: Broker, http: Request) -> Reply:
    check_own_form(broker, http)
    parameters = _parse(http)
    name, _, target = (parameters.get("act") or "").partition(" ")
    holder = find_holder(broker, http)
    if name == "sign_in":
        return leave_to_sign_in(broker, http, target, holder.session if holder else None)
    if holder is None:
        raise PageError("account_without_session", page="account_over", status=403, link=account_uri(broker))
    form = _open_form(broker, http, holder)
    act = ACTS.get(name)
    if act is None and name != "link":
        raise PageError("account_act_unknown", link=account_uri(broker))
    if name in WANT_FRESH and not is_recent(broker, holder.session):
        return show_again(broker, holder.session)
    if act is None:
        return leave_to_add_login(broker, http, target, holder.session)
    return act(broker, Pressed(holder=holder, form=form, target=target, ticked=frozenset(parameters.all("scope"))))


def _parse(http: Request) -> Parameters:
    try:
        pairs = [(name, value) for name, value in http.form if name != "request"]
        return Parameters.parse(pairs, repeatable=frozenset({"scope"}))
    except InvalidRequest as error:
        raise PageError(error.reason).because_of(error) from None


def _open_form(broker: Broker, http: Request, holder: Holder) -> AccountForm:
    """What this browser was shown in this very session, a few minutes ago at most."""
    browser = read_browser(broker, http)
    sealed = [value for name, value in http.form if name == "request"]
    form = open_account_form(broker, sealed[0], browser) if browser is not None and len(sealed) == 1 else None
    if form is None:
        raise PageError("form_not_of_this_browser", page="csrf", status=403)
    if (form.sub, form.sid) != (holder.sub, holder.session.sid):
        raise PageError("form_of_another_session", page="account_again", status=403, link=account_uri(broker))
    if not is_fresh(broker, form):
        raise PageError("form_too_old", page="account_again", status=403, link=account_uri(broker))
    return form
