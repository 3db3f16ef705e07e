"""Facts computed from an exchange: PKCE, and JWTs verified with the key set of their issuer."""

import base64
import hashlib
import json
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

import jwt

from local.live.exchange import Exchange
from local.live.masks import JWT, mask, mask_value
from local.live.taps import OWN
from local.live.words import find_parameter

Document = dict[str, Any]


def show_pkce(exchange: Exchange, others: Iterable[Exchange]) -> Document | None:
    """RFC 7636 section 4: the challenge of a request, or the verifier that answers one.

    A verifier of a redeemed code is useless and shown in full; any other is masked.
    """
    verifier, challenge = exchange.sent.get("code_verifier"), exchange.sent.get("code_challenge")
    if verifier:
        digest = hashlib.sha256(verifier.encode()).digest()
        computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        asked = [one.number for one in others if one.sent.get("code_challenge") == computed]
        spent = exchange.status == 200
        return {
            "verifier": verifier if spent else mask(verifier),
            "spent": spent,
            "digest": digest.hex(),
            "challenge": computed,
            "asked_in": asked[0] if asked else None,
        }
    return {"challenge": challenge} if challenge else None


def show_tokens(exchange: Exchange, key_sets: Mapping[str, str]) -> list[Document]:
    """Every JWT that was sent or answered, taken apart and checked.

    key_sets   issuer -> address of its keys
    """
    told = {**exchange.request.document, **exchange.sent, **exchange.answer.document}
    told["authorization"] = exchange.request.header("authorization").partition(" ")[2]
    found = {value: name for name, value in told.items() if isinstance(value, str) and JWT.fullmatch(value)}
    return [{"name": name, **_take_apart(token, exchange, key_sets)} for token, name in found.items()]


def _take_apart(token: str, exchange: Exchange, key_sets: Mapping[str, str]) -> Document:
    header, claims = (_read(part) for part in token.split(".")[:2])
    key_set = key_sets.get(str(claims.get("iss")))
    fault = "nobody here signs for that issuer" if key_set is None else _check(token, header, key_set)
    return {
        "header": [_explain(key, value, exchange) for key, value in header.items()],
        "claims": [_explain(key, value, exchange) for key, value in claims.items()],
        "signature": mask(token.rpartition(".")[2]),
        "holds": not fault,
        "fault": fault,
        "keys": key_set,
        "kid": header.get("kid"),
    }


def _explain(name: str, value: Any, exchange: Exchange) -> Document:
    word = find_parameter(name, exchange)
    return {"name": name, "value": mask_value(name, value), "says": word.says if word else ""}


def _check(token: str, header: Document, key_set: str) -> str:
    """The signature by the published key; what is wrong, or empty. Times are looked at by whoever uses the token."""
    keys = {one.get("kid"): one for one in _fetch(key_set).get("keys", ())}
    key = keys.get(header.get("kid"))
    if key is None:
        return "its key is not published"
    try:
        jwt.decode(
            token, jwt.PyJWK(key), algorithms=["ES256", "RS256"], options={"verify_exp": False, "verify_aud": False}
        )
    except jwt.InvalidTokenError as error:
        return str(error)
    return ""


def _fetch(url: str) -> Document:
    request = urllib.request.Request(url, headers={"User-Agent": OWN})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
        document: Document = json.load(answer)
    return document


def _read(part: str) -> Document:
    try:
        document = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
