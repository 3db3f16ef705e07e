"""The signed-in user: the pair (issuer, subject), and the profile in OpenID Connect's standard claims.

An email address is part of the profile, never identity (CB-09), and it is stored only with its verified flag.
"""

import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from chalicelib.protocol.ascii_text import trim
from chalicelib.providers.definition import EmailList, IdentityRules, ProviderDefinition
from chalicelib.providers.definition.placeholders import fill_text
from chalicelib.upstream.client_authentication import FORM, JSON
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import (
    HttpRequest,
    HttpResponse,
    ProviderMisbehaved,
    ProviderRefused,
    ProviderUnavailable,
)
from chalicelib.upstream.response import at, decode_json_list, read_json_object

MAX_SUBJECT_CHARACTERS = 255
MAX_CLAIM_CHARACTERS = 1024
_NAME_CLAIMS = ("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username")
_TEXT_CLAIMS = (*_NAME_CLAIMS, "zoneinfo", "locale")
_URL_CLAIMS = ("picture", "profile", "website")
_HTTPS = re.compile(r"https://[!-~]+")


class Identity(Struct, frozen=True, kw_only=True):
    """One account at one provider.

    issuer    the name space of the subject: the ID token's issuer, or the fixed one of the provider's file
    subject   the provider's stable id, at most 255 printable ASCII characters
    profile   OpenID Connect standard claims alone; `email` never without `email_verified`
    """

    issuer: str
    subject: str
    profile: dict[str, object] = {}


def build_userinfo_requests(
    definition: ProviderDefinition, endpoints: Endpoints, access_token: str, *, client_id: str
) -> tuple[HttpRequest, ...]:
    """The requests whose answers `read_identity` wants, in this order; none where the other answers say it all."""
    rules = definition.identity
    if not endpoints.userinfo_endpoint or not (rules.source == "userinfo" or rules.userinfo):
        return ()
    of_file = {name: fill_text(value, {"client_id": client_id}) for name, value in rules.headers.items()}
    headers = {"Accept": "application/json", **of_file}
    bearing = {**headers, **token_header(definition, access_token)}
    kind, body = _userinfo_body(rules, access_token)
    asking = headers if _carries_token(rules) else bearing
    asking = {**asking, "Content-Type": kind} if kind else asking
    first = HttpRequest(method=rules.method, url=endpoints.userinfo_endpoint, headers=asking, body=body)
    if rules.email_list is None:
        return (first,)
    return first, HttpRequest(method="GET", url=rules.email_list.endpoint, headers=bearing)


def token_header(definition: ProviderDefinition, access_token: str) -> dict[str, str]:
    """The header that carries the token at this provider; RFC 6750's where its file has no API."""
    api = definition.api
    return {api.token_header: api.token_prefix + access_token} if api else {"Authorization": f"Bearer {access_token}"}


def _userinfo_body(rules: IdentityRules, access_token: str) -> tuple[str, bytes]:
    """Its media type and the body; both empty where there is none."""
    if rules.json:
        return JSON, msgspec.json.encode(rules.json)
    if isinstance(rules.body, str):
        return (JSON if rules.body else ""), rules.body.encode()
    form = {name: fill_text(value, {"token": access_token}) for name, value in rules.body.items()}
    return FORM, urlencode(form).encode("ascii")


def _carries_token(rules: IdentityRules) -> bool:
    """True where the body has the token: it is sent in one place alone (RFC 6750 section 2)."""
    return isinstance(rules.body, dict) and any("{token}" in value for value in rules.body.values())


def read_identity(
    definition: ProviderDefinition,
    responses: tuple[HttpResponse, ...],
    id_token_claims: dict[str, object] | None,
    token_answer: dict[str, object] | None = None,
) -> Identity:
    """Read the account from what the provider answered.

    responses         answers to `build_userinfo_requests`, in its order
    id_token_claims   of a verified ID token; None where the provider has none
    token_answer      of the token endpoint, for files that read the account there

    Raises ProviderMisbehaved, ProviderRefused, ProviderUnavailable.
    """
    rules = definition.identity
    if rules.source != "id_token":
        return _read_named(definition, responses, token_answer)
    if id_token_claims is None:
        raise ProviderMisbehaved("identity_id_token_missing")
    issuer = id_token_claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise ProviderMisbehaved("identity_issuer_missing")
    subject = _subject(id_token_claims, rules)
    profile = _profile(definition, id_token_claims)
    if responses:
        profile |= _same_users_profile(definition, responses[0], id_token_claims)
    return Identity(issuer=issuer, subject=subject, profile=profile)


