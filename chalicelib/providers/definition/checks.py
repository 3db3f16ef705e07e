"""What a provider file must hold together, beyond the kind of each value."""

import re
from collections.abc import Callable, Iterator

from chalicelib.providers.definition.error_words import REGISTERED_ERRORS
from chalicelib.providers.definition.errors import Fault
from chalicelib.providers.definition.provider import PROVIDER_ID, ProviderDefinition
from chalicelib.providers.quirks import NAMES

SECRET_REFERENCE = re.compile(r"env:[A-Z][A-Z0-9_]*")
# Asked for without a say by the user, or hiding what was granted: forbidden to every file.
NEVER_SENT = frozenset(
    {"include_granted_scopes", "client_id", "client_secret", "redirect_uri", "response_type", "state", "nonce", "scope"}
    | {"code_challenge", "code_challenge_method", "code", "request", "request_uri", "response_mode"}
)
# What the flow itself puts into a request to a token endpoint.
OURS_THERE = frozenset(
    {"grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "client_id", "client_secret"}
    | {"client_assertion", "client_assertion_type", "scope"}
)
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_NEVER_JSON = frozenset({"text/html", "application/xhtml+xml", "application/x-www-form-urlencoded"})
Faults = Iterator[Fault]


def _check_names(definition: ProviderDefinition) -> Faults:
    if not PROVIDER_ID.fullmatch(definition.provider_id):
        fix = 'write letters, digits and hyphens, a letter first, as "my-provider"'
        yield Fault("provider_id", "provider_id must be a lower-case word", fix)
    if definition.quirks is not None and definition.quirks not in NAMES:
        yield Fault(
            "quirks", "quirks names a class that there is not", f"write {' or '.join(sorted(NAMES))}, or leave it out"
        )
    registration = definition.registration
    if registration and registration.client_secret and not SECRET_REFERENCE.fullmatch(registration.client_secret):
        expected = "registration.client_secret must be a reference, env:NAME"
        yield Fault("registration.client_secret", expected, 'put the secret into a variable and write "env:NAME"')


def _check_presence(definition: ProviderDefinition) -> Faults:
    if definition.discovery:
        return
    for name in ("issuer", "authorization_endpoint", "token_endpoint"):
        if not getattr(definition, name):
            yield Fault("", f"{name} is missing", f'add {name} = "https://..." (or set discovery = true)')
    if definition.is_openid and not definition.jwks_uri:
        yield Fault("", "jwks_uri is missing: identity.source is id_token", "add the address of its keys")
    if (definition.identity.source == "userinfo" or definition.identity.userinfo) and not definition.userinfo_endpoint:
        expected = f"userinfo_endpoint is missing: identity.source is {definition.identity.source}"
        yield Fault("identity", expected, "add the address that answers who the user is")


def _check_scopes(definition: ProviderDefinition) -> Faults:
    separator = definition.authorization.scope_separator
    if separator not in (" ", ","):
        expected = "authorization.scope_separator must be a space or a comma"
        yield Fault("authorization.scope_separator", expected, 'write " " or ","')
    names = {*definition.sign_in_scopes, *definition.scopes, *definition.scope_includes, *definition.implied_scopes}
    names |= {inner for inside in definition.scope_includes.values() for inner in inside}
    bad = sorted(name for name in names if not name or separator in name or re.search(r'[^!-~]|["\\]', name))
    if bad:
        expected = f"a scope name is empty, not printable, or contains the separator: {bad[0]!r}"
        yield Fault(f"scopes.{bad[0]}", expected, "write the scope as the provider spells it")
    if definition.is_openid and definition.identity.openid_scope and "openid" not in definition.sign_in_scopes:
        expected = "sign_in_scopes must contain openid: identity.source is id_token"
        yield Fault("sign_in_scopes", expected, 'add "openid", or set identity.openid_scope = false')
    if not definition.sign_in_scopes:
        # An absent scope means "what the user granted before" at some providers (never more than was allowed).
        expected = "sign_in_scopes is empty: a request without scope would be ambiguous"
        yield Fault("sign_in_scopes", expected, "name the least scope that lets a user be identified")


def _check_requests(definition: ProviderDefinition) -> Faults:
    if bad := sorted(NEVER_SENT & set(definition.authorization.parameters)):
        key = f"authorization.parameters.{bad[0]}"
        yield Fault(key, f"authorization.parameters may not set {', '.join(bad)}", "leave it to its own key")
    sections = {"token": definition.token, "refresh": definition.refresh, "exchange": definition.exchange}
    for name, rules in sections.items():
        if rules is not None and (bad := sorted(OURS_THERE & set(rules.parameters))):
            key = f"{name}.parameters.{bad[0]}"
            yield Fault(key, f"{name}.parameters may not set {', '.join(bad)}", "leave it to its own key")
    yield from _check_types(definition)
    yield from _check_errors(definition)
    if definition.token.method == "GET" and definition.token.body == "json":
        yield Fault("token.body", 'token.body must be "form": a GET has no body', "leave token.body out")
    identity = definition.identity
    if identity.method == "GET" and (identity.body or identity.json):
        key = "json" if identity.json else "body"
        yield Fault(f"identity.{key}", f"identity.{key}: a GET has no body", 'set identity.method = "POST"')
    if identity.body and identity.json:
        yield Fault("identity.json", "identity has a body and a json", "keep the one that the provider reads")


def _check_types(definition: ProviderDefinition) -> Faults:
    """No page is mistaken for an answer, and no form for JSON."""
    for key, types in {"token": definition.token.json_types, "identity": definition.identity.json_types}.items():
        if bad := [kind for kind in types if not _MEDIA_TYPE.fullmatch(kind) or kind in _NEVER_JSON]:
            expected = f"{key}.json_types: {bad[0]} is not a media type that may hold JSON"
            yield Fault(f"{key}.json_types", expected, 'write it in small letters, as "text/javascript"')


def _check_errors(definition: ProviderDefinition) -> Faults:
    """A code that nobody knows would be no refusal: each refresh that meets it would be in doubt."""
    named = {f"token.errors.{word}": code for word, code in definition.token.errors.items()}
    named |= {f"refresh.terminal_errors.{code}": code for code in definition.refresh.terminal_errors}
    for key, code in named.items():
        if code not in REGISTERED_ERRORS:
            yield Fault(
                key, f"{key}: {code} is not a registered code", f"write {' or '.join(sorted(REGISTERED_ERRORS))}"
            )


def _check_identity(definition: ProviderDefinition) -> Faults:
    rules = definition.identity
    if definition.is_openid:
        if not definition.authorization.nonce:
            expected = "authorization.nonce must be true: identity.source is id_token"
            yield Fault("authorization", expected, "set authorization.nonce = true")
        if not definition.id_token_signing_alg_values_supported:
            expected = "id_token_signing_alg_values_supported is missing: identity.source is id_token"
            yield Fault("identity", expected, 'add the algorithms that the provider names, as ["RS256"]')
    elif not rules.issuer:
        expected = f"identity.issuer is missing: identity.source is {rules.source}"
        yield Fault("identity", expected, "name the space of its account numbers; it may never change")
    if not rules.subject_paths or not all(rules.subject_paths):
        yield Fault("identity.subject", "identity.subject names no path", "name where the stable id stands")
    if rules.callback and {"email", "email_verified", "sub"} & set(rules.callback.claims):
        expected = "identity.callback.claims may not set sub, email or email_verified: it came through the browser"
        yield Fault("identity.callback.claims", expected, "take it from the ID token or the userinfo answer")
    if rules.issuer_claim is None and rules.issuer_pattern is None:
        return
    if not definition.is_openid or not rules.issuer or f"{{{rules.issuer_claim}}}" not in rules.issuer:
        expected = "identity.issuer must hold {issuer_claim}, and identity.source be id_token"
        yield Fault("identity.issuer_claim", expected, 'write issuer = "https://HOST/{tid}/v2.0", issuer_claim = "tid"')
    if not rules.issuer_pattern or not is_pattern(rules.issuer_pattern):
        expected = "identity.issuer_pattern must be a regular expression for the whole claim"
        yield Fault("identity.issuer_pattern", expected, 'write, for instance, "[0-9a-f-]{36}"')


def _check_life(definition: ProviderDefinition) -> Faults:
    refresh, revocation = definition.refresh, definition.revocation
    if refresh.grace != "none" and refresh.grace_seconds <= 0:
        expected = "refresh.grace_seconds is missing: refresh.grace claims a window"
        yield Fault("refresh.grace", expected, "say how many seconds it lasts")
    if refresh.kind == "swap" and "refresh_token" in (refresh.grant_type, refresh.token_parameter):
        expected = "refresh.grant_type and refresh.token_parameter are missing: refresh.kind is swap"
        yield Fault("refresh.kind", expected, "name both, as the provider's page does")
    if revocation.kind == "request" and not revocation.url:
        expected = "revocation.url is missing: revocation.kind is request"
        yield Fault("revocation", expected, "add the address of the call")
    if revocation.kind != "request" and (revocation.url or revocation.json or revocation.form):
        expected = "revocation.url, json and form are for revocation.kind = request"
        yield Fault("revocation", expected, 'set kind = "request", or remove them')
    if revocation.json and revocation.form:
        yield Fault("revocation.form", "revocation has a json and a form body", "keep the one that the provider reads")
    if revocation.method == "GET" and (revocation.json or revocation.form):
        yield Fault("revocation.method", "revocation.method is GET: it has no body", "put {token} into the url")


def _check_client(definition: ProviderDefinition) -> Faults:
    signs = definition.token_endpoint_auth_method in ("client_assertion", "signed_secret")
    if signs and definition.client_assertion is None:
        expected = f"client_assertion is missing: {definition.token_endpoint_auth_method} signs a JWT"
        yield Fault("token_endpoint_auth_method", expected, "add the section [client_assertion]")
    if definition.client_assertion is None:
        return
    if not signs:
        expected = "client_assertion is for the method client_assertion or signed_secret"
        yield Fault("client_assertion", expected, "set token_endpoint_auth_method, or remove the section")
    if not 0 < definition.client_assertion.lifetime_seconds <= 86_400:
        expected = "client_assertion.lifetime_seconds must be from 1 to 86400"
        yield Fault("client_assertion.lifetime_seconds", expected, "it is minted for each request: 60 is enough")


def is_pattern(text: str) -> bool:
    """True for a regular expression that compiles."""
    try:
        re.compile(text)
    except re.error:
        return False
    return True


CHECKS: tuple[Callable[[ProviderDefinition], Faults], ...] = (
    _check_names,
    _check_presence,
    _check_scopes,
    _check_requests,
    _check_identity,
    _check_life,
    _check_client,
)
