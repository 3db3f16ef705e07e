"""Sealed values: AES-256-GCM under a fresh key per write, with key commitment and the full place as associated data.

A sealed value opens only in the place it was sealed for: the same purpose, table, key, attribute and owner (RELIABILITY
V1, V2). Format, 1 byte: 1 | key version, 4 | salt, 32 | commitment, 32 | ciphertext and tag.
"""

import base64
import hmac
import struct
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chalicelib.records.keyset import Keyset

FORMAT = 1
# Kept free for a second lock: values that want a secret of the caller beside our key (RELIABILITY V3). Refused today.
SECOND_LOCK = 2
SALT_BYTES = 32
_HEADER = struct.Struct(">BI32s32s")


class DecryptionFailed(Exception):
    """The value does not open here: altered, moved from another place, or its key is gone."""


def canonical(*parts: str | bytes | int) -> bytes:
    """Length-prefixed concatenation, so that no two different lists of parts read alike."""
    encoded = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"".join(struct.pack(">I", len(part)) + part for part in encoded)


def seal(key: bytes, version: int, plaintext: bytes, *, place: bytes, salt: bytes) -> bytes:
    """Seal for one place.

    key     32 bytes; salt   32 fresh random bytes, never used twice with one key; place   from `canonical`
    """
    write_key, nonce, commitment = _derive(key, salt, place)
    head = _HEADER.pack(FORMAT, version, salt, commitment)
    return head + AESGCM(write_key).encrypt(nonce, plaintext, head + place)


def open_sealed(keys: Mapping[int, bytes], sealed: bytes, *, place: bytes) -> bytes:
    """Open a sealed value in its place. Raises SealBroken for everything that is not exactly what was sealed."""
    if len(sealed) < _HEADER.size + 16:
        raise DecryptionFailed("too_short")
    form, version, salt, commitment = _HEADER.unpack_from(sealed)
    if form == SECOND_LOCK:
        raise DecryptionFailed("second_lock_not_offered")
    key = keys.get(version)
    if form != FORMAT or key is None:
        raise DecryptionFailed("unknown_format_or_key")
    write_key, nonce, expected = _derive(key, salt, place)
    if not hmac.compare_digest(expected, commitment):
        raise DecryptionFailed("commitment_differs")
    try:
        return AESGCM(write_key).decrypt(nonce, sealed[_HEADER.size :], sealed[: _HEADER.size] + place)
    except InvalidTag:
        raise DecryptionFailed("tag_differs") from None


def sealed_version(sealed: bytes) -> int:
    """The version of the key under which it says that it is sealed; 0 for what is no sealed value."""
    return int(_HEADER.unpack_from(sealed)[1]) if len(sealed) >= _HEADER.size else 0


def seal_text(keys: Keyset, content: bytes, *, place: bytes, salt: bytes) -> str:
    """Seal under the present key, as base64url without padding: for a cookie, a form or a URL."""
    sealed = seal(keys.current.secret, keys.current.version, content, place=place, salt=salt)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_text(keys: Keyset, text: str, *, place: bytes) -> bytes | None:
    """The decrypted value; None for anything else, including another encoding of a valid value."""
    if not text or not text.isascii():
        return None
    secrets = {version: key.secret for version, key in keys.versions.items()}
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return open_sealed(secrets, sealed, place=place)
    except (ValueError, DecryptionFailed):
        return None


def _derive(key: bytes, salt: bytes, place: bytes) -> tuple[bytes, bytes, bytes]:
    """Write key (32), nonce (12) and commitment (32) of one write."""
    material = HKDF(algorithm=SHA256(), length=76, salt=salt, info=b"token-broker seal 1" + place).derive(key)
    return material[:32], material[32:44], material[44:]
