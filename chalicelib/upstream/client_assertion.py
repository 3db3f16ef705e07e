"""The JWT that authenticates the broker at a provider, as an assertion (RFC 7523) or in place of a client secret.

It has one audience, is signed for one request, and expires soon after. The key is not retained.
"""

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from chalicelib.protocol.jws import encode_segment, make_signature
from chalicelib.providers.definition import ClientAssertion
from chalicelib.providers.definition.placeholders import fill_text

LEAST_RSA_BITS = 2048
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class UnusableKey(ValueError):
    """The operator's value is not a private key for this algorithm. The message says what is required and never shows
    the value."""


def sign_assertion(rules: ClientAssertion, pem: str, *, client_id: str, now: int, jti: str | None) -> str:
    """A JWT of this very moment.

    rules   with every variable filled in
    jti     a fresh random name; None where the JWT stands for a client secret, which has none

    Raises UnusableKey.
    """
    known = {"client_id": client_id}
    header = {"alg": rules.algorithm, "typ": "JWT"}
    if rules.key_id is not None:
        header["kid"] = fill_text(rules.key_id, known)
    claims: dict[str, object] = {
        "iss": fill_text(rules.issuer, known),
        "sub": fill_text(rules.subject, known),
        "aud": fill_text(rules.audience, known),
        "iat": now,
        "exp": now + rules.lifetime_seconds,
    }
    if jti is not None:
        claims["jti"] = jti
    signing_input = ".".join(encode_segment(msgspec.json.encode(part)) for part in (header, claims))
    signature = make_signature(signing_input, rules.algorithm, load_private_key(rules.algorithm, pem))
    return f"{signing_input}.{encode_segment(signature)}"


def load_private_key(algorithm: str, pem: str) -> PrivateKey:
    """A key that this algorithm signs with: P-256, or RSA of 2048 bits and more. Raises UnusableKey."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):  # TypeError: it is encrypted
        raise UnusableKey("not a private key in PEM without a password") from None
    if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if algorithm == "RS256" and isinstance(key, rsa.RSAPrivateKey) and key.key_size >= LEAST_RSA_BITS:
        return key
    wanted = "of the curve P-256" if algorithm == "ES256" else f"of RSA with at least {LEAST_RSA_BITS} bits"
    raise UnusableKey(f"not a private key {wanted}")


def public_half(algorithm: str, pem: str) -> bytes:
    """What tells two keys apart. Raises UnusableKey."""
    public = load_private_key(algorithm, pem).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
