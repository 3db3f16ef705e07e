"""A checker of proofs of its own, of which single checks can be left out, or made as badly as products have made them.

It shares nothing with ours: the corpus is held against it, so that a line that is refused for something else is found.
"""

import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.kit.jose.proofs import b64, hash_of, unb64

NOW = 1_800_000_000
URL = "https://broker.example/base/token"
KINDS = {"ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "PS256": ("RSA", None), "EdDSA": ("OKP", "Ed25519")}
CURVES = {"P-256": (ec.SECP256R1(), hashes.SHA256(), 32), "P-384": (ec.SECP384R1(), hashes.SHA384(), 48)}


def weak_check(value, off, token):
    """True where the proof would be taken. off: the checks that are left out."""
    try:
        parts = read_parts(value, off)
        header, claims = (read_json(decode(part, off), off) for part in parts[:2])
        return all(name in off or judge(parts, header, claims, token, off) for name, judge in JUDGES.items())
    except (ValueError, TypeError, KeyError, InvalidSignature, AttributeError):
        return False


def read_parts(value, off):
    if "length" not in off and len(value) > 8192:
        raise ValueError
    if "form" in off:
        if value.startswith("{"):
            return [json.loads(value)[name] for name in ("protected", "payload", "signature")]
        return value.removeprefix("DPoP ").split(",")[0].split(".")[:3]
    parts = (value.strip(' "') if "spelling" in off else value).split(".")
    if len(parts) != 3 or not all(parts):
        raise ValueError
    return parts


def decode(part, off):
    if "spelling" in off:
        return unb64(part.rstrip("=").replace("+", "-").replace("/", "_"))
    if not re.fullmatch("[A-Za-z0-9_-]*", part) or b64(unb64(part)) != part:
        raise ValueError
    return unb64(part)


def read_json(data, off):
    if "json" in off:
        found, _ = json.JSONDecoder().raw_decode(data.decode())
        return found[0] if isinstance(found, list) else found
    found = json.loads(data, object_pairs_hook=unique)
    if not isinstance(found, dict):
        raise ValueError
    return found


def unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


def judge_kind(parts, header, claims, token, off):
    wanted = KINDS.get(header.get("alg") if isinstance(header.get("alg"), str) else "")
    return wanted is None or (header["jwk"].get("kty"), header["jwk"].get("crv")) == wanted


def judge_size(parts, header, claims, token, off):
    jwk = header.get("jwk")
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kty"), str) or jwk["kty"].upper() == "OCT":
        return "jwk" in off or "private" in off
    if jwk["kty"] == "RSA":
        n, e = decode(jwk["n"], off), int.from_bytes(decode(jwk["e"], off), "big")
        return n[0] != 0 and len(n) >= 256 and e >= 65537
    size = CURVES[jwk["crv"]][2] if jwk["kty"].upper() == "EC" else 32
    return all(len(decode(jwk[name], off)) == size for name in ("x", "y") if name in jwk or jwk["kty"] == "EC")


def judge_signature(parts, header, claims, token, off):
    jwk, signature, data = header["jwk"], decode(parts[2], off), f"{parts[0]}.{parts[1]}".encode()
    numbers = {name: int.from_bytes(decode(jwk[name], off), "big") for name in ("x", "y", "n", "e") if name in jwk}
    if jwk["kty"] == "OKP":
        Ed25519PublicKey.from_public_bytes(decode(jwk["x"], off)).verify(signature, data)
    elif jwk["kty"] == "RSA":
        scheme = padding.PKCS1v15() if header["alg"] == "RS256" else padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        rsa.RSAPublicNumbers(numbers["e"], numbers["n"]).public_key().verify(signature, data, scheme, hashes.SHA256())
    else:
        curve, digest, size = CURVES[jwk["crv"]]
        if len(signature) != 2 * size:
            return False
        pair = [int.from_bytes(half, "big") for half in (signature[:size], signature[size:])]
        public = ec.EllipticCurvePublicNumbers(numbers["x"], numbers["y"], curve).public_key()
        public.verify(encode_dss_signature(*pair), data, ec.ECDSA(digest))
    return True


def is_time(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


JUDGES = {
    "typ": lambda p, header, c, t, off: header.get("typ") == "dpop+jwt",
    "alg": lambda p, header, c, t, off: header.get("alg") in ("ES256", "ES384", "ES512", "EdDSA", "PS256"),
    "members": lambda p, header, c, t, off: not {"jku", "x5u", "x5c", "crit", "b64", "zip", "cty"} & set(header),
    "jwk": lambda p, header, c, t, off: isinstance(header.get("jwk"), dict),
    "private": lambda p, header, c, t, off: (
        not isinstance(header.get("jwk"), dict) or not {"d", "p", "k"} & set(header["jwk"])
    ),
    "purpose": lambda p, header, c, t, off: (
        not isinstance(header.get("jwk"), dict)
        or (
            header["jwk"].get("use", "sig") == "sig"
            and "verify" in header["jwk"].get("key_ops", ["verify"])
            and header["jwk"].get("alg", header.get("alg")) == header.get("alg")
        )
    ),
    "kind": lambda *given: "jwk" in given[4] or judge_kind(*given),
    "size": judge_size,
    "signature": judge_signature,
    "htm": lambda p, h, claims, t, off: claims.get("htm") == "POST",
    "htu": lambda p, h, claims, t, off: claims.get("htu") == URL,
    "iat": lambda p, h, claims, t, off: is_time(claims.get("iat")) and NOW - 60 <= claims["iat"] <= NOW + 10,
    "exp": lambda p, h, claims, t, off: claims.get("exp", NOW + 1) > NOW,
    "nbf": lambda p, h, claims, t, off: claims.get("nbf", NOW) <= NOW + 10,
    "jti": lambda p, h, claims, t, off: isinstance(claims.get("jti"), str) and claims["jti"] != "",
    "nonce": lambda p, h, claims, t, off: isinstance(claims.get("nonce", ""), str),
    "ath": lambda p, h, claims, token, off: token is None or claims.get("ath") == hash_of(token),
}
