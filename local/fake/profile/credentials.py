"""Who asks at a token or revocation endpoint, proven the one way that the file says."""

from typing import TYPE_CHECKING

from local.fake.asking import basic_credentials
from local.fake.grants import Client
from local.fake.web import FORM, Received

if TYPE_CHECKING:
    from local.fake.profile.player import RunningProfile


class Unauthenticated(Exception):
    """Nobody has proven who asks; the message says what is missing, without a secret."""


def read_parameters(received: Received, *, body: str = "form") -> dict[str, str]:
    """The parameters of a POST in the one encoding that the file says; none where it is another."""
    kind = received.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body == "json":
        return {k: str(v) for k, v in received.json.items()} if kind == "application/json" else {}
    return received.form if kind == FORM else {}


def authenticate(player: "RunningProfile", received: Received, parameters: dict[str, str], method: str) -> Client:
    """The client that asks.

    Raises Unauthenticated: unknown, a wrong secret, or another way of proving it than the file's.
    """
    name = player.definition.authorization.client_id_parameter
    basic = basic_credentials(received)
    if method == "client_secret_basic":
        if basic is None or "client_secret" in parameters:
            raise Unauthenticated("the secret comes in an Authorization header, and there alone")
        client_id, secret = basic
    else:
        if basic is not None:
            raise Unauthenticated("no Authorization header is read here")
        client_id, secret = parameters.get(name, ""), parameters.get("client_secret", "")
    client = player.grants.clients.get(client_id)
    if client is None:
        raise Unauthenticated(f"{name} is missing or unknown")
    if method == "none":
        if secret:
            raise Unauthenticated("no secret is wanted here")
    elif secret != (client.client_secret or ""):
        raise Unauthenticated("the secret is wrong")
    return client
