"""The two tokens of registering: one makes clients (RFC 7591 section 3), by one a client manages itself (RFC 7592).

Rules of this file: 256 random bits each; the table keeps SHA-256, so its dump holds none that works. A management token
is followed by another at each use, made of itself and a salt, so that who never got the answer gets the same one again:
the previous token stays good until its successor has been used once, and nobody is locked out by a lost answer.
"""

import base64
import hashlib
import hmac
import re
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chalicelib.protocol.errors import InvalidToken
from chalicelib.records.client import Management

TOKEN_BYTES = 32
INITIAL, MANAGEMENT = "tb_register_", "tb_manage_"
_BODY = re.compile(r"[A-Za-z0-9_-]{43}")


def write_token(prefix: str, random: bytes) -> str:
    """32 bytes as their holder sees them."""
    return prefix + base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def check_token(prefix: str, token: str) -> None:
    """Refuse what was never made by `write_token`, before the table is asked. Raises InvalidToken."""
    if not token.startswith(prefix) or not _BODY.fullmatch(token[len(prefix) :]):
        raise InvalidToken("token_malformed")


def token_hash(token: str) -> bytes:
    """What the table keeps of either; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def match_management(kept: Management | None, token: str, *, epoch: int) -> Literal["present", "previous", "none"]:
    """Say which of a client's two tokens this is; compared in the same time whatever it is."""
    shown = token_hash(token)
    known = kept or Management(present=b"\x00" * 32)
    present = hmac.compare_digest(shown, known.present)
    previous = hmac.compare_digest(shown, known.previous or b"\x00" * 32)
    if kept is None or kept.epoch != epoch:
        return "none"
    return "present" if present else "previous" if previous and kept.previous else "none"


def succeed(token: str, salt: bytes, *, epoch: int, gave_secret: bool = False) -> Management:
    """The record to store for the successor of this token."""
    return Management(
        present=token_hash(next_token(token, salt)),
        previous=token_hash(token),
        salt=salt,
        gave_secret=gave_secret,
        epoch=epoch,
    )


def next_token(token: str, salt: bytes) -> str:
    """The successor of a token. The same token and salt always give the same successor, so a repeated request gets it
    too."""
    return write_token(MANAGEMENT, _derive(token, salt, b"token-broker management token"))


def next_secret(token: str, salt: bytes) -> str:
    """The client secret that a change brought, 64 hex characters; the same again where its answer was lost."""
    return _derive(token, salt, b"token-broker client secret").hex()


def _derive(token: str, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=TOKEN_BYTES, salt=salt, info=info).derive(token.encode())
