"""A fixed part: JWTs signed and verified by PyJWT itself, the key object at hand.

`python -m bench.signatures` prints its figures.
"""

import sys
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from bench.clock import each


@dataclass(frozen=True)
class Signed:
    """A signature that a step made or verified: its claims, header type, and which of the two it was."""

    claims: dict[str, Any]
    typ: str
    made: bool


class BareSignatures:
    """Repeats signatures with a key of its own."""

    def __init__(self, signed: list[Signed]) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._public = self._key.public_key()
        self._signed = signed
        self._tokens = [self._encode(one) for one in signed]

    def run(self) -> None:
        """All of them once."""
        for one, token in zip(self._signed, self._tokens, strict=True):
            if one.made:
                self._encode(one)
            else:
                jwt.decode(
                    token,
                    self._public,
                    algorithms=["ES256"],
                    audience=one.claims.get("aud"),
                    issuer=one.claims.get("iss"),
                    leeway=60,
                )

    def _encode(self, one: Signed) -> str:
        return jwt.encode(one.claims, self._key, algorithm="ES256", headers={"typ": one.typ, "kid": "k" * 43})


def main() -> int:
    """Print the cost of one signature and of one verification."""
    import time

    now = int(time.time())
    claims = {"iss": "https://login.example.com", "sub": "s" * 43, "aud": "a" * 32, "iat": now, "exp": now + 600}
    for made, name in ((True, "sign"), (False, "verify")):
        bare = BareSignatures([Signed(claims, "at+jwt", made)])
        print(f"PyJWT, ES256 {name}: {each(bare.run, 500):.1f} us CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
