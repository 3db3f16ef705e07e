"""The authorization request that we, as a client, send the browser to a provider with (RFC 6749 section 4.1.1).

PKCE S256 with every provider that accepts it, a nonce with every OpenID provider (CB-07). Scopes are never empty, and
nothing asks the provider to add what the user granted earlier: never more than was allowed here.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.endpoints import Endpoints

_PASSED = ("login_hint", "prompt", "max_age", "ui_locales", "acr_values")


def build_authorization_url(
    definition: ProviderDefinition,
    endpoints: Endpoints,
    *,
    client_id: str,
    redirect_uri: str,
    scopes: frozenset[str],
    state: str,
    nonce: str,
    code_verifier: str,
    extra: Mapping[str, object] | None = None,
) -> str:
    """The URL of the provider's authorization endpoint for one sign-in.

    scopes   the provider's own names; what a sign-in needs anyway is added
    extra    login_hint, prompt, max_age and the like; only what the provider honours is passed, None is left out
    """
    rules = definition.authorization
    asked = asked_scopes(definition, scopes)
    parameters = {
        **rules.parameters,
        "response_type": "code",
        rules.client_id_parameter: client_id,
        "redirect_uri": redirect_uri,
    }
    if rules.sends_scope:
        ordered = sorted(asked, key=lambda scope: (scope != "openid", scope))
        parameters[rules.scope_parameter] = rules.scope_separator.join(ordered)
    parameters["state"] = state
    if rules.response_mode != "query":
        parameters["response_mode"] = rules.response_mode
    if rules.nonce:
        parameters["nonce"] = nonce
    if rules.pkce != "off":
        parameters["code_challenge"] = s256_challenge(code_verifier)
        parameters["code_challenge_method"] = "S256"
    for name in _PASSED:
        value = (extra or {}).get(name)
        if name in rules.passes and value is not None and value != "":
            parameters[name] = str(value)
    separator = "&" if "?" in endpoints.authorization_endpoint else "?"
    return endpoints.authorization_endpoint + separator + urlencode(parameters, quote_via=quote)


def asked_scopes(definition: ProviderDefinition, scopes: frozenset[str]) -> frozenset[str]:
    """What the provider is really asked for: the sign-in's own scopes and those of the app.

    All that the file has where the provider knows no scopes: what it grants then is everything or nothing.
    """
    if not definition.authorization.sends_scope:
        return frozenset({*definition.scopes, *definition.sign_in_scopes})
    return scopes | frozenset(definition.sign_in_scopes)


def s256_challenge(code_verifier: str) -> str:
    """RFC 7636 section 4.2, as a client."""
    return urlsafe_b64encode(hashlib.sha256(code_verifier.encode("ascii")).digest()).rstrip(b"=").decode()
