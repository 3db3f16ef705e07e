"""Handles: the opaque credentials of a grant, as a chain of generations.

The authorization code (or the device code) is generation 0, refresh tokens are 1, 2, ... A handle proves itself by its
MAC before the table is asked; the table keeps only SHA-256 of the present secret, so that its dump holds no usable
credential.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from chalicelib.protocol.errors import InvalidGrant, TemporarilyUnavailable
from chalicelib.records.keyset import Keyset

HandleKind = Literal["code", "refresh", "device", "bff"]
PREFIXES: dict[HandleKind, str] = {
    "code": "tb_code_",
    "refresh": "tb_refresh_",
    "device": "tb_device_",
    "bff": "tb_bff_",
}
SECRET_BYTES = 16
MAC_BYTES = 16
_BODY = struct.Struct(">Bc16s16sI")


class Handle(Struct, frozen=True, kw_only=True):
    """One parsed and proven handle.

    grant_id     32 hex characters
    secret       16 bytes
    generation   0 for a code of either kind, 1 for a browser session of an app
    """

    kind: HandleKind
    key_version: int
    region_letter: str
    grant_id: str
    secret: bytes
    generation: int


def build_handle(handle: Handle, keys: Keyset, *, epoch: int) -> str:
    """Write a handle as the client sees it; the MAC key is the handle's own version."""
    body = _BODY.pack(
        handle.key_version,
        handle.region_letter.encode("ascii"),
        bytes.fromhex(handle.grant_id),
        handle.secret,
        handle.generation,
    )
    mac = _mac(keys.versions[handle.key_version].secret, handle.kind, epoch, body)
    return PREFIXES[handle.kind] + base64.urlsafe_b64encode(body + mac).decode()


def parse_handle(text: str, kind: HandleKind, keys: Keyset, *, epoch: int, homes: str) -> Handle:
    """Prove and read a handle, without any storage.

    homes   the letters of the regions whose grants are decided here

    Raises InvalidGrant: truncated, extended, respelled, of another kind, epoch or key; they read alike to the client.
    Raises TemporarilyUnavailable: it is good, and decided in another region.
    """
    raw = _decode(text, PREFIXES[kind])
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    version, letter, grant_id, secret, generation = _BODY.unpack(body)
    key = keys.versions.get(version)
    if key is None or not hmac.compare_digest(mac, _mac(key.secret, kind, epoch, body)):
        raise InvalidGrant("handle_not_ours")
    if letter.decode("ascii", "replace") not in homes:
        raise TemporarilyUnavailable("handle_of_another_home", retry_after=1).noting(home=letter.decode("ascii"))
    return Handle(
        kind=kind,
        key_version=version,
        region_letter=letter.decode("ascii", "replace"),
        grant_id=grant_id.hex(),
        secret=secret,
        generation=generation,
    )


def secret_hash(secret: bytes) -> bytes:
    """What the table keeps of a handle secret; 128 random bits need no slow hash."""
    return hashlib.sha256(secret).digest()


def successor_secret(code_secret: bytes, salt: bytes) -> bytes:
    """The secret of every refresh token of a grant: a function of the code's secret and the salt drawn at redeeming."""
    return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=salt, info=b"token-broker refresh secret").derive(
        code_secret
    )


def _decode(text: str, prefix: str) -> bytes:
    if not text.startswith(prefix):
        raise InvalidGrant("handle_of_another_kind")
    encoded = text[len(prefix) :]
    try:
        raw = base64.b64decode(encoded.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise InvalidGrant("handle_malformed") from None
    if len(raw) != _BODY.size + MAC_BYTES or base64.urlsafe_b64encode(raw).decode() != encoded:
        raise InvalidGrant("handle_respelled")
    return raw


def _mac(key: bytes, kind: HandleKind, epoch: int, body: bytes) -> bytes:
    message = f"{kind}|{epoch}|".encode() + body
    return hmac.new(key, message, hashlib.sha256).digest()[:MAC_BYTES]
