"""The provider's token endpoint: what we send it, and what its answer says (RFC 6749 sections 4.1.3, 5 and 6).

Granted scopes come from the answer, never from the request, where the answer names them (CB-11). A missing refresh
token is reported as missing; the vault keeps the old one (CB-12). No text of an error answer leaves this module.
"""

import math

from msgspec import Struct

from chalicelib.protocol.ascii_text import is_digits, lower
from chalicelib.providers.definition import ExchangeRules, ProviderDefinition, TokenRules
from chalicelib.providers.definition.error_words import REFUSALS, REGISTERED_ERRORS
from chalicelib.upstream.authorization import asked_scopes
from chalicelib.upstream.client_authentication import authenticate, build_request
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderMisbehaved, ProviderRefused
from chalicelib.upstream.response import at, check_reachable, decode_answer, error_word

MAX_TOKEN_CHARACTERS = 16 * 1024
MAX_SCOPES = 200
MAX_EXPIRES_SECONDS = 10 * 366 * 86400
# What an error member says of a good answer, if it is there at all: nothing, or the number of no error.
_NO_ERROR = (None, 0)


class ProviderTokens(Struct, frozen=True, kw_only=True):
    """What a provider's token endpoint gave; the ID token is still unverified.

    expires_at    epoch seconds; None where the provider names no end
    refresh_expires_at   of the refresh token, where the file says where to read it
    granted       the provider's own names, as it said; what was asked where it said nothing (RFC 6749 section 5.1)
    answer        the whole of it, for what a file reads there besides
    """

    access_token: str
    refresh_token: str | None = None
    expires_at: int | None = None
    refresh_expires_at: int | None = None
    granted: frozenset[str] = frozenset()
    id_token: str | None = None
    answer: dict[str, object] = {}

    def __repr__(self) -> str:
        """Never a token, wherever this value is printed."""
        return f"ProviderTokens(granted={sorted(self.granted)}, expires_at={self.expires_at})"


