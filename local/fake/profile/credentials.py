"""Client authentication at a token or revocation endpoint, by the one method that the file allows."""

from typing import Any

import jwt

from local.fake.grants import Client
from local.fake.profile.profile_state import ProfileState
from local.fake.token_endpoint import basic_credentials
from local.fake.web import FORM, Received

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST_SECONDS = 86400


class Unauthenticated(Exception):
    """The client did not authenticate. The message names what is missing, without a secret."""


def read_parameters(received: Received, *, body: str = "form") -> dict[str, str]:
    """The parameters of a request: the query of a GET, else a body in the one encoding that the file says."""
    if received.method == "GET":
        return received.query
    kind = received.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body == "json":
        return {k: str(v) for k, v in received.json.items()} if kind == "application/json" else {}
    return received.form if kind == FORM else {}


def authenticate(player: ProfileState, received: Received, parameters: dict[str, str], method: str) -> Client:
    """The client that asks.

    method   of the file; client_id: its name alone

    Raises Unauthenticated: unknown, a wrong secret, or another way of proving it than the file's.
    """
    name = player.definition.authorization.client_id_parameter
    basic, sent = basic_credentials(received), {"client_secret", "client_assertion"} & parameters.keys()
    if method == "client_secret_basic":
        if basic is None or sent:
            raise Unauthenticated("the secret comes in an Authorization header, and there alone")
        return _find(player, basic[0], name, basic[1])
    if basic is not None:
        raise Unauthenticated("no Authorization header is read here")
    client_id = parameters.get(name, "")
    if method in ("none", "client_id"):
        if sent:
            raise Unauthenticated("no secret is wanted here")
        return _find(player, client_id, name, None)
    if method == "client_secret_post":
        return _find(player, client_id, name, parameters.get("client_secret", ""))
    client = _find(player, client_id, name, None)
    if method == "client_assertion":
        if parameters.get("client_assertion_type") != _ASSERTION_TYPE:
            raise Unauthenticated("client_assertion_type is missing or another")
        _verify(player, client, parameters.get("client_assertion", ""))
    else:
        _verify(player, client, parameters.get("client_secret", ""))
    return client


def _find(player: ProfileState, client_id: str, name: str, secret: str | None) -> Client:
    client = player.grants.clients.get(client_id)
    if client is None:
        raise Unauthenticated(f"{name} is missing or unknown")
    if secret is not None and secret != (client.client_secret or ""):
        raise Unauthenticated("the secret is wrong")
    return client


def _verify(player: ProfileState, client: Client, signed: str) -> None:
    """A JWT of the client's own key, with the issuer, subject, audience and key id of the file (RFC 7523 section 3)."""
    rules = player.definition.client_assertion
    if rules is None or client.public_key is None:
        raise Unauthenticated("no public key of this app is known here")
    now = player.grants.now()
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["exp", "iat"]}
    try:
        header = jwt.get_unverified_header(signed)
        audience = rules.audience
        claims = jwt.decode(signed, client.public_key, [rules.algorithm], options, audience=audience)
    except jwt.InvalidTokenError as error:
        raise Unauthenticated(f"the signed secret does not hold: {error}") from None
    wanted = {
        "iss": rules.issuer.replace("{client_id}", client.client_id),
        "sub": rules.subject.replace("{client_id}", client.client_id),
    }
    if any(claims.get(name) != value for name, value in wanted.items()) or header.get("kid") != rules.key_id:
        raise Unauthenticated("iss, sub or kid of the signed secret is another than the file's")
    if not now - 60 <= claims["iat"] <= now + 60 or not now < claims["exp"] <= now + _LONGEST_SECONDS:
        raise Unauthenticated("the signed secret has expired, or is not yet valid")
