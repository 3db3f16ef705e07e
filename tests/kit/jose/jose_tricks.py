"""Tokens as the lines of tests/data/jose.toml want them: a good one of some kind, changed in one way."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.protocol import jws, own_jwt
from tests.data import Line, read_corpus
from tests.kit.jose.proofs import b64, unb64

CORPUS = read_corpus("jose.toml")
SECTIONS = {
    "all": ("own", "provider", "assertion"),
    "tokens": ("own", "provider"),
    "others": ("provider", "assertion"),
    "own": ("own",),
    "provider": ("provider",),
    "assertion": ("assertion",),
}
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_AS_ASSERTION = {
    "issuer_wrong": "assertion_issuer_is_not_subject",
    "token_not_yet_valid": "assertion_token_from_the_future",
}
_STRANGER_DER = own_jwt.new_signing_key()


@dataclass(frozen=True)
class Kind:
    """A reader of tokens, and what a good token for it says.

    name      own, provider or assertion
    more      claims beside iss, sub, aud, iat and exp
    der       the P-256 key whose signatures it believes, under `kid`
    """

    name: str
    issuer: str
    subject: str
    audience: str
    typ: str
    more: tuple[tuple[str, Any], ...]
    now: int
    der: bytes
    kid: str

    @cached_property
    def jwk(self) -> dict[str, str]:
        """Its public key."""
        return {**own_jwt.public_jwk(self.der), "kid": self.kid}

    @property
    def header(self) -> dict[str, Any]:
        """The good one."""
        return {"alg": "ES256", "kid": self.kid, "typ": self.typ}

    def claims(self) -> dict[str, Any]:
        """The good ones."""
        times = {"iat": self.now, "exp": self.now + 60}
        return {"iss": self.issuer, "sub": self.subject, "aud": self.audience, **times, **dict(self.more)}


def lines_of(name: str) -> list[Line]:
    """The tricks that a reader must refuse."""
    return [line for line in CORPUS if name in SECTIONS[line.section]]


def reason_for(line: Line, kind: Kind) -> str:
    """The private reason for which this reader must refuse it."""
    reason = str(line.trick.get(kind.name, line.trick["reason"]))
    if kind.name == "assertion" and "assertion" not in line.trick:
        return _AS_ASSERTION.get(reason, f"assertion_{reason}")
    return reason


def weak_without(line: Line) -> frozenset[str]:
    """The checks that a checker has to have left out to fall for it."""
    return frozenset(line.trick.get("weak", [line.trick["reason"]]))


def texts(line: Line, kind: Kind) -> tuple[str, str]:
    """Header and claims of a line, as text."""
    trick, header, claims = line.trick, kind.header, kind.claims()
    names = _names(kind)
    header |= _filled(trick.get("header", {}), names)
    claims |= _filled(trick.get("claims", {}), names)
    claims |= {name: kind.now + seconds for name, seconds in trick.get("at", {}).items()}
    header = {name: value for name, value in header.items() if name not in trick.get("without", ())}
    claims = {name: value for name, value in claims.items() if name not in trick.get("without_claims", ())}
    return (
        _fill(trick.get("header_json", ""), names) or json.dumps(header),
        _fill(trick.get("claims_json", ""), names) or json.dumps(claims),
    )


def make(line: Line, kind: Kind) -> str:
    """The token of a line."""
    header, claims = texts(line, kind)
    token = compact(kind, header, claims, line.trick.get("signed_by", "right"), line.trick.get("encoding", "utf-8"))
    return REWRITES[line.trick["rewrite"]](token, kind) if "rewrite" in line.trick else token


def compact(kind: Kind, header: str, claims: str, signed_by: str = "right", encoding: str = "utf-8") -> str:
    """Signed as said, whatever is signed."""
    head = header.encode(encoding).replace(b"\\xff", b"\xff")
    front = f"{b64(head)}.{b64(claims.encode())}"
    return f"{front}.{b64(_SIGNERS[signed_by](kind, front.encode()))}"


def good(kind: Kind, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A good token but for what is said."""
    return compact(kind, json.dumps(kind.header | (header or {})), json.dumps(kind.claims() | claims))


def sign_with(der: bytes, data: bytes) -> bytes:
    """ES256."""
    return jws.make_signature(data.decode(), "ES256", own_jwt._private_key(der))


def public_pem(kind: Kind) -> bytes:
    """The public key as text."""
    key = own_jwt._private_key(kind.der).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def stranger() -> dict[str, str]:
    """The public key of somebody else."""
    return own_jwt.public_jwk(_STRANGER_DER)


_SIGNERS: dict[str, Callable[[Kind, bytes], bytes]] = {
    "right": lambda kind, data: sign_with(kind.der, data),
    "stranger": lambda kind, data: sign_with(_STRANGER_DER, data),
    "hmac_of_key": lambda kind, data: hmac.new(json.dumps(kind.jwk).encode(), data, hashlib.sha256).digest(),
    "hmac_of_pem": lambda kind, data: hmac.new(public_pem(kind), data, hashlib.sha256).digest(),
    "zero": lambda kind, data: bytes(64),
    "nothing": lambda kind, data: b"",
}


