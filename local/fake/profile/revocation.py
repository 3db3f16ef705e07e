"""Ending tokens as the file says: RFC 7009 or the provider's own call, and as much as one call ends there."""

from typing import TYPE_CHECKING

from local.fake.grants import Client
from local.fake.profile.credentials import Unauthenticated, authenticate, read_parameters
from local.fake.web import Answer, Received, json_answer

if TYPE_CHECKING:
    from local.fake.profile.player import RunningProfile


def answer(player: "RunningProfile", received: Received) -> Answer:
    """200 or 204, whether it lived or not; a status of the file's `gone` where it did not."""
    definition = player.definition
    rules = definition.revocation
    own = rules.kind == "request"
    if received.method != (rules.method if own else "POST"):
        return json_answer({"error": "invalid_request"}, 405)
    parameters = read_parameters(received, body="json" if rules.json else "form")
    token = _read_token(player, parameters)
    if not token:
        return json_answer({"error": "invalid_request", "error_description": "no token where the file has it"}, 400)
    try:
        client = _authenticate(player, received, parameters)
    except Unauthenticated as error:
        return json_answer({"error": "invalid_client", "error_description": str(error)}, 401)
    ended = player.grants.revoke(client, token, rules.ends)
    if not ended and rules.gone:
        return json_answer({"message": "Not Found"}, rules.gone[0])
    return Answer(204) if own and rules.method == "DELETE" else json_answer({})


def _read_token(player: "RunningProfile", parameters: dict[str, str]) -> str:
    """From where the file puts {token}."""
    rules = player.definition.revocation
    if rules.kind == "rfc7009":
        return parameters.get("token", "")
    name = next((name for name, value in rules.json.items() if value == "{token}"), "")
    return parameters.get(name, "")


def _authenticate(player: "RunningProfile", received: Received, parameters: dict[str, str]) -> Client:
    """By the file's way for revocations; where that is none, whose token it is says who asks."""
    rules = player.definition.revocation
    method = rules.auth or player.definition.token_endpoint_auth_method
    if method == "none" and player.definition.authorization.client_id_parameter not in parameters:
        token = _read_token(player, parameters)
        owner = player.grants.client_of(token)
        if owner is None:
            return Client("", None, (), "")
        return owner
    return authenticate(player, received, parameters, method)
