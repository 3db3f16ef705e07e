"""POST /introspect (RFC 7662): for a resource server's own audience, and for a client's own tokens.

A caller can request a signed response (RFC 9701), which later proves what the broker reported to whom.
"""

import re
from typing import Any

from chalicelib.access_token_check import AuthorizedToken, inspect_token
from chalicelib.endpoints.callers.client_authentication import authenticate_client
from chalicelib.ports import Broker
from chalicelib.protocol.ascii_text import lower, trim
from chalicelib.protocol.errors import InvalidClient, InvalidToken
from chalicelib.protocol.parameters import Parameters, check_no_query
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client
from chalicelib.responses import NO_STORE, Response, json_response
from chalicelib.token_issuer import issue_introspection

INACTIVE: dict[str, Any] = {"active": False}
SIGNED = "application/token-introspection+jwt"
_QUALITY = re.compile(r"[01](?:\.[0-9]{0,3})?")


def answer(broker: Broker, http: Request) -> Response:
    """Check every revocation at every call (INT-02). A token that is not valid, or not for or of the caller, is
    inactive.

    Raises OAuthError.
    """
    check_no_query(http.query)
    parameters = Parameters.parse(http.form)
    client = authenticate_client(broker, http, parameters)
    if not client.is_confidential:
        raise InvalidClient("public_client_may_not_introspect")
    said = _introspect(broker, client, parameters.require("token"))
    if not _wants_signed(http):
        return json_response(said)
    token = issue_introspection(broker, client.client_id, said, now=broker.clock.now())
    return Response(headers=(("Content-Type", SIGNED), *NO_STORE), body=token)


def _introspect(broker: Broker, client: Client, token: str) -> dict[str, Any]:
    try:
        use = inspect_token(broker, token)
    except InvalidToken:
        return INACTIVE
    audience = use.claims["aud"]
    still_its = audience == broker.settings.issuer or use.may_reach(audience)
    may_ask = audience in client.serves or use.claims["client_id"] == client.client_id
    return _describe(use) if may_ask and still_its else INACTIVE


def _wants_signed(http: Request) -> bool:
    """True only if the Accept header names the type and does not prefer JSON (RFC 9110 section 12.5.1)."""
    wishes = dict[str, float]()
    for one in lower(",".join(http.headers.get("accept", ()))).split(","):
        kind, *parameters = (trim(part) for part in one.split(";"))
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        wishes[kind] = float(quality) if _QUALITY.fullmatch(quality) else 0.0
    return wishes.get(SIGNED, 0.0) > 0 and wishes[SIGNED] >= wishes.get("application/json", 0.0)


def _describe(use: AuthorizedToken) -> dict[str, Any]:
    names = ("iss", "sub", "aud", "client_id", "exp", "iat", "jti", "auth_time", "cnf", "act", "may_act")
    known = {name: use.claims[name] for name in names if name in use.claims} | {"sub": use.shown_sub}
    kind = "DPoP" if "cnf" in known else "Bearer"
    return {"active": True, "token_type": kind, "scope": serialize(use.scopes), **known}
