"""Ending tokens as the file says: RFC 7009 or the provider's own call, and as much as one call ends there."""

from typing import Any

from local.fake.grants import Client
from local.fake.profile.credentials import Unauthenticated, authenticate, read_parameters
from local.fake.profile.paths import put
from local.fake.profile.places import read_placeholders
from local.fake.profile.profile_state import ProfileState
from local.fake.web import Answer, Received, json_answer


def answer(player: ProfileState, received: Received) -> Answer:
    """A good answer whether it lived or not, or a status of the file's `gone` where it did not."""
    rules = player.definition.revocation
    own = rules.kind == "request"
    parameters = {**received.query, **read_parameters(received, body="json" if rules.json else "form")}
    token = _read_token(player, received, parameters)
    if not token:
        return json_answer({"error": "invalid_request", "error_description": "no token where the file has it"}, 400)
    try:
        client = _authenticate(player, received, parameters, token)
    except Unauthenticated as error:
        return json_answer({"error": "invalid_client", "error_description": str(error)}, 401)
    kind = "access_token" if token in player.grants.access_tokens else "refresh_token"
    ended = kind in rules.accepts and player.grants.revoke(client, token, rules.ends)
    if not ended and rules.gone:
        return json_answer({"message": "Not Found"}, rules.gone[0])
    document: dict[str, Any] = {}
    if rules.success_member:
        put(document, rules.success_member, True)
    return Answer(204) if own and rules.method == "DELETE" and not document else json_answer(document)


def _read_token(player: ProfileState, received: Received, parameters: dict[str, str]) -> str:
    """From where the file puts {token}: body, query or path; else from where the call proves itself with it."""
    rules = player.definition.revocation
    if rules.kind == "rfc7009":
        return parameters.get("token", "")
    name = next((name for name, value in {**rules.json, **rules.form}.items() if value == "{token}"), "")
    found = read_placeholders(rules.url or "", received.path, received.query).get("token", "")
    return parameters.get(name) or found or (received.bearer if rules.auth == "bearer" else "")


def _authenticate(player: ProfileState, received: Received, parameters: dict[str, str], token: str) -> Client:
    """Authenticate by the file's method for revocations. If it has none, or it is the token itself, the token
    identifies the client."""
    rules = player.definition.revocation
    method = rules.auth or ("none" if rules.kind == "request" else player.definition.token_endpoint_auth_method)
    named = player.definition.authorization.client_id_parameter in parameters
    if method == "bearer" and received.bearer != token:
        raise Unauthenticated("the token is wanted in the Authorization header")
    if method == "bearer" or (method == "none" and not named):
        return player.grants.client_of(token) or Client("", None, (), "")
    return authenticate(player, received, parameters, method)
