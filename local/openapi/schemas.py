"""Schemas of bodies, from the structs and constants of the code where it has them."""

import types
import typing
from typing import Any, Literal, get_args, get_origin

from msgspec.structs import fields

from chalicelib.endpoints.token.token import GRANT_TYPES
from chalicelib.pages.language import LANGUAGES
from chalicelib.protocol import errors
from chalicelib.protocol.metadata import authorization_server_metadata, protected_resource_metadata
from chalicelib.protocol.registration import ONLY_VALUES, URI_MEMBERS, RegistrationRequest
from chalicelib.protocol.registration_keys import RegisteredKeys
from chalicelib.records.settings import Settings
from chalicelib.vault.rules.refusal_advice import Retry
from local.openapi.parameters import PARAMETERS, Schema

ISSUER = "https://broker.example"
# Which the policy or the redirect URIs decide, not the document; and those whose name in a document is another one.
OF_POLICY = ("handout", "providers", "resources", "sector")
RENAMED = {"scopes": "scope", "optional_scopes": "optional_scopes"}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
CASES: tuple[tuple[Literal["closed", "token"], Literal["oauth", "fapi2"], str], ...] = (
    ("closed", "oauth", "a"),
    ("token", "oauth", "b"),
    ("closed", "fapi2", "c"),
)
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "array", "items": TEXT}


def record(required: str, optional: str = "", /, **properties: Schema) -> Schema:
    """An object whose members are text unless `properties` says otherwise."""
    names = [*required.split(), *optional.split()]
    members = {name: properties.get(name, TEXT) for name in [*names, *(n for n in properties if n not in names)]}
    return {"type": "object", "required": required.split(), "properties": members}


def form(required: str, optional: str, **fixed: Schema) -> Schema:
    """Parameters by name, of words.py."""
    names = [*required.split(), *optional.split()]
    return {
        "type": "object",
        "required": required.split(),
        "properties": {name: PARAMETERS[name] for name in names} | fixed,
    }


PROVEN = "client_id client_secret client_assertion client_assertion_type"
ASKED = "response_type client_id code_challenge code_challenge_method"
ASKED_TOO = (
    "redirect_uri scope state nonce response_mode prompt max_age login_hint provider dpop_jkt resource id_token_hint "
    "claims ui_locales acr_values"
)
GRANTS = {
    "authorization_code": ("code", "redirect_uri code_verifier resource"),
    "refresh_token": ("refresh_token", "scope resource"),
    "client_credentials": ("", "scope resource"),
    "urn:ietf:params:oauth:grant-type:token-exchange": (
        "subject_token subject_token_type",
        "audience resource requested_token_type scope actor_token actor_token_type",
    ),
    "urn:ietf:params:oauth:grant-type:device_code": ("device_code", "resource"),
}


def token_request() -> Schema:
    """One form for each grant type that the token endpoint knows."""
    return {
        "type": "object",
        "oneOf": [
            form(f"grant_type {GRANTS[name][0]}", f"{GRANTS[name][1]} {PROVEN}", grant_type={"const": name})
            for name in GRANT_TYPES
        ],
    }