def _read_named(
    definition: ProviderDefinition, responses: tuple[HttpResponse, ...], token_answer: dict[str, object] | None
) -> Identity:
    """An account in the fixed name space of the file. The subject comes from its one source; profile, where the token
    answer has the subject, from the userinfo answer if the file asks for it, and then only as far as that came."""
    rules = definition.identity
    document = token_answer
    if rules.source == "userinfo":
        document = read_json_object(responses[0], place="userinfo", json_types=rules.json_types) if responses else None
    if rules.issuer is None or document is None:
        raise ProviderMisbehaved(f"identity_{rules.source}_missing")
    subject = _subject(document, rules)
    if rules.source == "token" and rules.userinfo:
        document = _optional_userinfo(responses, rules)
    profile = _profile(definition, _mapped(document, rules.claims))
    if rules.email_list and len(responses) > 1:
        profile |= _listed_email(definition, responses[1], rules.email_list)
    return Identity(issuer=rules.issuer, subject=subject, profile=profile)


def _optional_userinfo(responses: tuple[HttpResponse, ...], rules: IdentityRules) -> dict[str, object]:
    """What it says where it answers; who it is has been said before."""
    try:
        return read_json_object(responses[0], place="userinfo", json_types=rules.json_types) if responses else {}
    except (ProviderUnavailable, ProviderRefused):
        return {}


def read_callback_profile(definition: ProviderDefinition, get: Callable[[str], str | None]) -> dict[str, object]:
    """Profile claims in JSON, in one parameter of the callback; unreadable claims are left out.

    The browser can change them, so they never identify the user and never give an email address.

    get   the one value of a parameter, None if it was not sent
    """
    rules = definition.identity.callback
    text = get(rules.parameter) if rules else None
    if rules is None or not text:
        return {}
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
    claims = _profile(definition, _mapped(document, rules.claims))
    return {name: value for name, value in claims.items() if not name.startswith("email")}


def _subject(document: dict[str, object], rules: IdentityRules) -> str:
    """One value unchanged, or several joined by ":".

    With several, a ":" inside a value is encoded, so that two accounts never give the same subject.
    """
    paths = rules.subject_paths
    values = [_subject_value(at(document, path)) for path in paths]
    if len(values) == 1:
        return values[0]
    joined = ":".join(quote(value, safe="") for value in values)
    if len(joined) > MAX_SUBJECT_CHARACTERS:
        raise ProviderMisbehaved("identity_subject_malformed")
    return joined


def _subject_value(value: object) -> str:
    """A string or a whole number, unchanged. True, 1.0 and the empty string are rejected."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SUBJECT_CHARACTERS:
        raise ProviderMisbehaved("identity_subject_malformed")
    if not value.isascii() or not value.isprintable() or value != trim(value):
        raise ProviderMisbehaved("identity_subject_malformed")
    return value


def _same_users_profile(
    definition: ProviderDefinition, response: HttpResponse, id_token_claims: dict[str, object]
) -> dict[str, object]:
    """Profile claims of the userinfo answer, which must speak of the same subject (OIDC Core section 5.3.2).

    The ID token has proven who it is, so an endpoint that is down or refuses costs only the profile.
    """
    userinfo = _optional_userinfo((response,), definition.identity)
    if not userinfo:
        return {}
    if userinfo.get("sub") != id_token_claims.get("sub"):
        raise ProviderMisbehaved("userinfo_of_another_subject")
    return _profile(definition, {**userinfo, **_mapped(userinfo, definition.identity.claims)})


def _mapped(document: object, paths: dict[str, str]) -> dict[str, object]:
    return {claim: at(document, path) for claim, path in paths.items()}


def _profile(definition: ProviderDefinition, source: dict[str, object]) -> dict[str, object]:
    """The standard claims that are of the right kind; others are left out, not refused."""
    profile: dict[str, object] = {}
    for name in _TEXT_CLAIMS:
        if (text := _text(source.get(name))) is not None:
            profile[name] = text
    for name in _URL_CLAIMS:
        if (text := _text(source.get(name))) is not None and _HTTPS.fullmatch(text):
            profile[name] = text
    updated_at = source.get("updated_at")
    if isinstance(updated_at, int) and not isinstance(updated_at, bool) and updated_at > 0:
        profile["updated_at"] = updated_at
    return profile | _email(definition, source.get("email"), source.get("email_verified"))


def _email(definition: ProviderDefinition, email: object, verified: object) -> dict[str, object]:
    """The address with its flag; some providers write the flag as a string, anything else counts as unverified."""
    text = _text(email)
    if text is None or text.count("@") != 1 or " " in text:
        return {}
    trusted = definition.identity.email_verified_by == "claim" and (verified is True or verified == "true")
    return {"email": text, "email_verified": trusted}


def _listed_email(definition: ProviderDefinition, response: HttpResponse, rules: EmailList) -> dict[str, object]:
    """The primary address of a list; nothing where the list was refused or names no primary one."""
    if response.status != 200:
        return {}
    for entry in decode_json_list(response):
        if at(entry, rules.primary) is True:
            return _email(definition, at(entry, rules.email), at(entry, rules.verified))
    return {}


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_CLAIM_CHARACTERS or not value.isprintable():
        return None
    return value
