"""What people say about each operation: a summary, who may call it, what it takes and answers.

The build fails if a route has no description here, or a description has no route.
"""

from typing import Any

from msgspec import Struct

from chalicelib.protocol import errors
from chalicelib.protocol.errors import OAuthError
from chalicelib.upstream.proxy_request import METHODS

Errors = tuple[type[OAuthError], ...]


class Said(Struct, frozen=True, kw_only=True):
    """One operation.

    query, body    names of schemas; what the query or the body holds
    gives          status -> name of the schema of its JSON; "" for an answer without a body
    also           further media types of the first answer
    refuses        beside what every operation of its kind may refuse
    proves         who calls: "client" (authenticated or public), "server" (authenticated), "token", "initial token",
                   "management token", "session" (the cookie of an app's browser session)
    page_statuses  of pages, beside those that every page may have
    leads          the answer may be a redirect
    cached         a successful response may be cached
    """

    tag: str
    summary: str
    query: str = ""
    body: str = ""
    headers: tuple[str, ...] = ()
    gives: dict[int, str] = {}
    also: tuple[str, ...] = ()
    refuses: Errors = ()
    proves: str = ""
    page_statuses: tuple[int, ...] = ()
    leads: bool = False
    cached: bool = False


FOR_CLIENTS: Errors = (errors.InvalidClient, errors.TooManyRequests)
FOR_TOKENS: Errors = (errors.InvalidToken, errors.BoundToken, errors.ProofRefused, errors.NonceWanted)
OF_PROOFS: Errors = (errors.InvalidDpopProof, errors.UseDpopNonce)
OF_SCOPES: Errors = (errors.UnauthorizedClient, errors.InvalidScope, errors.InvalidTarget)
OF_REQUESTS: Errors = (
    *OF_SCOPES,
    errors.UnsupportedResponseType,
    errors.InvalidRequestUri,
    errors.RequestNotSupported,
    errors.RegistrationNotSupported,
    errors.LoginRequired,
    errors.UnmetAuthenticationRequirements,
)
OF_DOCUMENTS: Errors = (
    errors.InvalidToken,
    errors.InvalidRedirectUri,
    errors.InvalidClientMetadata,
    errors.InvalidSoftwareStatement,
    errors.UnapprovedSoftwareStatement,
)
OF_PROXY: Errors = (
    *FOR_TOKENS,
    errors.InsufficientScope,
    errors.NotConnected,
    errors.SignInNeeded,
    errors.TooManyRequests,
    errors.BadGateway,
    errors.GatewayTimeout,
)
OF_SESSIONS: Errors = (errors.ForeignCaller, errors.SessionOver)
OF_SESSION_CALLS: Errors = (
    *OF_SESSIONS,
    errors.InsufficientScope,
    errors.NotConnected,
    errors.BadGateway,
    errors.GatewayTimeout,
)
PAGES = (403, 502)

_METADATA = Said(tag="Discovery", summary="What this server offers.", gives={200: "Metadata"}, cached=True)
_RESOURCE = Said(tag="Discovery", summary="What takes its tokens.", gives={200: "ResourceMetadata"}, cached=True)
_PROXY = Said(
    tag="Connections",
    summary="A call to the provider's API with the token added here.",
    headers=("Broker-Connection", "Broker-Host"),
    proves="token",
    refuses=OF_PROXY,
)


_SESSION_API = Said(
    tag="Browser sessions",
    summary="A call to the team's own API with a token for it added here.",
    headers=("Broker-Bff",),
    proves="session",
    refuses=OF_SESSION_CALLS,
)
_SESSION_PROXY = Said(
    tag="Browser sessions",
    summary="A call to the provider's API with the token added here.",
    headers=("Broker-Bff", "Broker-Connection", "Broker-Host"),
    proves="session",
    refuses=(*OF_SESSION_CALLS, errors.SignInNeeded, errors.TooManyRequests),
)


def _said(tag: str, summary: str, **more: Any) -> Said:
    return Said(tag=tag, summary=summary, **more)


