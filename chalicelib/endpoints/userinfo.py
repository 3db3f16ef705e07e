"""GET and POST /userinfo (OpenID Connect Core section 5.3): what the scopes open of the stored profile."""

from typing import Any

from chalicelib.access import Claims, Use, authorize_use, open_key_of, refuse_unreadable
from chalicelib.endpoints.presented import read_presented
from chalicelib.ports import Broker
from chalicelib.protocol.claims import userinfo_claims
from chalicelib.protocol.errors import InsufficientScope
from chalicelib.protocol.request import Request
from chalicelib.protocol.sealing import SealBroken
from chalicelib.protocol.single import check_no_secret_in_query
from chalicelib.records.grant import Grant
from chalicelib.records.places import Place, connection_place, user_key_place
from chalicelib.replies import Reply, json_reply
from chalicelib.vault.sealed import open_profile

PROFILE_SCOPES = frozenset({"profile", "email"})


def answer(broker: Broker, http: Request) -> Reply:
    """Raises InvalidToken, InsufficientScope."""
    check_no_secret_in_query(http.query)
    presented = read_presented(broker, http, "/userinfo")
    use = authorize_use(broker, presented, audience=broker.settings.issuer, also_read=_profile_places)
    if "openid" not in use.scopes or use.grant is None:
        raise InsufficientScope("openid_missing")
    profile = _open_profile(broker, use, use.grant) if use.scopes & PROFILE_SCOPES else {}
    return json_reply({"sub": use.claims["sub"], **userinfo_claims(profile, use.scopes)})


def _profile_places(claims: Claims) -> tuple[Place[Any], ...]:
    connection_id = (claims.get("connections") or {}).get(claims.get("provider", ""))
    return (user_key_place(claims["sub"]), *((connection_place(connection_id),) if connection_id else ()))


def _open_profile(broker: Broker, use: Use, grant: Grant) -> dict[str, Any]:
    """The profile of the account that signed in; nothing where the connection is gone or somebody else's."""
    connection_id = grant.connections.get(grant.provider_id, "")
    connection = use.found.get(connection_place(connection_id))
    user_key = use.found.get(user_key_place(grant.sub))
    if connection is None or user_key is None or connection.status == "revoked":
        return {}
    if (connection.sub, connection.client_id) != (grant.sub, grant.client_id):
        return {}
    opened = open_key_of(broker, user_key)
    try:
        return open_profile(opened, connection)
    except SealBroken as broken:
        refuse_unreadable(broker, connection, str(broken))
