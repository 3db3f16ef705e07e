"""The tokens of a token response that the broker cannot use: read only to revoke them."""

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.http import HttpResponse, ProviderMisbehaved
from chalicelib.upstream.response import at, decode_answer
from chalicelib.upstream.token import MAX_TOKEN_CHARACTERS, ProviderTokens, find_tokens


def read_unusable_tokens(definition: ProviderDefinition, response: HttpResponse) -> ProviderTokens | None:
    """Both tokens, as far as they can be sent back; None where the response has none, or is an error.

    Nothing else of the response counts: it was refused.
    """
    rules = definition.token
    if not 200 <= response.status < 300:
        return None
    try:
        document = decode_answer(response, place="token", json_types=rules.json_types)
    except ProviderMisbehaved:
        return None
    inner = find_tokens(document, rules)
    access, refresh = (_text(at(inner, path)) for path in (rules.access_token_path, rules.refresh_token_path))
    return ProviderTokens(access_token=access, refresh_token=refresh or None) if access or refresh else None


def _text(value: object) -> str:
    fits = isinstance(value, str) and len(value) <= MAX_TOKEN_CHARACTERS and value.isascii() and value.isprintable()
    return str(value) if fits else ""
