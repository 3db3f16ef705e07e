"""What a provider with discovery publishes."""

from typing import Any

from local.fake.id_token import jwks
from local.fake.profile.profile_state import ProfileState
from local.fake.web import Answer, Received, json_answer


def answer_discovery(player: ProfileState, received: Received) -> Answer:
    """OpenID Connect Discovery, with addresses at which this caller reaches us."""
    places, definition = player.places, player.definition
    named = {
        "issuer": places.issuer,
        "authorization_endpoint": places.authorization,
        "token_endpoint": places.token,
        "userinfo_endpoint": places.userinfo,
        "jwks_uri": places.jwks,
        "revocation_endpoint": places.revocation if definition.revocation.kind == "rfc7009" else None,
    }
    document: dict[str, Any] = {name: player.here(url, received) for name, url in named.items() if url}
    document |= {
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": [] if definition.authorization.pkce == "off" else ["S256"],
        "token_endpoint_auth_methods_supported": [definition.token_endpoint_auth_method],
        "id_token_signing_alg_values_supported": [player.algorithm],
        "scopes_supported": sorted({*definition.sign_in_scopes, *definition.scopes}),
        "authorization_response_iss_parameter_supported": (definition.authorization_response_iss_parameter_supported),
    }
    return json_answer(document)


def answer_jwks(player: ProfileState, received: Received) -> Answer:
    """The key set."""
    return json_answer(jwks(player.keys, player.algorithm))