OPERATIONS: dict[str, Said] = {
    "GET /.well-known/oauth-authorization-server": _METADATA,
    "GET /.well-known/oauth-authorization-server/{issuer_path}": _METADATA,
    "GET /.well-known/openid-configuration": _METADATA,
    "GET /.well-known/openid-configuration/{issuer_path}": _METADATA,
    "GET /.well-known/oauth-protected-resource": _RESOURCE,
    "GET /.well-known/oauth-protected-resource/{issuer_path}": _RESOURCE,
    "GET /jwks": _said("Discovery", "The public keys of its signatures.", gives={200: "Keys"}, cached=True),
    "GET /": _said(
        "Discovery",
        "What this server is: a page for a browser, else JSON.",
        gives={200: "Root"},
        also=("text/html; charset=utf-8",),
    ),
    "GET /{elsewhere}": _said(
        "Discovery",
        "Every other path: a page for a browser, else JSON.",
        gives={404: "Error"},
        also=("text/html; charset=utf-8",),
    ),
    "GET /health": _said("Discovery", "The settings are whole and the process answers.", gives={200: "Health"}),
    "GET /openapi.json": _said("Discovery", "This description.", gives={200: "Description"}, cached=True),
    "GET /authorize": _said(
        "Sign-in",
        "Begin a sign-in: the user sees a page, the app gets a code at its redirect_uri.",
        query="AuthorizationRequest",
        leads=True,
        page_statuses=PAGES,
    ),
    "POST /authorize": _said(
        "Sign-in", "The same by a form.", body="AuthorizationRequest", leads=True, page_statuses=PAGES
    ),
    "POST /signin": _said(
        "Sign-in", "A button of our page was pressed.", body="SignInForm", leads=True, page_statuses=PAGES
    ),
    "GET /callback/{provider_id}": _said(
        "Sign-in", "A provider sends the browser back.", query="CallbackForm", leads=True, page_statuses=(*PAGES, 409)
    ),
    "POST /callback/{provider_id}": _said(
        "Sign-in", "The same by a form.", body="CallbackForm", leads=True, page_statuses=PAGES
    ),
    "GET /logout": _said(
        "Sign-in", "End the browser session, after a question.", query="LogoutForm", leads=True, page_statuses=PAGES
    ),
    "POST /logout": _said("Sign-in", "The same by a form.", body="LogoutForm", leads=True, page_statuses=PAGES),
    "GET /account": _said(
        "My access",
        "The apps that can act for a user; for a browser alone.",
        query="AccountSearch",
        page_statuses=PAGES,
    ),
    "GET /account/apps/{app}": _said("My access", "One app, in this browser session.", page_statuses=(*PAGES, 404)),
    "GET /account/accounts": _said("My access", "The user's logins and connected accounts.", page_statuses=PAGES),
    "GET /account/accounts/{account}": _said(
        "My access", "One connected account, in this browser session.", page_statuses=(*PAGES, 404)
    ),
    "GET /account/data": _said("My access", "Download and deletion of the user's data.", page_statuses=PAGES),
    "POST /account": _said(
        "My access",
        "A button of those pages.",
        body="AccountForm",
        page_statuses=PAGES,
        leads=True,
        gives={200: "AccountData"},
    ),
    "GET /device": _said(
        "Devices", "Where a user types the code of a device.", query="DeviceForm", page_statuses=PAGES
    ),
    "POST /device": _said("Devices", "The code was typed.", body="DeviceForm", leads=True, page_statuses=PAGES),
    "POST /device_authorization": _said(
        "Devices",
        "A device asks for codes (RFC 8628).",
        body="DeviceRequest",
        gives={200: "Device"},
        proves="client",
        refuses=(*FOR_CLIENTS, *OF_SCOPES),
    ),
    "POST /token": _said(
        "Tokens",
        "Exchange a code, a refresh token, a device code or a token for tokens.",
        body="TokenRequest",
        gives={200: "Tokens"},
        proves="client",
        refuses=(
            *FOR_CLIENTS,
            *OF_SCOPES,
            *OF_PROOFS,
            errors.InvalidGrant,
            errors.UnsupportedGrantType,
            errors.AuthorizationPending,
            errors.PollTooEarly,
            errors.AccessDenied,
            errors.ExpiredToken,
        ),
    ),
    "POST /par": _said(
        "Sign-in",
        "Push an authorization request; the browser brings the reference alone (RFC 9126).",
        body="PushedRequest",
        gives={201: "Pushed"},
        proves="client",
        refuses=(*FOR_CLIENTS, *OF_REQUESTS, *OF_PROOFS),
    ),
    "POST /revoke": _said(
        "Tokens",
        "End a token, and with a refresh token its grant (RFC 7009).",
        body="AboutToken",
        gives={200: "Nothing"},
        proves="client",
        refuses=(*FOR_CLIENTS, errors.UnauthorizedClient, errors.UnsupportedTokenType),
    ),
    "POST /introspect": _said(
        "Tokens",
        "Is a token for this API good now (RFC 7662)?",
        body="AboutToken",
        headers=("Accept",),
        gives={200: "Introspection"},
        also=("application/token-introspection+jwt",),
        proves="server",
        refuses=(*FOR_CLIENTS, errors.UnauthorizedClient),
    ),
    "GET /userinfo": _said(
        "Tokens",
        "The user's profile, as far as the token's scopes open it.",
        gives={200: "UserInfo"},
        proves="token",
        refuses=(*FOR_TOKENS, errors.InsufficientScope),
    ),
    "POST /userinfo": _said(
        "Tokens",
        "The same.",
        body="UserInfoForm",
        gives={200: "UserInfo"},
        proves="token",
        refuses=(*FOR_TOKENS, errors.InsufficientScope),
    ),
    "POST /connect": _said(
        "Connections",
        "A link by which the user connects an account, or allows more.",
        body="LinkRequest",
        gives={200: "Link"},
        proves="token",
        refuses=(*FOR_TOKENS, *OF_SCOPES),
    ),
    "GET /connect/{link}": _said("Connections", "The link, opened.", leads=True, page_statuses=PAGES),
    "POST /connect/{link}": _said(
        "Connections", "A button of its page.", body="LinkForm", leads=True, page_statuses=PAGES
    ),
    "GET /connections": _said(
        "Connections",
        "What this app holds of this user at providers.",
        gives={200: "Connections"},
        proves="token",
        refuses=FOR_TOKENS,
    ),
    "DELETE /connections": _said(
        "Connections",
        "End all that this app may do for this user, at the providers too.",
        gives={200: "AccessEnded"},
        proves="token",
        refuses=FOR_TOKENS,
    ),
    "GET /connections/{connection_id}": _said(
        "Connections",
        "One connection, and how often it was used.",
        gives={200: "OneConnection"},
        proves="token",
        refuses=(*FOR_TOKENS, errors.NotConnected),
    ),
    "DELETE /connections/{connection_id}": _said(
        "Connections",
        "End one, at the provider too.",
        gives={200: "EndedConnection"},
        proves="token",
        refuses=(*FOR_TOKENS, errors.NotConnected),
    ),
    "GET /bff/{client_id}/login": _said(
        "Browser sessions",
        "Begin a browser session of an app, or step one up: the normal sign-in, and a cookie at its end.",
        query="SessionRequest",
        leads=True,
        page_statuses=PAGES,
    ),
    "GET /bff/{client_id}/session": _said(
        "Browser sessions",
        "The user who is signed in to this app in this browser.",
        headers=("Broker-Bff",),
        gives={200: "Session"},
        proves="session",
        refuses=OF_SESSIONS,
    ),
    "POST /bff/{client_id}/logout": _said(
        "Browser sessions",
        "End it, and every token that was issued through it.",
        headers=("Broker-Bff",),
        gives={200: "SessionEnded"},
        proves="session",
        refuses=(errors.ForeignCaller,),
    ),
    "POST /register": _said(
        "Registration",
        "An app registers itself (RFC 7591), where the operator has opened that.",
        body="Registration",
        gives={201: "RegisteredClient"},
        proves="initial token",
        refuses=(*OF_DOCUMENTS, errors.RegistrationClosed, errors.InitialTokenMissing, errors.TooManyRequests),
    ),
    "GET /register/{client_id}": _said(
        "Registration",
        "The current registration, with the next management token (RFC 7592).",
        gives={200: "RegisteredClient"},
        proves="management token",
        refuses=OF_DOCUMENTS,
    ),
    "PUT /register/{client_id}": _said(
        "Registration",
        "Replaces all members.",
        body="Replacement",
        gives={200: "RegisteredClient"},
        proves="management token",
        refuses=OF_DOCUMENTS,
    ),
    "DELETE /register/{client_id}": _said(
        "Registration",
        "The client ends, and all that it was given.",
        gives={204: ""},
        proves="management token",
        refuses=OF_DOCUMENTS,
    ),
    **{f"{method} /proxy/{{provider_id}}/{{path}}": _PROXY for method in METHODS},
    **{f"{method} /bff/{{client_id}}/api/{{path}}": _SESSION_API for method in METHODS},
    **{f"{method} /bff/{{client_id}}/proxy/{{provider_id}}/{{path}}": _SESSION_PROXY for method in METHODS},
}
