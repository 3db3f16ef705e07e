"""Our registration at a simulated provider: what its file says that a client proves itself with."""

import secrets

from local.fake.id_token import new_key_pair
from local.fake.profile.profile_state import ProfileState


def register(player: ProfileState, client_id: str, callback: str) -> str | None:
    """Register the broker there; a new secret, a private key in PEM, or None for a public client."""
    method, rules = player.definition.token_endpoint_auth_method, player.definition.client_assertion
    if rules is not None:
        private, public = new_key_pair(rules.algorithm)
        player.add_client(client_id, None, [callback], name="Token Broker", public_key=public)
        return private
    secret = None if method == "none" else secrets.token_urlsafe(32)
    player.add_client(client_id, secret, [callback], name="Token Broker")
    return secret
