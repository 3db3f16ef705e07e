"""GET /bff/{client_id}/login: the normal sign-in for an app whose backend is the broker (BFF-01, BFF-04).

The sign-in ends with a cookie for this browser instead of a code, and with a redirect to the page where it began. The
encrypted cookie of the decision binds the browser, so nobody can sign in another user with a link.
"""

from chalicelib.endpoints.authorization.authorize import answer_checked_request, parse_shown_request
from chalicelib.endpoints.authorization.pushed_request import OpenedRequest
from chalicelib.endpoints.authorization.request import load_resources
from chalicelib.endpoints.authorization.response import error_response, request_error_response, send_response
from chalicelib.endpoints.bff.origin_check import origins_of
from chalicelib.endpoints.browser.bff_cookie import read_session
from chalicelib.endpoints.callers.clients import OWN_SCOPES, ClientContext, decide_for_client, load_sufficient_context
from chalicelib.ports import Broker
from chalicelib.protocol.authorization_request import parse_session_request
from chalicelib.protocol.errors import OAuthError, PageError
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.protocol.return_path import choose_return
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.responses import Response
from chalicelib.vault.connect_links import check_scope_separator


def answer(broker: Broker, http: Request) -> Response:
    """Raises PageError."""
    parameters = parse_shown_request(http.query)
    context, origin = _find_origin(broker, http, parameters)
    return_to = choose_return(parameters.get("return_to"))
    try:
        context, request = _check(broker, http, parameters, context, origin=origin, return_to=return_to)
    except OAuthError as error:
        return send_response(broker, error_response(broker, http, origin + return_to, None, error, mode="query"))
    opened = OpenedRequest(request=request, grant_id=broker.entropy.token_bytes(16).hex())
    try:
        return answer_checked_request(broker, http, opened, context)
    except PageError:
        raise
    except OAuthError as error:
        return send_response(broker, request_error_response(broker, http, request, error))


def _find_origin(broker: Broker, http: Request, parameters: Parameters) -> tuple[ClientContext, str]:
    """The app, and the origin to return to: the requested one if it is registered, by default the first.

    Raises PageError, after reading the records again.
    """
    client_id, asked = http.path["client_id"], parameters.get("origin")

    def suffices(context: ClientContext) -> bool:
        origins = origins_of(broker, context.client)
        return bool(origins) and asked in (None, *origins)

    context = load_sufficient_context(broker, client_id, suffices)
    origins = origins_of(broker, context.client)
    if not origins:
        raise PageError("bff_not_registered", page="not_allowed").noting(client_id=client_id)
    if asked not in (None, *origins):
        refusal = PageError("bff_origin_unknown", page="redirect_uri_wrong")
        raise refusal.noting(client_id=client_id, expected=origins, received=redact(asked, origins))
    return context, asked or origins[0]


def _check(
    broker: Broker, http: Request, parameters: Parameters, context: ClientContext, *, origin: str, return_to: str
) -> tuple[ClientContext, AuthorizationRequest]:
    """Parse the request. Raises InvalidScope, InvalidTarget, InvalidRequest, after reading the records again."""
    return decide_for_client(
        broker,
        context.client.client_id,
        lambda known: (known, _parse(broker, http, parameters, known, origin=origin, return_to=return_to)),
        known=context,
    )


def _parse(
    broker: Broker, http: Request, parameters: Parameters, context: ClientContext, *, origin: str, return_to: str
) -> AuthorizationRequest:
    before = read_session(broker, http, context.client.client_id)
    request = parse_session_request(
        parameters,
        context.client,
        origin=origin,
        return_to=return_to,
        replaces=before.handle.grant_id if before else "",
        provider_ids=frozenset(context.providers),
        own_scopes=OWN_SCOPES,
        resources=load_resources(broker, context),
        issuer=broker.settings.issuer,
    )
    check_scope_separator(broker, request.scopes)
    return request
