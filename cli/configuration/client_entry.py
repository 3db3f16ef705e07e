"""A client as options of `client create`: what is stored, what a file declares, and the updates between them."""

import argparse
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from chalicelib.protocol.registration_uris import sector_of
from chalicelib.records.client import Client
from chalicelib.records.settings import Settings
from cli.client_options.client_keys import METHOD, read_public_keys
from cli.client_options.proxy_rules import show_rule
from cli.commands.client import EXCHANGE, derive_grant_types

Values = dict[str, Any]
MODES = ["form_post", "query"]
# An update cannot change these: users or running sign-ins rely on them.
FIXED = frozenset({"native", "first_party", "subject_type", "sector"})
_IN_WORDS = frozenset({"sector_identifier_uri", "for_itself", "acts", "device"})  # other values say the same
CLIENT_ID = re.compile(r"[0-9a-f]{32}")


def derive_client_id(issuer: str, name: str) -> str:
    """The id of a client whose table names none: the same at each try, so that a repeated `apply` finds it."""
    return hashlib.sha256(f"token-broker client\n{issuer}\n{name}".encode()).hexdigest()[:32]


def describe_client(client: Client) -> Values:
    """The stored values, in one form for equal clients."""
    bff = client.bff_api
    return {
        "name": client.client_name,
        "redirect_uri": sorted(client.redirect_uris),
        "auth_method": client.token_endpoint_auth_method,
        "jwks": [dict(sorted(key.items())) for key in client.jwks] or None,
        "jwks_uri": client.jwks_uri,
        "auth_signing_alg": client.token_endpoint_auth_signing_alg,
        "native": client.application_type == "native",
        "scope": " ".join(sorted(client.scopes)),
        "optional_scope": " ".join(sorted(client.optional_scopes)),
        "provider": [] if client.providers == {"*"} else sorted(client.providers),
        "handout": client.handout,
        "proxy_allow": sorted(map(show_rule, client.proxy_rules)),
        "resource": sorted(client.resources - {bff.resource if bff else ""}),
        "serves": sorted(client.serves),
        "dpop_bound": client.dpop_bound_access_tokens,
        "grant_type": sorted(client.grant_types),
        "first_party": client.first_party,
        "response_mode": [] if sorted(client.response_modes) == MODES else sorted(client.response_modes),
        "require_pushed_requests": client.require_pushed_authorization_requests,
        "client_uri": client.client_uri or "",
        "login_uri": client.initiate_login_uri or "",
        "post_logout_redirect_uri": sorted(client.post_logout_redirect_uris),
        "backchannel_logout_uri": client.backchannel_logout_uri or "",
        "backchannel_logout_session_required": client.backchannel_logout_session_required,
        "bff_origin": sorted(client.bff_origins),
        "bff_api": bff.url if bff else "",
        "bff_api_resource": bff.resource.rstrip("/") if bff else "",
        "purpose": client.purpose,
        "subject_type": client.subject_type,
        "sector": client.sector,
        "may_be_acted_by": sorted(client.may_be_acted_by),
    }


def complete(options: Mapping[str, Any], defaults: Mapping[str, Any], settings: Settings) -> Values:
    """What a file declares, in the form of `describe_client`. Raises OperationError: keys cannot be read.

    options    of the file, with ids in `may_be_acted_by`
    defaults   of `client create`
    """
    typed = {**defaults, **options}
    derived = derive_grant_types(argparse.Namespace(**typed))
    jwks = read_public_keys(typed["jwks"], typed["auth_signing_alg"]) if typed["jwks"] else ()
    api = (typed["bff_api"] or "").rstrip("/")
    audience = (typed["bff_api_resource"] or typed["bff_api"] or "").rstrip("/")
    modes = sorted(typed["response_mode"] or [])
    return {
        **{name: typed[name] for name in ("name", "auth_method", "jwks_uri", "auth_signing_alg", "native", "scope")},
        **{name: typed[name] for name in ("optional_scope", "handout", "first_party", "subject_type")},
        **{name: sorted(typed[name] or []) for name in ("redirect_uri", "serves", "post_logout_redirect_uri")},
        **{name: sorted(typed[name] or []) for name in ("provider", "may_be_acted_by")},
        **{name: typed[name] or "" for name in ("client_uri", "login_uri", "backchannel_logout_uri")},
        **{name: typed[name] or settings.is_fapi2 for name in ("dpop_bound", "require_pushed_requests")},
        "scope": " ".join(sorted(set(typed["scope"].split()))),
        "provider": [] if typed["provider"] == ["*"] else sorted(typed["provider"]),
        "jwks": [dict(sorted(key.items())) for key in jwks] or None,
        "proxy_allow": sorted(map(_canonical_rule, typed["proxy_allow"] or [])),
        "resource": sorted(one for one in typed["resource"] if not audience or one.rstrip("/") != audience),
        "grant_type": sorted(options.get("grant_type") or derived),
        "response_mode": [] if modes == MODES else modes,
        "backchannel_logout_session_required": typed["backchannel_logout_session_required"] == "yes",
        "bff_origin": sorted(one for one in typed["bff_origin"] or [] if one),
        "bff_api": api,
        "bff_api_resource": audience,
        "purpose": " ".join((typed["purpose"] or "").split()),
        "sector": _sector(typed),
    }


