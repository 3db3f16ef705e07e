"""Names derived from the never-rotated identity key: no look-up for a first sign-in, no correlation between apps."""

import hashlib
import hmac

from chalicelib.protocol.sealing import canonical


def derive_account_id(identity_key: bytes, *, provider_id: str, issuer: str, subject: str) -> str:
    """An opaque id of one account at one provider, 32 hex characters; never derived from an email address (CB-09)."""
    return _derive(identity_key, "account", provider_id, issuer, subject)


def derive_sub(identity_key: bytes, *, provider_id: str, issuer: str, subject: str, life: int = 0) -> str:
    """The broker's stable `sub` for one login, 32 hex characters.

    life   how often its user was erased; a later sign-in gives a new user
    """
    return _derive(identity_key, "sub", provider_id, issuer, subject, *([str(life)] if life else []))


def derive_connection_id(identity_key: bytes, *, sub: str, client_id: str, account_id: str) -> str:
    """One account of one user for one client, 32 hex characters: two clients never share a token."""
    return _derive(identity_key, "connection", sub, client_id, account_id)


def derive_device_grant_id(user_code_key: bytes, *, user_code: str, epoch: int) -> str:
    """The grant id of a user code, 32 hex characters. So the code itself is not stored (RFC 8628 section 5.1).

    user_code   as `parse_user_code` returns it
    """
    return _derive(user_code_key, "device", user_code, str(epoch))


def derive_standing_grant_id(identity_key: bytes, *, sub: str, client_id: str, origin: str, path: str) -> str:
    """The id of the one standing grant of a user, client, trusted issuer and kind of token, 32 hex characters."""
    return _derive(identity_key, "standing", sub, client_id, origin, path)


def derive_pairwise_sub(identity_key: bytes, *, sub: str, sector: str) -> str:
    """A user as the apps of one sector know it, 32 hex characters: two sectors cannot tell that it is the same one
    (OpenID Connect Core section 8.1)."""
    return _derive(identity_key, "pairwise", sub, sector)


def derive_pairwise_sid(identity_key: bytes, *, sid: str, sub: str) -> str:
    """A browser session as the apps of one sector know it, 32 hex characters.

    sub   the user as they know it
    """
    return _derive(identity_key, "pairwise session", sid, sub)


def derive_page_id(identity_key: bytes, *, sid: str, sub: str, kind: str, name: str) -> str:
    """The opaque id of an app or an account in the URLs of My access, 32 hex characters. Browser history and logs keep
    URLs, so the id names nothing outside this browser session.

    kind   "app" or "account"
    """
    return _derive(identity_key, "page", sid, sub, kind, name)


def bind_login(identity_key: bytes, *, login: str, sub: str) -> bytes:
    """What says that the broker itself linked this login to that user, 16 bytes."""
    return bytes.fromhex(_derive(identity_key, "linked login", login, sub))


def is_linked_login(identity_key: bytes, *, login: str, sub: str, mac: bytes) -> bool:
    """Whether the broker itself linked this login to that user."""
    return hmac.compare_digest(mac, bind_login(identity_key, login=login, sub=sub))


def _derive(key: bytes, label: str, *parts: str) -> str:
    return hmac.new(key, canonical("token-broker", label, *parts), hashlib.sha256).hexdigest()[:32]
