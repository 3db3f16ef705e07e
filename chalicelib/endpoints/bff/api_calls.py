"""ANY /bff/{client_id}/api/... and /bff/{client_id}/proxy/{provider_id}/...: forwards calls of an app's page.

The same headers pass as through the proxy. The page's cookies and credentials are not forwarded; the API's cookies and
the token that the broker adds are not returned (BFF-03, PRX-01 to PRX-04).
"""

from msgspec.structs import replace

from chalicelib.access_token_check import AuthorizedToken
from chalicelib.endpoints.bff.origin_check import login_uri, open_session, over_as_signed_out, require_session
from chalicelib.endpoints.proxy.proxy import build_response, fetch_answer, proxy_call, read_call, seconds_for_call
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InsufficientScope, NotConnected
from chalicelib.protocol.request import Request
from chalicelib.providers.definition import ApiRules
from chalicelib.records.client import BffApi
from chalicelib.records.grant import Grant
from chalicelib.responses import Response
from chalicelib.token_issuer import choose_audience, issue_access_token
from chalicelib.upstream.proxy_request import build_proxied_request, find_target, read_proxied_response

TOKEN_SECONDS = 60  # each call gets a new token, and no call takes longer than the function's time


def answer_proxy(broker: Broker, http: Request) -> Response:
    """Forward a call to a provider's API, as /proxy does. Raises ForeignCaller, SessionOver, and what /proxy raises."""
    session = require_session(broker, http)
    with over_as_signed_out(broker, http):
        return proxy_call(broker, http, session, read_call(http))


def answer_api(broker: Broker, http: Request) -> Response:
    """Forward a call to the operator's own API, with an access token for it.

    Raises ForeignCaller, SessionOver, InsufficientScope (403), NotConnected (404), InvalidRequest, BadGateway,
    GatewayTimeout.
    """
    session = require_session(broker, http)
    call = read_call(http)
    use, grant = open_session(broker, http, session, lambda claims: ())
    api = _find_api(broker, http, use, grant)
    rules = ApiRules(base_url=api.url)
    target = find_target(rules, issuer=None, host=call.host)
    sent = build_proxied_request(call, target, rules, client_id="", token=_issue_token(broker, use, grant, api))
    response = fetch_answer(broker, sent, seconds_for_call(broker), whose=session.client_id)
    return build_response(read_proxied_response(response, sent))


def _find_api(broker: Broker, http: Request, use: AuthorizedToken, grant: Grant) -> BffApi:
    """The API that is registered for this app now and allowed by this user."""
    api = use.client.bff_api
    if api is None or api.resource not in use.client.resources:
        raise NotConnected("bff_api_not_registered", members={"reason": "no_api"})
    if api.resource not in grant.resources:
        members: dict[str, object] = {
            "reason": "not_allowed_yet",
            "login_uri": login_uri(broker, http.path["client_id"]),
        }
        raise InsufficientScope("bff_api_not_in_the_session", members=members)
    return api


def _issue_token(broker: Broker, use: AuthorizedToken, grant: Grant, api: BffApi) -> str:
    audience = choose_audience(broker, api.resource, use.scopes)
    audience = replace(audience, lifetime_seconds=min(audience.lifetime_seconds, TOKEN_SECONDS))
    return issue_access_token(broker, grant, audience=audience, now=broker.clock.now())[0]
