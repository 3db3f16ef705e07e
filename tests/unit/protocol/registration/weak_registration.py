"""A reader of registration documents that leaves rules out, readers of JSON that are too kind, and a server that
believes what it is told: they prove the corpus.

Each rule looks at its own members alone; a line of the corpus names those that are about its trick, and all others have
to be content with the document.
"""

import ast
import json
import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from tests.unit.protocol.registration.weak_redirect_uri import weak_register

SCOPES = {"openid", "profile", "email", "offline_access"}
METHODS = {"none", "client_secret_basic", "client_secret_post", "private_key_jwt"}
ADDRESSES = (
    *("client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "initiate_login_uri", "backchannel_logout_uri"),
)
LISTS = ("redirect_uris", "grant_types", "response_types")
TEXTS = ("client_name", "scope", "optional_scopes", "token_endpoint_auth_method", "application_type", *ADDRESSES)
NONE_KEPT = (
    "userinfo_signed_response_alg id_token_encrypted_response_alg userinfo_encrypted_response_alg "
    "request_object_signing_alg sector_identifier_uri frontchannel_logout_uri may_be_acted_by"
)
# member -> the values that a server of ours keeps; every other one would be broken
KEPT: dict[str, tuple[Any, ...]] = {
    "id_token_signed_response_alg": ("ES256",),
    "subject_type": ("public", "pairwise"),
    "dpop_bound_access_tokens": (False, True),
    "tls_client_certificate_bound_access_tokens": (False,),
    "require_signed_request_object": (False,),
    "require_pushed_authorization_requests": (False, True),
    **dict.fromkeys(NONE_KEPT.split(), ()),
}


def _texts(document: dict[str, Any], name: str) -> list[str]:
    value = document.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _is_private(uri: str) -> bool:
    host = (urlsplit(uri).hostname or "") if "://" in uri else ""
    inside = ("local", "localhost", "localdomain", "internal", "intranet", "private", "lan", "corp", "home", "arpa")
    return bool(host) and (
        host.startswith("[")
        or ":" in host
        or "." not in host
        or host.rpartition(".")[2] in inside
        or bool(re.fullmatch("[0-9.]+", host))
    )


def _is_number(uri: str) -> bool:
    return bool(re.match(r"https?://(?:\[[^\]/]*\]|[0-9.]+)(?:[:/]|$)", uri))


def _kind(document: dict[str, Any]) -> str:
    told = document.get("application_type")
    plain = all(uri.startswith("https:") for uri in _texts(document, "redirect_uris"))
    return str(told) if told in ("web", "native") else "web" if plain else "native"


def _is_address(uri: str) -> bool:
    try:
        return uri.startswith("https://") and weak_register(uri, "web", set())
    except ValueError:
        return False


def _unfit(text: str) -> bool:
    blank = "\u115f\u1160\u2800\u3164\uffa0"
    return any(unicodedata.category(one) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") or one in blank for one in text)


Rule = Callable[[dict[str, Any]], bool]
RULES: dict[str, Rule] = {
    "lists": lambda d: any(
        d.get(name) is not None and not (isinstance(d[name], list) and all(isinstance(one, str) for one in d[name]))
        for name in LISTS
    ),
    "texts": lambda d: any(d.get(name) is not None and not isinstance(d[name], str) for name in TEXTS),
    "repeated values": lambda d: any(len(set(_texts(d, name))) < len(_texts(d, name)) for name in LISTS),
    "a redirect URI": lambda d: not d.get("redirect_uris"),
    "redirect URIs, how many": lambda d: len(_texts(d, "redirect_uris")) > 10,
    "redirect URIs, form": lambda d: (
        not all(weak_register(uri, _kind(d), {"address"}) for uri in _texts(d, "redirect_uris"))
    ),
    "redirect URIs, addresses": lambda d: any(
        _is_number(uri) for uri in _texts(d, "redirect_uris") if not re.match(r"http://(?:127[.]|\[::1\])", uri)
    ),
    "redirect URIs, private hosts": lambda d: any(
        uri.startswith("https://") and not _is_number(uri) and _is_private(uri) for uri in _texts(d, "redirect_uris")
    ),
    "redirect URIs, length": lambda d: any(len(uri) > 2000 for uri in _texts(d, "redirect_uris")),
    "name, characters": lambda d: _unfit(_text(d, "client_name").strip()),
    "name, length": lambda d: len(_text(d, "client_name").strip()) > 80,
    "scope, words": lambda d: any(
        not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", word)
        for name in ("scope", "optional_scopes")
        for word in (_text(d, name).split(" ") if _text(d, name) else [])
    ),
    "scope, how many": lambda d: len(_text(d, "scope").split(" ")) > 50,
    "scope, allowed": lambda d: bool(_text(d, "scope")) and not re.search("open|mail|profile", _text(d, "scope")),
    "scope, small letters": lambda d: _text(d, "scope") != _text(d, "scope").lower(),
    "optional scopes": lambda d: (
        "optional_scopes" in d and not set(_text(d, "optional_scopes").split()) <= set(_text(d, "scope").split())
    ),
    "grant types, the code": lambda d: (
        d.get("grant_types") is not None and "authorization_code" not in d["grant_types"]
    ),
    "method": lambda d: _text(d, "token_endpoint_auth_method") not in METHODS | {""},
    "kind of app": lambda d: _text(d, "application_type") not in ("web", "native", ""),
    "promises": lambda d: any(
        d.get(name) is not None and not any(type(d[name]) is type(one) and d[name] == one for one in kept)
        for name, kept in KEPT.items()
    ),
    "two places for keys": lambda d: d.get("jwks") is not None and d.get("jwks_uri") is not None,
    "keys of its method": lambda d: (
        d.get("token_endpoint_auth_method") == "private_key_jwt" and not (d.get("jwks") or d.get("jwks_uri"))
    ),
    "private keys": lambda d: '"d"' in json.dumps(d.get("jwks")),
    "signing algorithm": lambda d: (
        d.get("token_endpoint_auth_signing_alg") is not None
        and d.get("token_endpoint_auth_method") != "private_key_jwt"
    ),
    "addresses, https": lambda d: any(
        _text(d, name) and not _text(d, name).startswith("https://") for name in ADDRESSES
    ),
    "addresses, form": lambda d: any(
        _text(d, name).startswith("https://") and not _is_private(_text(d, name)) and not _is_address(_text(d, name))
        for name in ADDRESSES
    ),
    "addresses, private hosts": lambda d: any(_is_private(_text(d, name)) for name in ADDRESSES),
    "software statements": lambda d: d.get("software_statement") is not None,
}


def weak_read(document: dict[str, Any], left_out: Collection[str]) -> bool:
    """True where every rule but these is content."""
    return not any(broken(document) for name, broken in RULES.items() if name not in left_out)


def believing_server(document: dict[str, Any]) -> dict[str, Any]:
    """A server that keeps whatever it is sent."""
    return {"first_party": False, "handout": "none", **document}


def _without_comments(text: str) -> str:
    return re.sub(r",\s*([}\]])", r"\1", re.sub(r"/\*.*?\*/|//[^\n\"]*$", "", text, flags=re.DOTALL))


READERS: dict[str, Callable[[bytes], Any]] = {
    "the last key counts": lambda body: json.loads(body.decode()),
    "the first document counts": lambda body: json.JSONDecoder().raw_decode(body.decode())[0],
    "comments and commas": lambda body: json.loads(_without_comments(body.decode())),
    "Python": lambda body: ast.literal_eval(body.decode()),
    "any encoding": lambda body: json.loads(body),
    "broken characters replaced": lambda body: json.loads(body.decode("utf-8", "replace")),
    "latin-1": lambda body: json.loads(body.decode("latin-1")),
    "loose texts": lambda body: json.JSONDecoder(strict=False).decode(body.decode()),
    "what is missing is closed": lambda body: json.loads(body.decode() + "}"),
    "any length of number": lambda body: json.loads(re.sub(rb"[0-9]{30,}", b"0", body)),
    "a form": lambda body: {name: [value] for name, _, value in [body.decode().partition("=")]},
}
