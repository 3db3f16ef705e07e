"""GET and POST /connect/{link}: the user for whom an app asked looks at it, and decides (CB-03).

GET changes nothing, so that whatever opens links in messages does no harm. Both demand a browser session of the same
user; who has none is offered to show a login that they already have, and somebody else stops here.
"""

import hmac

from chalicelib.custody.linking import Asker, check_asker, open_link
from chalicelib.endpoints.answers import error_location, host_of, leave, way_back
from chalicelib.endpoints.cookies import read_browser
from chalicelib.endpoints.forms import is_fresh, open_link_form
from chalicelib.endpoints.link_page import show_link, show_login_first, show_outcome
from chalicelib.endpoints.parties import Parties, load_parties
from chalicelib.endpoints.signin import check_own_form
from chalicelib.endpoints.sitting import Sitting, find_sitting
from chalicelib.endpoints.travel import begin_link_trip, provider_name
from chalicelib.ports import Broker
from chalicelib.protocol.errors import AccessDenied, InvalidRequest, PageError
from chalicelib.protocol.request import Request
from chalicelib.protocol.single import Parameters
from chalicelib.records.link import Link, LinkForm
from chalicelib.records.places import grant_place
from chalicelib.replies import Reply


def answer(broker: Broker, http: Request) -> Reply:
    """Raises PageError."""
    if http.method == "POST":
        check_own_form(broker, http)
    sealed = http.path.get("link", "")
    link = open_link(broker, sealed)
    parties = load_parties(broker, link.client_id)
    if http.method == "POST":
        return _decide(broker, http, link, parties)
    sitting = find_sitting(broker, http, link.client_id, grant_place(link.grant_id))
    if sitting is None:
        return show_login_first(broker, link, parties, sealed)
    asker = check_sitting(broker, link, sitting)
    return show_link(broker, http, link, parties, sitting, asker=asker, sealed=sealed)


def check_sitting(broker: Broker, link: Link, sitting: Sitting | None) -> Asker:
    """Who sits here must be the one for whom the app asked, and the grant that asked must be good.

    Raises PageError; nothing is stored then.
    """
    if sitting is None:
        raise PageError("link_without_session", page="link_over", status=403)
    if not hmac.compare_digest(sitting.session.sub, link.sub):
        raise PageError("link_of_another_user", page="link_of_another", status=403)
    return check_asker(broker, link, sitting.found)


def _decide(broker: Broker, http: Request, link: Link, parties: Parties) -> Reply:
    parameters = _parse(http)
    decision = parameters.get("decision")
    if decision == "sign_in":
        return _travel(broker, link.login, begin_link_trip(broker, http, link, parties, purpose="show_login"))
    form = _open_form(broker, http, link, parties)
    check_sitting(broker, link, find_sitting(broker, http, link.client_id, grant_place(link.grant_id)))
    if decision == "deny":
        return _deny(broker, http, link, parties)
    if decision != "allow":
        raise PageError("decision_unknown")
    allowed = (form.scopes - form.optional) | (form.optional & frozenset(parameters.all("scope")))
    if not allowed:
        return _deny(broker, http, link, parties)
    return _travel(
        broker, link.provider_id, begin_link_trip(broker, http, link, parties, purpose="connect", allowed=allowed)
    )


def _parse(http: Request) -> Parameters:
    try:
        return Parameters.parse(
            [(name, value) for name, value in http.form if name != "request"], repeatable=frozenset({"scope"})
        )
    except InvalidRequest as error:
        raise PageError(error.reason).because_of(error) from None


def _open_form(broker: Broker, http: Request, link: Link, parties: Parties) -> LinkForm:
    """What this browser was shown for this very link."""
    browser = read_browser(broker, http)
    if browser is None:
        raise PageError("browser_cookie_missing", page="cookie_missing", status=403)
    sealed = [value for name, value in http.form if name == "request"]
    form = open_link_form(broker, sealed[0], browser) if len(sealed) == 1 else None
    if form is None or not hmac.compare_digest(form.link_id, link.link_id):
        raise PageError("form_not_of_this_browser", page="csrf", status=403)
    if not is_fresh(broker, form):
        raise PageError("form_too_old", page="link_over", status=403, link=way_back(parties.client))
    return form


def _deny(broker: Broker, http: Request, link: Link, parties: Parties) -> Reply:
    if not link.redirect_uri:
        return show_outcome(broker, "not_connected", parties.client)
    place = error_location(broker, http, link, AccessDenied("user_denied"))
    return leave(broker, place, host_of(link.redirect_uri))


def _travel(broker: Broker, provider_id: str, trip: tuple[str, tuple[tuple[str, str], ...]]) -> Reply:
    """A page that leaves: a redirect would fall under the form's `form-action`."""
    url, cookies = trip
    return leave(broker, url, provider_name(broker, provider_id)).with_headers(*cookies)
