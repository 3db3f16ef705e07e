"""Encrypts a browser session under a key that mixes in its user's salt; a new salt ends the session."""

import hashlib
import hmac

import msgspec

from chalicelib.protocol.sealing import DecryptionFailed, canonical, open_sealed, seal
from chalicelib.records.keyset import Keyset
from chalicelib.records.sign_in import BrowserSession


def seal_session(cookie: Keyset, session: BrowserSession, session_salt: bytes, *, salt: bytes) -> bytes:
    """salt   32 fresh random bytes"""
    key = _session_key(cookie.current.secret, session_salt)
    content = msgspec.msgpack.encode(session)
    return seal(key, cookie.current.version, content, place=canonical("session", session.sub), salt=salt)


def open_session(cookie: Keyset, sealed: bytes, *, sub: str, session_salt: bytes) -> BrowserSession | None:
    """The session of this user under this salt, expired or not; None if it cannot be decrypted."""
    keys = {version: _session_key(key.secret, session_salt) for version, key in cookie.versions.items()}
    try:
        opened = open_sealed(keys, sealed, place=canonical("session", sub))
        return msgspec.msgpack.decode(opened, type=BrowserSession)
    except (DecryptionFailed, msgspec.DecodeError):  # DecodeError: another release sealed it in another shape
        return None


def _session_key(cookie_secret: bytes, session_salt: bytes) -> bytes:
    return hmac.new(cookie_secret, canonical("session", session_salt), hashlib.sha256).digest()