def build_token_request(
    definition: ProviderDefinition,
    endpoints: Endpoints,
    *,
    client_id: str,
    client_secret: str | None,
    code: str,
    redirect_uri: str,
    code_verifier: str,
) -> HttpRequest:
    """Exchange an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
    rules = definition.token
    parameters = {**rules.parameters, "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if definition.authorization.pkce != "off":
        parameters["code_verifier"] = code_verifier
    return _request(
        definition, endpoints.token_endpoint, rules.method, parameters, client_id=client_id, client_secret=client_secret
    )


def build_exchange_request(
    definition: ProviderDefinition, rules: ExchangeRules, *, client_id: str, client_secret: str | None, token: str
) -> HttpRequest:
    """The request that exchanges the access token of the code for the token to store."""
    parameters = {**rules.parameters, "grant_type": rules.grant_type, rules.token_parameter: token}
    known_as = client_id if rules.sends_client else None
    return _request(
        definition, rules.endpoint, rules.method, parameters, client_id=known_as, client_secret=client_secret
    )


def build_refresh_request(
    definition: ProviderDefinition,
    endpoints: Endpoints,
    *,
    client_id: str,
    client_secret: str | None,
    refresh_token: str,
    redirect_uri: str,
    scopes: frozenset[str] = frozenset(),
) -> HttpRequest:
    """Ask for a new access token (RFC 6749 section 6).

    refresh_token          the access token itself where the provider swaps
    redirect_uri, scopes   sent only where the provider's file says that it wants them
    """
    rules = definition.refresh
    parameters = {**rules.parameters, "grant_type": rules.grant_type, rules.token_parameter: refresh_token}
    if rules.sends_redirect_uri:
        parameters["redirect_uri"] = redirect_uri
    if rules.sends_scope and scopes:
        parameters["scope"] = definition.authorization.scope_separator.join(sorted(scopes))
    known_as = client_id if rules.sends_client else None
    url = rules.endpoint or endpoints.token_endpoint
    return _request(definition, url, rules.method, parameters, client_id=known_as, client_secret=client_secret)


def read_token_response(
    definition: ProviderDefinition, response: HttpResponse, *, requested: frozenset[str], now: int
) -> ProviderTokens:
    """Read the answer to either request.

    requested   scopes as given to build_authorization_url, or as granted before a refresh

    Raises ProviderRefused (its error, in a registered word), ProviderUnavailable, ProviderMisbehaved.
    """
    check_reachable(response, place="token")
    document = _document(definition, response)
    rules = definition.token
    inner = find_tokens(document, rules)
    _check_token_type(at(inner, "token_type"), rules)
    access_token = _token(at(inner, rules.access_token_path), "access_token")
    if access_token is None:
        raise ProviderMisbehaved("token_access_token_missing")
    refresh_token = _token(at(inner, rules.refresh_token_path), "refresh_token")
    return ProviderTokens(
        access_token=access_token,
        refresh_token=access_token if definition.refresh.kind == "swap" else refresh_token,
        expires_at=_expires_at(at(inner, rules.expires_in_path), rules.default_expires_seconds, now=now),
        refresh_expires_at=_refresh_expires_at(inner, rules, now=now),
        granted=_granted(definition, inner, requested),
        id_token=_token(at(inner, rules.id_token_path), "id_token"),
        answer=document,
    )


def find_tokens(document: dict[str, object], rules: TokenRules) -> object:
    """The object that all paths begin in: nothing is picked from two of them, whose tokens may be different ones."""
    inner = (at(document, path) if path else document for path in rules.within)
    return next((one for one in inner if at(one, rules.access_token_path) not in (None, "")), document)


def _granted(definition: ProviderDefinition, inner: object, requested: frozenset[str]) -> frozenset[str]:
    """What the answer names; what was asked where it is silent, or where the provider knows no scopes."""
    rules, asked = definition.token, asked_scopes(definition, requested)
    named = None
    if definition.authorization.sends_scope:
        named = _scopes(at(inner, rules.scope_path), rules.scope_separator)
    return asked if named is None else named | (asked & frozenset(rules.unnamed_scopes))


def _request(
    definition: ProviderDefinition,
    url: str,
    method: str,
    parameters: dict[str, str],
    *,
    client_id: str | None,
    client_secret: str | None,
) -> HttpRequest:
    """One request that asks for tokens; without a client_id what it presents is proof enough."""
    credentials: dict[str, str] = {}
    if client_id is not None:
        credentials, parameters = authenticate(
            parameters,
            method=definition.token_endpoint_auth_method,
            client_id=client_id,
            client_secret=client_secret,
            client_id_parameter=definition.authorization.client_id_parameter,
        )
    headers = {"Accept": definition.token.accept, **definition.token.headers, **credentials}
    return build_request(url, parameters, method=method, body=definition.token.body, headers=headers)


def _document(definition: ProviderDefinition, response: HttpResponse) -> dict[str, object]:
    """The members of a good answer; an error is one by its status, by its member, or by a missing success member."""
    rules = definition.token
    try:
        document = decode_answer(response, place="token", json_types=rules.json_types)
    except ProviderMisbehaved:
        if response.status >= 400:
            raise ProviderRefused("other", f"token_status_{response.status}") from None
        raise
    error = at(document, rules.error_path)
    failed = rules.success_member is not None and at(document, rules.success_member) is not True
    if error not in _NO_ERROR or failed or response.status >= 400:
        raise _refused(rules, error, document)
    return document


def _refused(rules: TokenRules, error: object, document: dict[str, object]) -> ProviderRefused:
    """True only for an error that RFC 6749 section 5.2 or the file defines, and not if the response contains tokens
    too."""
    said = error_word(error)
    word = rules.errors.get(said, said)
    code = word if word in REGISTERED_ERRORS else "other"
    defined = said in rules.errors or code in REFUSALS
    holds_tokens = at(find_tokens(document, rules), rules.access_token_path) not in (None, "")
    return ProviderRefused(code, f"token_{code}", nothing_done=defined and not holds_tokens)


def _check_token_type(token_type: object, rules: TokenRules) -> None:
    """A token of a kind that we do not know must not be used (RFC 6749 section 7.1)."""
    known = {lower(word) for word in rules.token_types}
    if token_type is not None and (not isinstance(token_type, str) or lower(token_type) not in known):
        raise ProviderMisbehaved("token_type_unknown")


def _token(value: object, name: str) -> str | None:
    """A token's characters (RFC 6749 appendix A.12) and a size that the table can hold."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise ProviderMisbehaved(f"token_{name}_malformed")
    if len(value) > MAX_TOKEN_CHARACTERS:
        raise ProviderMisbehaved(f"token_{name}_too_long")
    return value


def _expires_at(value: object, default: int | None, *, now: int) -> int | None:
    """Seconds, as a number or as its digits (form-encoded responses). 0 means expired at once."""
    if value is None:
        return None if default is None else now + default
    if isinstance(value, str) and is_digits(value) and len(value) <= 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ProviderMisbehaved("token_expires_in_malformed")
    return now + min(int(value), MAX_EXPIRES_SECONDS)


def _refresh_expires_at(inner: object, rules: TokenRules, *, now: int) -> int | None:
    """Only a forecast: what cannot be read costs nobody a token, and 0 says at some providers that there is no end."""
    if rules.refresh_expires_in_path is None:
        return None
    try:
        end = _expires_at(at(inner, rules.refresh_expires_in_path), None, now=now)
    except ProviderMisbehaved:
        return None
    return end if end is not None and end > now else None


def _scopes(value: object, separator: str) -> frozenset[str] | None:
    """The granted scopes: a string with the provider's separator, or a list; None where the answer is silent."""
    if value is None:
        return None
    if isinstance(value, str):
        value = value.replace(separator, " ").split(" ")
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ProviderMisbehaved("token_scope_malformed")
    scopes = frozenset(item for item in value if item)
    if len(scopes) > MAX_SCOPES or any(not scope.isascii() or not scope.isprintable() for scope in scopes):
        raise ProviderMisbehaved("token_scope_malformed")
    return scopes
