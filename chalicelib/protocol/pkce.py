"""Proof key for code exchange: S256 and nothing else, for every client (RFC 7636, OAuth 2.1 section 4.1.1).

The comparison with the challenge (RFC 7636 section 4.6) is a condition of the write that redeems the code, in
adapters/dynamodb/grants.py.
"""

import base64
import hashlib
import re

from chalicelib.protocol.errors import InvalidGrant, InvalidRequest
from chalicelib.protocol.log_redaction import redact

# RFC 7636 appendix B: whoever sends it has copied an example, and its verifier is printed beside it.
EXAMPLE_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

# 32 bytes in 43 characters leave two bits over, which an encoder writes as zero.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_code_challenge(challenge: str | None, method: str | None) -> None:
    """Refuse everything but an S256 challenge of 43 base64url characters.

    A missing method would mean `plain` in RFC 7636; here it is refused (THREATS AUTHZ-08, AUTHZ-09).
    """
    if challenge is None:
        raise InvalidRequest("code_challenge_missing")
    if method != "S256":
        raise InvalidRequest("code_challenge_method_not_s256").noting(
            expected="S256", received=redact(method) or "none"
        )
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge_malformed")
    if challenge == EXAMPLE_CHALLENGE:
        raise InvalidRequest("code_challenge_is_the_rfc_example")


def check_verifier_syntax(verifier: str | None) -> None:
    """Refuse a verifier that is absent or not 43 to 128 unreserved characters (RFC 7636 section 4.1)."""
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise InvalidGrant("code_verifier_malformed")


def s256(verifier: str) -> str:
    """The challenge of a verifier (RFC 7636 section 4.2). The verifier's syntax has been checked."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
