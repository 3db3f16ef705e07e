"""Requests that the browser does not carry: pushed ones (RFC 9126), and those too large for a cookie. The table stores
them encrypted, each under a random id; the browser has only the id."""

import msgspec

from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.sealing import DecryptionFailed, canonical, open_sealed, seal
from chalicelib.records.sign_in import KeptRequest
from chalicelib.records.small_items import StoredRequest


def store_request(
    broker: Broker,
    kept: KeptRequest,
    *,
    expires_at: int,
    client_id: str = "",
    browser: str = "",
    bound_until: int | None = None,
) -> str:
    """Store a request; returns its id, 256 random bits as 64 hex characters.

    client_id              only for a pushed request: a request_uri of that client opens it
    browser, bound_until   only for a request that belongs to a browser already
    """
    request_id = broker.entropy.token_bytes(32).hex()
    cookie = broker.keys.get("cookie").current
    sealed = seal(
        cookie.secret,
        cookie.version,
        msgspec.msgpack.encode(kept),
        place=_place(request_id),
        salt=broker.entropy.token_bytes(32),
    )
    stored = StoredRequest(
        sealed=sealed, expires_at=expires_at, client_id=client_id, browser=browser, bound_until=bound_until
    )
    broker.store.put_stored_request(request_id, stored)
    return request_id


def read_stored_request(broker: Broker, stored: StoredRequest | None, request_id: str) -> KeptRequest:
    """The decrypted request. Raises PageError if it is missing, expired, or cannot be decrypted."""
    if stored is None or stored.expires_at <= broker.clock.now():
        raise PageError("stored_request_over", page="sign_in_over")
    secrets = {version: key.secret for version, key in broker.keys.get("cookie").versions.items()}
    try:
        opened = open_sealed(secrets, stored.sealed, place=_place(request_id))
        return msgspec.msgpack.decode(opened, type=KeptRequest)
    except (DecryptionFailed, msgspec.DecodeError):
        raise PageError("stored_request_broken", page="sign_in_over") from None


def _place(request_id: str) -> bytes:
    return canonical("broker", f"PAR#{request_id}", "request")
