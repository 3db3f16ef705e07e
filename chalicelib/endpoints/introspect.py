"""POST /introspect (RFC 7662): a resource server asks about tokens for its own audience, and learns of no other."""

from typing import Any

from chalicelib.access import Use, examine
from chalicelib.endpoints.client_authentication import authenticate_client
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidClient, InvalidToken
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import serialize
from chalicelib.protocol.single import Parameters, check_no_query
from chalicelib.replies import Reply, json_reply

INACTIVE = {"active": False}


def answer(broker: Broker, http: Request) -> Reply:
    """Every mark is read at every call (INT-02); whatever is not a live access token for the asker is inactive.

    Raises OAuthError.
    """
    check_no_query(http.query)
    parameters = Parameters.parse(http.form)
    client = authenticate_client(broker, http, parameters)
    if not client.is_confidential:
        raise InvalidClient("public_client_may_not_introspect")
    try:
        use = examine(broker, parameters.require("token"))
    except InvalidToken:
        return json_reply(INACTIVE)
    if use.claims["aud"] not in client.serves:
        return json_reply(INACTIVE)
    return json_reply(_describe(use))


def _describe(use: Use) -> dict[str, Any]:
    names = ("iss", "sub", "aud", "client_id", "exp", "iat", "jti", "auth_time", "cnf")
    known = {name: use.claims[name] for name in names if name in use.claims}
    kind = "DPoP" if "cnf" in known else "Bearer"
    return {"active": True, "token_type": kind, "scope": serialize(use.scopes), **known}
