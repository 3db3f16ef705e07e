"""GET and POST /userinfo (OpenID Connect Core section 5.3): the claims of the stored profile that the scopes allow."""

from typing import Any

from chalicelib.access_token_check import Claims, authorize_token
from chalicelib.endpoints.callers.access_token import read_access_token
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InsufficientScope
from chalicelib.protocol.parameters import check_no_secret_in_query
from chalicelib.protocol.request import Request
from chalicelib.protocol.token_claims import userinfo_claims
from chalicelib.records.item_keys import ItemKey, connection_item_key, user_key_item_key
from chalicelib.responses import Response, json_response
from chalicelib.vault.user_keys import read_profile

PROFILE_SCOPES = frozenset({"profile", "email"})


def answer(broker: Broker, http: Request) -> Response:
    """Raises InvalidToken, InsufficientScope."""
    check_no_secret_in_query(http.query)
    presented = read_access_token(broker, http, "/userinfo")
    use = authorize_token(broker, presented, audience=broker.settings.issuer, also_read=profile_keys_of)
    if "openid" not in use.scopes or use.grant is None:
        raise InsufficientScope("openid_missing")
    profile = read_profile(broker, use.found, use.grant) if use.scopes & PROFILE_SCOPES else {}
    return json_response({"sub": use.shown_sub, **userinfo_claims(profile, use.scopes)})


def profile_keys_of(claims: Claims) -> tuple[ItemKey[Any], ...]:
    """The item keys of the profile of the account that signed in, if the claims name it."""
    connection_id = (claims.get("connections") or {}).get(claims.get("provider", ""))
    return (user_key_item_key(claims["sub"]), *((connection_item_key(connection_id),) if connection_id else ()))
