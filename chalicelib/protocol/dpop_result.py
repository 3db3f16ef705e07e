"""A DPoP proof once it has been checked (RFC 9449): what the rest of the broker knows of it.

The check itself is `dpop`, which is loaded only if a request contains a proof.
"""

from msgspec import Struct

# Asymmetric, and none with RSA's older padding (FAPI 2.0 Security Profile section 5.4); Ed25519 is RFC 9864's name for
# what EdDSA means with that curve.
PROOF_ALGORITHMS = ("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "PS384", "PS512")


class Proof(Struct, frozen=True, kw_only=True):
    """The holder of a key has asked for this very request, just now; good once.

    jkt          RFC 7638 thumbprint of the key, SHA-256 as base64url: 43 characters
    mark         SHA-256 hex of the key and the proof's `jti`
    expires_at   until when the `jti` must be stored, so that the proof is accepted once; epoch seconds
    nonce        as the proof names one; not compared yet
    """

    jkt: str
    mark: str
    expires_at: int
    nonce: str | None = None