def _names(kind: Kind) -> dict[str, str]:
    members = {
        name: {n: v for n, v in kind.claims().items() if n != name.partition("WITHOUT_")[2].lower()}
        for name in ("$CLAIMS_WITHOUT_EXP", "$CLAIMS_WITHOUT_AUD", "$CLAIMS_WITHOUT_JTI", "$CLAIMS")
    }
    inner = {name: json.dumps(value)[1:-1] for name, value in {**members, "$HEADER": kind.header}.items()}
    host = kind.issuer.removeprefix("https://")
    return inner | {
        "$KID": kind.kid, "$TYP": kind.typ, "$ISSUER": kind.issuer, "$HOST": host, "$AUDIENCE": kind.audience,
        "$CLIENT": kind.subject, "$LONG": "a" * 20_000, "$SUBJECT256": "a" * 256,
    }  # fmt: skip


def _fill(text: str, names: dict[str, str]) -> str:
    for name, meaning in names.items():
        text = text.replace(name, meaning)
    return text


def _filled(value: Any, names: dict[str, str]) -> Any:
    """The value with the names replaced, at any depth."""
    text = json.dumps(value).replace('"$STRANGER"', json.dumps(stranger()))
    return json.loads(_fill(text, names))


def _signature(change: Callable[[bytes], bytes]) -> Callable[[str, Kind], str]:
    def rewrite(token: str, kind: Kind) -> str:
        front, _, signature = token.rpartition(".")
        return f"{front}.{b64(change(unb64(signature)))}"

    return rewrite


def _segment(number: int, change: Callable[[bytes], bytes]) -> Callable[[str, Kind], str]:
    def rewrite(token: str, kind: Kind) -> str:
        segments = token.split(".")
        segments[number] = b64(change(unb64(segments[number])))
        return ".".join(segments)

    return rewrite


def _der_of(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def _serialized(token: str, kind: Kind) -> str:
    protected, payload, signature = token.split(".")
    return json.dumps({"payload": payload, "protected": protected, "signature": signature})


def _general(token: str, kind: Kind) -> str:
    protected, payload, signature = token.split(".")
    return json.dumps({"payload": payload, "signatures": [{"protected": protected, "signature": signature}]})


def _beyond(signature: bytes) -> bytes:
    """r and s as numbers that are equal to zero modulo the order of the curve."""
    return _ORDER.to_bytes(32, "big") * 2


REWRITES: dict[str, Callable[[str, Kind], str]] = {
    "r_zero": _signature(lambda signature: bytes(32) + signature[32:]),
    "s_zero": _signature(lambda signature: signature[:32] + bytes(32)),
    "ones": _signature(lambda signature: b"\xff" * 64),
    "order": _signature(_beyond),
    "halves": _signature(lambda signature: signature[32:] + signature[:32]),
    "padded_halves": _signature(lambda signature: b"\0" + signature[:32] + b"\0" + signature[32:]),
    "der_signature": _signature(_der_of),
    "short_signature": _signature(lambda signature: signature[:-1]),
    "half_signature": _signature(lambda signature: signature[:32]),
    "long_signature": _signature(lambda signature: signature + b"\0"),
    "one_byte": _signature(lambda signature: b"\1"),
    "other_signature": lambda token, kind: f"{token.rpartition('.')[0]}.{good(kind, more=1).rpartition('.')[2]}",
    "other_claims": _segment(1, lambda claims: json.dumps({**json.loads(claims), "more": 1}).encode()),
    "blank_in_header": _segment(0, lambda header: header.replace(b'": "', b'":"', 1)),
    "spare_bits": lambda token, kind: token[:-1] + chr(ord(token[-1]) + 1),
    "padding": lambda token, kind: token + "==",
    "padding_everywhere": lambda token, kind: ".".join(part + "=" * (-len(part) % 4 or 4) for part in token.split(".")),
    "plain_base64": lambda token, kind: token.translate(str.maketrans("-_", "+/")),
    "line_feed": lambda token, kind: token + "\n",
    "line_feeds_inside": lambda token, kind: "\r\n".join(token[at : at + 76] for at in range(0, len(token), 76)),
    "blank_in_front": lambda token, kind: " " + token,
    "zero_byte": lambda token, kind: token + "\0",
    "quotes": lambda token, kind: f'"{token}"',
    "percent": lambda token, kind: token.replace(".", "%2E"),
    "cyrillic": lambda token, kind: "е" + token[1:],
    "full_width_dots": lambda token, kind: token.replace(".", "．"),
    "impossible_length": lambda token, kind: token + "AAA",
    "two_segments": lambda token, kind: token.rpartition(".")[0],
    "four_segments": lambda token, kind: token + ".AAAA",
    "five_segments": lambda token, kind: token + ".AAAA.AAAA",
    "dot_behind": lambda token, kind: token + ".",
    "json_serialization": _serialized,
    "general_serialization": _general,
}
