"""A checker of tokens with holes: every check can be left out, and then reads as products did that fell for it.

It is no copy of ours: the signature is checked by `cryptography` alone, and with nothing left out it refuses every line
of the corpus too.
"""

import hashlib
import hmac
import json
import re
import unicodedata
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.kit.jose.jose_tricks import Kind, public_pem, stranger
from tests.kit.jose.proofs import unb64

_STRICT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_LOOK_ALIKE = str.maketrans({"е": "e"})
_NEVER = {"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty", "enc"}
_TYPES = {
    "own": {"at+jwt"},
    "provider": {"jwt", "application/jwt", None},
    "assertion": {"jwt", "application/jwt", "client-authentication+jwt", "application/client-authentication+jwt", None},
}
_MISSING = object()


class _Refused(Exception):
    """By the check that its message names."""


def is_taken(token: str, kind: Kind, without: frozenset[str] = frozenset()) -> bool:
    """True where a checker that leaves these checks out believes the token."""
    try:
        _Checker(kind, without).check(token)
    except _Refused:
        return False
    return True


class _Checker:
    def __init__(self, kind: Kind, without: frozenset[str]) -> None:
        self.kind, self.without = kind, without

    def need(self, check: str, holds: bool) -> None:
        if not holds and check not in self.without:
            raise _Refused(check)

    def check(self, token: str) -> None:
        self.need("token_too_long", len(token) <= (16384 if self.kind.name == "provider" else 8192))
        segments = self._segments(token)
        header = self._object(self._decode(segments[0]))
        self.need("header_members", not _NEVER & header.keys())
        self.need("header_members", self.kind.name != "own" or header.keys() == {"alg", "kid", "typ"})
        typ = header.get("typ")
        folded = typ.lower() if isinstance(typ, str) and self.kind.name != "own" else typ
        absent = "typ" not in header
        self.need("type_wrong", absent or isinstance(typ, str))
        self.need("type_wrong", not isinstance(folded, list | dict) and folded in _TYPES[self.kind.name])
        self.need("algorithm_wrong", header.get("alg") == "ES256")
        self.need("kid_unknown", header.get("kid", self.kind.kid) == self.kind.kid)
        front = f"{segments[0]}.{segments[1]}".encode()
        self.need("signature_wrong", self._is_signed(header, front, self._decode(segments[2])))
        self._claims(self._object(self._decode(segments[1]), unique=self.kind.name != "own"))

    def _segments(self, token: str) -> list[str]:
        if _STRICT.fullmatch(token):
            return token.split(".")
        self.need("token_malformed", False)
        text = unicodedata.normalize("NFKC", token.translate(_LOOK_ALIKE)).replace("%2E", ".")
        if text.startswith("{"):
            said = json.loads(text)
            said |= said.get("signatures", [{}])[0]
            return [said["protected"], said["payload"], said["signature"]]
        text = re.sub(r"[^A-Za-z0-9._-]", "", text.translate(str.maketrans("+/", "-_")))
        return [*text.split("."), "", ""][:3]

    def _decode(self, segment: str) -> bytes:
        self.need("token_malformed", len(segment) % 4 != 1)
        try:
            decoded = unb64(segment[:-1] if len(segment) % 4 == 1 else segment)
        except ValueError:
            raise _Refused("token_malformed") from None
        last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(segment[-1]) if segment else 0
        self.need("token_respelled", not last & {2: 15, 3: 3}.get(len(segment) % 4, 0))
        return decoded

    def _object(self, data: bytes, *, unique: bool = True) -> dict[str, Any]:
        value = self._json(data, unique)
        if not isinstance(value, dict):
            self.need("token_not_an_object", False)
            value = value[0] if isinstance(value, list) else json.loads(value)
        assert isinstance(value, dict)
        return value

    def _json(self, data: bytes, unique: bool) -> Any:
        try:
            text = data.decode()
            value = json.loads(text, parse_constant=_never, object_pairs_hook=_once if unique else None)
            json.dumps(value, ensure_ascii=False).encode()
            return value
        except ValueError:
            self.need("token_not_json", False)
        text = data.decode("utf-16") if b"\0" in data else data.decode("utf-8-sig", "replace")
        text = re.sub(r"/\*.*?\*/", "", text).replace(",}", "}")
        if text.startswith("{'"):
            text = text.replace("'", '"')
        try:
            return json.JSONDecoder(strict=False).raw_decode(text)[0]
        except ValueError:
            raise _Refused("token_not_json") from None

    def _is_signed(self, header: dict[str, Any], front: bytes, signature: bytes) -> bool:
        algorithm = unicodedata.normalize("NFKC", str(header.get("alg"))).strip("\0\t ").lower()
        if algorithm == "none":
            return True
        if algorithm.startswith("hs"):
            secrets = (json.dumps(self.kind.jwk).encode(), public_pem(self.kind))
            return any(hmac.new(one, front, hashlib.sha256).digest() == signature for one in secrets)
        brought = {"jwk", "jku", "x5u", "x5c"} & header.keys()
        jwk = stranger() if brought and "header_members" in self.without else self.kind.jwk
        return len(signature) == 64 and _verifies(jwk, front, signature)

    def _claims(self, claims: dict[str, Any]) -> None:
        kind, now = self.kind, self.kind.now
        self.need("issuer_wrong", claims.get("iss") == kind.issuer)
        if kind.name == "assertion":
            self.need("issuer_wrong", claims.get("sub") == kind.subject)
            self.need("jti_missing", isinstance(claims.get("jti"), str) and claims["jti"] != "")
        elif kind.name == "own":
            named = (claims.get(name) for name in ("sub", "client_id", "jti"))
            self.need("claim_missing", all(isinstance(one, str) and one for one in named))
        else:
            subject = claims.get("sub")
            self.need("subject_malformed", isinstance(subject, str) and bool(re.fullmatch(r"[ -~]{1,255}", subject)))
            self.need("nonce_wrong", claims.get("nonce") == "n-1")
        self._audience(claims.get("aud"), claims.get("azp"))
        self._times(claims, now)

    def _audience(self, audience: Any, party: Any) -> None:
        ours = self.kind.audience
        if self.kind.name == "provider":
            told = [audience] if isinstance(audience, str) else audience
            self.need("audience_wrong", isinstance(told, list) and ours in told)
            several = isinstance(told, list) and len(told) > 1
            self.need("authorized_party_wrong", party == ours or (party is None and not several))
        else:
            self.need("audience_wrong", audience == ours or (self.kind.name == "assertion" and audience == [ours]))

    def _times(self, claims: dict[str, Any], now: int) -> None:
        late = {"own": 0, "provider": 60, "assertion": 10}[self.kind.name]
        early = {"own": 10, "provider": 60, "assertion": 60}[self.kind.name]
        end, begin = self._time(claims, "exp"), self._time(claims, "iat", optional=self.kind.name == "assertion")
        not_before = self._time(claims, "nbf", optional=True)
        self.need("token_expired", end is None or not end + late <= now)
        self.need("token_from_the_future", begin is None or begin <= now + early)
        barred = "token_from_the_future" if self.kind.name == "assertion" else "token_not_yet_valid"
        self.need(barred, not_before is None or not_before <= now + early or "token_not_yet_valid" in self.without)
        if self.kind.name == "assertion" and end is not None:
            self.need("lives_too_long", not end > now + 3610)
            self.need(
                "lives_too_long", begin is None or not end > begin + 3600 or "token_from_the_future" in self.without
            )

    def _time(self, claims: dict[str, Any], name: str, *, optional: bool = False) -> float | None:
        """The number, or None for one that says nothing, where that is let pass."""
        value = claims.get(name, _MISSING)
        if value is _MISSING and optional:
            return None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        self.need("time_malformed", number and not abs(value) >= 2**53)  # type: ignore[arg-type]
        return float(value) if number and not abs(value) >= 2**53 else None  # type: ignore[arg-type]


def _never(constant: str) -> Any:
    raise ValueError(constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _verifies(jwk: dict[str, str], front: bytes, signature: bytes) -> bool:
    x, y = (int.from_bytes(unb64(jwk[name]), "big") for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), front, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