def of_type(kind: Any) -> Schema:
    """A field of a struct, as JSON has it."""
    origin = get_origin(kind)
    if origin is Literal:
        return {"type": "string", "enum": list(get_args(kind))}
    if origin in (typing.Union, types.UnionType):
        return of_type(next(one for one in get_args(kind) if one is not type(None)))
    if origin in (tuple, frozenset, list):
        return {"type": "array", "items": of_type(get_args(kind)[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": True}
    return {bool: FLAG, int: NUMBER, str: TEXT}[kind]


def or_null(schema: Schema) -> Schema:
    """What reads null as absent."""
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def client_members() -> dict[str, Schema]:
    """Members of a registration document that decide something, by name."""
    members = {
        one.name: TEXT if one.name in RENAMED else of_type(one.type)
        for one in fields(RegistrationRequest)
        if one.name not in (*OF_POLICY, "keys")
    }
    members["scope"] = members.pop("scopes")
    keys = {one.name: of_type(one.type) for one in fields(RegisteredKeys) if one.name == "jwks_uri"}
    uris = {name: {"type": "string", "format": "uri"} for name in URI_MEMBERS}
    jwks = {"type": "object", "required": ["keys"], "properties": {"keys": of_type(list[dict[str, str]])}}
    return {**members, **keys, **uris, "jwks": jwks, "token_endpoint_auth_signing_alg": TEXT, "response_types": TEXTS}


def registration(required: str = "") -> Schema:
    """RFC 7591 section 2. Members that we would not honour are refused, so only null is left of them."""
    kept: dict[str, Schema] = {name: {"enum": [*values, None]} for name, values in ONLY_VALUES.items()}
    members = {name: or_null(schema) for name, schema in client_members().items()}
    more = {"client_id": TEXT, "client_secret": TEXT} if required else {}
    example = {"redirect_uris": ["https://app.example/callback"], "token_endpoint_auth_method": "none"}
    schema: Schema = {"type": "object", "properties": {**members, **kept, **more}, "additionalProperties": True}
    return {**schema, "required": required.split()} if required else {**schema, "examples": [example]}


def registered() -> Schema:
    """RFC 7591 section 3.2.1, RFC 7592 section 3."""
    members = client_members()
    del members["logo_uri"]
    return record(
        "client_id client_id_issued_at client_name redirect_uris token_endpoint_auth_method grant_types response_types "
        "application_type scope registration_client_uri registration_access_token issuer",
        "client_secret id_token_signed_response_alg",
        **{**members, "client_id_issued_at": NUMBER, "client_secret_expires_at": {"const": 0}},
    )


def metadata() -> Schema:
    """RFC 8414, from the document itself: what does not depend on the settings is listed by value, and what every
    setting gives is always there."""
    one, other, strict = (
        authorization_server_metadata(
            Settings(
                issuer=ISSUER,
                table="t",
                keys_table="k",
                registration=door,
                profile=profile,
                documentation=None if door == "closed" else "https://docs.example/",
            ),
            provider_ids=frozenset({name}),
            scopes=frozenset({name}),
            languages=LANGUAGES,
        )
        for door, profile, name in CASES
    )
    always = [name for name in one if name in strict]
    return record(" ".join(always), **{name: of_value(value, one.get(name)) for name, value in other.items()})


def of_value(value: Any, again: Any) -> Schema:
    """The schema of a member of a document that was made twice, under different settings."""
    if isinstance(value, bool):
        return FLAG
    if isinstance(value, list):
        return {"type": "array", "items": {"type": "string", **({"enum": value} if value == again else {})}}
    return {"type": "string", "format": "uri"}


def resource_metadata() -> Schema:
    """RFC 9728."""
    settings = Settings(issuer=ISSUER, table="t", keys_table="k")
    document = protected_resource_metadata(settings, own_scopes=frozenset())
    return record(" ".join(document), **{name: of_value(value, None) for name, value in document.items()})


def account_data() -> Schema:
    """What a user can download: times in epoch seconds, null where there is none."""
    entry = {"type": "object", "additionalProperties": True}
    rows = {"type": "array", "items": entry}
    return record(
        "made_at user apps sign_ins connections uses uses_are_whole",
        made_at=NUMBER,
        user=entry,
        uses_are_whole=FLAG,
        **dict.fromkeys(("apps", "sign_ins", "connections", "uses"), rows),
    )


def error() -> Schema:
    """RFC 6749 section 5.2, with a name to ask the operator by."""
    codes = sorted({kind.code for kind in error_classes()})
    return record(
        "error error_description error_id",
        "reason",
        error={"type": "string", "enum": codes},
        error_description={"type": "string", "description": "What to do next, for developers."},
        error_id={"type": "string", "description": "By which the operator finds the request in the log."},
        retry={"type": "string", "enum": list(get_args(Retry))},
        missing_scopes=TEXTS,
        connect_uri={"type": "string", "format": "uri"},
        login_uri={"type": "string", "format": "uri"},
        target={"type": "string", "enum": ["same_host", "listed_host", "other_host"]},
    )


def error_classes() -> list[type[errors.OAuthError]]:
    """Every refusal that the code has."""
    found, left = list[type[errors.OAuthError]](), [errors.OAuthError]
    while left:
        kind = left.pop()
        found.append(kind)
        left += kind.__subclasses__()
    return found
