"""The `claims` parameter (OpenID Connect Core section 5.5): which claims an app wants, and where.

What we do not know is ignored, as the specification says. A claim needs the scope that opens it (section 5.4), so that
the page names what is given: asking for the claim asks for that scope, where the client may have it.
"""

import json
import re
from typing import Any

from msgspec import Struct

from chalicelib.protocol.errors import InvalidRequest, UnmetAuthenticationRequirements
from chalicelib.protocol.surrogates import check_letters
from chalicelib.protocol.token_claims import PROFILE_CLAIMS

# A context is one word, as in `acr_values`.
CONTEXT = re.compile(r"[\x21-\x7e]{1,100}")
SCOPE_OF = {**dict.fromkeys(PROFILE_CLAIMS, "profile"), "email": "email", "email_verified": "email"}


class RequestedClaims(Struct, frozen=True, kw_only=True):
    """What of it counts here.

    scopes     that open what was asked
    id_token   names of the profile's claims for the ID token
    subjects   the only users who may sign in; empty: all
    acr        contexts of which one has to be reached, in the order of preference; empty: any will do
    wished_acr the same, but voluntary
    """

    scopes: frozenset[str] = frozenset()
    id_token: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    acr: tuple[str, ...] = ()
    wished_acr: tuple[str, ...] = ()


def parse_claims(value: str | None) -> RequestedClaims:
    """Read the parameter.

    Raises InvalidRequest: no JSON of that shape. Raises UnmetAuthenticationRequirements: it demands what cannot be.
    """
    if value is None:
        return RequestedClaims()
    document = _read(value)
    asked = {part: _read_part(document, part) for part in ("userinfo", "id_token")}
    contexts = [want for claims in asked.values() if (want := claims.get("acr"))]
    names = asked["userinfo"].keys() | asked["id_token"].keys()
    return RequestedClaims(
        scopes=frozenset(SCOPE_OF[name] for name in names & SCOPE_OF.keys()),
        id_token=frozenset(asked["id_token"].keys() & SCOPE_OF.keys()),
        subjects=_read_subjects(*(claims.get("sub") for claims in asked.values())),
        acr=_read_essential(contexts),
        wished_acr=tuple(text for want in contexts if not want.get("essential") for text in _contexts(want)),
    )


def _read(value: str) -> dict[str, Any]:
    try:
        document = json.loads(value, object_pairs_hook=_unique)
        check_letters(document)
    except (ValueError, RecursionError):
        raise InvalidRequest("claims_malformed") from None
    if not isinstance(document, dict):
        raise InvalidRequest("claims_malformed")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _read_part(document: dict[str, Any], part: str) -> dict[str, dict[str, Any] | None]:
    """Each claim is null or an object of essential, value and values."""
    claims = document.get(part)
    if claims is None:
        return {}
    if not isinstance(claims, dict) or not all(want is None or _is_want(want) for want in claims.values()):
        raise InvalidRequest("claims_malformed")
    return claims


def _is_want(want: object) -> bool:
    if not isinstance(want, dict):
        return False
    return isinstance(want.get("essential", False), bool) and isinstance(want.get("values", []), list)


def _read_subjects(*wants: dict[str, Any] | None) -> frozenset[str]:
    """The allowed users, from every part that names one. A value that matches no user never means all users."""
    named = [_values(want) for want in wants if want and want.keys() & {"value", "values"}]
    texts = (text for want in wants if want for text in (*want.get("values", []), want.get("value", "-")))
    if not all(isinstance(text, str) and text for text in texts):
        raise InvalidRequest("claims_malformed")
    subjects = frozenset.intersection(*named) if named else frozenset()
    if named and not subjects:
        raise InvalidRequest("claims_malformed")
    return subjects


def _read_essential(wants: list[dict[str, Any]]) -> tuple[str, ...]:
    """The contexts that fit every part which demands one. Raises UnmetAuthenticationRequirements: none can."""
    named = [_contexts(want) for want in wants if want.get("essential") and want.keys() & {"value", "values"}]
    fitting = tuple(text for text in named[0] if all(text in others for others in named)) if named else ()
    if named and not fitting:
        raise UnmetAuthenticationRequirements("acr_that_nobody_reaches")
    return fitting


def _contexts(want: dict[str, Any]) -> list[str]:
    """The contexts that the broker knows, in their order."""
    wanted = [*want.get("values", []), want.get("value")]
    return [text for text in wanted if isinstance(text, str) and CONTEXT.fullmatch(text)]


def _values(want: dict[str, Any] | None) -> frozenset[str]:
    """The texts, one of which is wanted; empty: none in particular."""
    wanted = [*(want or {}).get("values", []), (want or {}).get("value")]
    return frozenset(text for text in wanted if isinstance(text, str))
