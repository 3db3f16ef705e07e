"""Values that travel through a browser, encrypted under the cookie key, each bound to one purpose."""

import hashlib
from typing import TypeVar

import msgspec

from chalicelib.ports import Broker
from chalicelib.protocol.sealing import canonical, open_text, seal_text
from chalicelib.records.item_keys import is_url

T = TypeVar("T")


def seal_value(broker: Broker, content: bytes, *place: str) -> str:
    """Encrypt a value for one purpose and the present epoch."""
    bound = canonical("cookie", broker.settings.epoch, *place)
    return seal_text(broker.keys.get("cookie"), content, place=bound, salt=broker.entropy.token_bytes(32))


def open_value(broker: Broker, value: str, *place: str) -> bytes | None:
    """Decrypt a value; None if it is not genuine, or for another purpose."""
    if not value:
        return None
    bound = canonical("cookie", broker.settings.epoch, *place)
    return open_text(broker.keys.get("cookie"), value, place=bound)


def read_value(opened: bytes | None, kind: type[T]) -> T | None:
    """Decode a decrypted value; None, as for a missing cookie, if another release encrypted it in another shape."""
    if opened is None:
        return None
    try:
        return msgspec.msgpack.decode(opened, type=kind)
    except msgspec.DecodeError:
        return None


def browser_hash(browser: str) -> str:
    """The hash of the browser id for encrypted forms."""
    return hashlib.sha256(browser.encode()).hexdigest()


def seal_client_reference(broker: Broker, client_id: str) -> str:
    """The client id, encrypted for `state`, so that a callback without its cookie can lead back to the app."""
    if is_url(client_id):
        return seal_value(broker, client_id.encode(), "client", "url")
    return seal_value(broker, bytes.fromhex(client_id), "client")


def open_client_reference(broker: Broker, sealed: str) -> str | None:
    """The client id, if the state is genuine."""
    opened = open_value(broker, sealed, "client")
    if opened is not None:
        return opened.hex()
    url = open_value(broker, sealed, "client", "url")
    return None if url is None else url.decode()
