"""GET and POST /userinfo (OpenID Connect Core section 5.3): what the scopes open of the stored profile."""

from typing import Any

from chalicelib.access import Claims, authorize_use, read_profile
from chalicelib.endpoints.presented import read_presented
from chalicelib.ports import Broker
from chalicelib.protocol.claims import userinfo_claims
from chalicelib.protocol.errors import InsufficientScope
from chalicelib.protocol.request import Request
from chalicelib.protocol.single import check_no_secret_in_query
from chalicelib.records.places import Place, connection_place, user_key_place
from chalicelib.replies import Reply, json_reply

PROFILE_SCOPES = frozenset({"profile", "email"})


def answer(broker: Broker, http: Request) -> Reply:
    """Raises InvalidToken, InsufficientScope."""
    check_no_secret_in_query(http.query)
    presented = read_presented(broker, http, "/userinfo")
    use = authorize_use(broker, presented, audience=broker.settings.issuer, also_read=places_of_profile)
    if "openid" not in use.scopes or use.grant is None:
        raise InsufficientScope("openid_missing")
    profile = read_profile(broker, use.found, use.grant) if use.scopes & PROFILE_SCOPES else {}
    return json_reply({"sub": use.shown_sub, **userinfo_claims(profile, use.scopes)})


def places_of_profile(claims: Claims) -> tuple[Place[Any], ...]:
    """Where the profile of the account stands that signed in, as far as the claims name it."""
    connection_id = (claims.get("connections") or {}).get(claims.get("provider", ""))
    return (user_key_place(claims["sub"]), *((connection_place(connection_id),) if connection_id else ()))