def find_changes(before: Values, after: Values) -> dict[str, tuple[Any, Any]]:
    """Name -> the value before and after."""
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def update_values(changes: Mapping[str, tuple[Any, Any]], after: Values) -> list[Values]:
    """The options of `client update`, command by command: keys are changed alone."""
    names, keys = set(changes) - FIXED, {"auth_method", "jwks", "jwks_uri", "auth_signing_alg"}
    rest: Values = {}
    for name in sorted(names - keys):
        rest |= _update_value(name, *changes[name], after)
    found = [rest] if rest else []
    if names & keys and after["auth_method"] == METHOD:
        found.append({name: after[name] for name in keys})
    return found


def export_options(client: Client, defaults: Mapping[str, Any]) -> Values:
    """What a file must declare so that this client is what it declares."""
    stored = describe_client(client)
    found: Values = {"client_id": client.client_id}
    for name, value in stored.items():
        if name not in ("sector", "grant_type", "bff_api_resource") and value != _normal(name, defaults.get(name)):
            found[name] = value
    if stored["bff_api_resource"] != stored["bff_api"]:
        found["bff_api_resource"] = client.bff_api.resource if client.bff_api else ""
    found |= {"for_itself": True} if "client_credentials" in client.grant_types else {}
    found |= {"device": True} if any(name.endswith("device_code") for name in client.grant_types) else {}
    if sorted(derive_grant_types(argparse.Namespace(**{**defaults, **found}))) != stored["grant_type"]:
        found["grant_type"] = stored["grant_type"]
    if client.subject_type == "pairwise" and client.sector != _sector({**defaults, **found}):
        found["sector_identifier_uri"] = f"https://{client.sector}/"
    return {name: value for name, value in found.items() if name == "client_id" or value not in (None, "", [])}


def _normal(name: str, default: Any) -> Any:
    if name in ("scope", "optional_scope"):
        return " ".join(sorted(set((default or "").split())))
    if name == "backchannel_logout_session_required":
        return default == "yes"
    return default


def _update_value(name: str, before: Any, after: Any, whole: Values) -> Values:
    """One changed value as options of `client update`."""
    match name:
        case "redirect_uri":
            added, removed = _apart(before, after)
            return {"add_redirect_uri": added, "remove_redirect_uri": removed}
        case "scope":
            added, removed = _apart(before.split(), after.split())
            return {"add_scope": " ".join(added), "remove_scope": " ".join(removed)}
        case "grant_type":
            follows = {EXCHANGE} if whole["handout"] != "none" else set[str]()  # a token hand-out brings it
            added = [one for one in _apart(before, after)[0] if one not in follows]
            return {"add_grant_type": added} if added else {}
        case "may_be_acted_by":
            added, removed = _apart(before, after)
            return {"may_be_acted_by": added, "not_acted_by": removed}
        case "provider":
            return {"provider": after or ["*"]}
        case "proxy_allow":
            return {"proxy_allow": after, "proxy_allow_all": not after}
        case "require_pushed_requests" | "dpop_bound" | "backchannel_logout_session_required":
            return {name: "yes" if after else "no"}
        case "bff_api" | "bff_api_resource":
            return {"bff_api": whole["bff_api"], "bff_api_resource": whole["bff_api_resource"] or None}
        case "resource" | "serves" | "bff_origin":
            return {name: after or [""]}
        case "response_mode":
            return {name: after or MODES}
    return {name: after}


def _apart(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    return [one for one in after if one not in before], [one for one in before if one not in after]


def _sector(typed: Mapping[str, Any]) -> str:
    if typed["subject_type"] != "pairwise":
        return ""
    if typed.get("sector_identifier_uri"):
        return urlsplit(typed["sector_identifier_uri"]).netloc
    return sector_of(tuple(typed["redirect_uri"])) or ""


def _canonical_rule(text: str) -> str:
    """As `show_rule` writes it; a text that is no rule stays as it is, and `client create` refuses it."""
    provider_id, methods, place, *scope = (*text.split(), "", "", "")[: max(3, len(text.split()))]
    if not place:
        return text
    listed = "*" if methods == "*" else ",".join(sorted(set(methods.split(","))))
    return " ".join([provider_id, listed, place if "/" in place else f"{place}/", *scope]).rstrip()
