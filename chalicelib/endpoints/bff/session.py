"""GET /bff/{client_id}/session and POST /bff/{client_id}/logout: the user of an app's session, and its end."""

from chalicelib.bff_sessions import end_session
from chalicelib.endpoints.bff.origin_check import check_caller, login_uri, open_session, require_session
from chalicelib.endpoints.browser.bff_cookie import forget_session, read_session
from chalicelib.endpoints.token.userinfo import PROFILE_SCOPES, profile_keys_of
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import serialize
from chalicelib.protocol.token_claims import userinfo_claims
from chalicelib.responses import Response, json_response
from chalicelib.vault.user_keys import read_profile


def answer(broker: Broker, http: Request) -> Response:
    """The session for its page, without a token or anything that gives access to one.

    Raises ForeignCaller (403), SessionOver (401).
    """
    use, grant = open_session(broker, http, require_session(broker, http), profile_keys_of)
    profile = read_profile(broker, use.found, grant) if use.scopes & PROFILE_SCOPES else {}
    return json_response(
        {
            "user": {"sub": use.shown_sub, **userinfo_claims(profile, use.scopes)},
            "provider": grant.provider_id,
            "scope": serialize(use.scopes),
            "signed_in_at": grant.advanced_at,
            **({} if grant.auth_time is None else {"auth_time": grant.auth_time}),
            "ends_at": grant.ends_at,
            "ends_unused_at": min(grant.expires_at, grant.ends_at),
        }
    )


def answer_logout(broker: Broker, http: Request) -> Response:
    """End the session and every token from it; without a session, the response is the same.

    The user stays signed in at the broker; the response names the page to sign out there. Raises ForeignCaller (403).
    """
    check_caller(broker, http)
    client_id = http.path["client_id"]
    session = read_session(broker, http, client_id)
    if session is not None:
        end_session(broker, session)
    issuer = broker.settings.issuer
    document = {"signed_out": True, "login_uri": login_uri(broker, client_id), "logout_uri": f"{issuer}/logout"}
    return json_response(document).with_headers(forget_session(broker, client_id))
