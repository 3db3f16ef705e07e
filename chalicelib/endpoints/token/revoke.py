"""POST /revoke (RFC 7009): the response is 200 with `{}` for any token; a storage error is never a success."""

from chalicelib.access_token_check import verify_signature
from chalicelib.endpoints.callers.client_authentication import authenticate_client
from chalicelib.ports import Broker, Written
from chalicelib.protocol.errors import InvalidGrant, InvalidToken, UnsupportedTokenType
from chalicelib.protocol.handles import PREFIXES, parse_handle, secret_hash
from chalicelib.protocol.parameters import Parameters, check_no_query
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client
from chalicelib.responses import Response, json_response


def answer(broker: Broker, http: Request) -> Response:
    """Revoke the grant of a refresh token, or one access token; another client's token is not touched (REV-01).

    Raises OAuthError.
    """
    check_no_query(http.query)
    parameters = Parameters.parse(http.form)
    client = authenticate_client(broker, http, parameters)
    token = parameters.require("token")
    if token.startswith(PREFIXES["code"]):
        raise UnsupportedTokenType("code_is_not_a_token")
    if token.startswith(PREFIXES["refresh"]):
        _revoke_refresh_token(broker, client, token)
    else:
        _revoke_access_token(broker, client, token)
    return json_response({})


def _revoke_refresh_token(broker: Broker, client: Client, token: str) -> None:
    try:
        handle = parse_handle(
            token, "refresh", broker.keys.get("handle"), epoch=broker.settings.epoch, homes=broker.settings.homes
        )
    except InvalidGrant:
        return
    ended = broker.store.revoke_grant(
        handle.grant_id, client_id=client.client_id, secret_hash=secret_hash(handle.secret)
    )
    if isinstance(ended, Written):
        grant = ended.item
        broker.log.event(
            "grant_revoked", grant_id=grant.grant_id, client_id=client.client_id, sub=grant.sub, by="client"
        )


def _revoke_access_token(broker: Broker, client: Client, token: str) -> None:
    try:
        claims = verify_signature(broker, token, audience=None, now=broker.clock.now())
    except InvalidToken:
        return
    if claims["client_id"] == client.client_id:
        broker.store.put_revoked_token(claims["jti"], expires_at=claims["exp"])
        broker.log.event("access_revoked", client_id=client.client_id, by="client")
