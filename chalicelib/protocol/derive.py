"""Names derived from the never-rotated identity key: no look-up for a first sign-in, no correlation between apps."""

import hashlib
import hmac

from chalicelib.protocol.sealing import canonical


def derive_sub(identity_key: bytes, *, provider_id: str, issuer: str, subject: str) -> str:
    """Our stable subject for one login, 32 hex characters; never from an e-mail address (CB-09)."""
    return _derive(identity_key, "sub", provider_id, issuer, subject)


def derive_connection_id(
    identity_key: bytes, *, sub: str, client_id: str, provider_id: str, issuer: str, subject: str
) -> str:
    """One account of one user for one client, 32 hex characters: two clients never share a token."""
    return _derive(identity_key, "connection", sub, client_id, provider_id, issuer, subject)


def _derive(key: bytes, label: str, *parts: str) -> str:
    return hmac.new(key, canonical("token-broker", label, *parts), hashlib.sha256).hexdigest()[:32]
