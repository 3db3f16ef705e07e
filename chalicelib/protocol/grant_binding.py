"""Binds a grant to its owner with a MAC under the handle key, because the table alone proves nothing.

The MAC covers the values that never change after issue and that tokens contain: grant, client, user, provider, the
user's pairwise `sub`, session, and when and how the user signed in. For a standing grant it covers the issuer, too. An
attacker who can write to the table cannot move any of them to another grant.
"""

import hashlib
import hmac

from chalicelib.protocol.sealing import canonical
from chalicelib.records.grant import Grant
from chalicelib.records.keyset import Keyset

MAC_BYTES = 32


def bind_grant(grant: Grant, keys: Keyset) -> bytes:
    """The version of the key in one byte, then the MAC."""
    return bytes([keys.current.version]) + _mac(grant, keys.current.secret)


def is_bound(grant: Grant, keys: Keyset) -> bool:
    """Whether the grant is as it was issued."""
    version, mac = grant.binding[:1], grant.binding[1:]
    key = keys.versions.get(version[0]) if version else None
    return key is not None and hmac.compare_digest(mac, _mac(grant, key.secret))


def _mac(grant: Grant, key: bytes) -> bytes:
    """The MAC of a handle starts with its kind, and `grant` is not one of the kinds."""
    whose = (grant.grant_id, grant.client_id, grant.sub, grant.provider_id, grant.shown_sub)
    auth_time = "" if grant.auth_time is None else grant.auth_time
    standing = (grant.origin, grant.path, grant.version) if grant.origin else ()
    content = canonical(*whose, grant.sid, grant.acr, auth_time, grant.decided_at, grant.epoch, *standing)
    return hmac.new(key, b"grant|" + content, hashlib.sha256).digest()
