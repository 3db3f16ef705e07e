"""Simulates the provider behavior that no key of a file can express, by the name that the file gives."""

import base64
import hmac
from urllib.parse import quote, urlsplit

from local.fake.grants import Client
from local.fake.profile.profile_state import ProfileState


def sign_callback(player: ProfileState, client: Client, told: dict[str, str]) -> dict[str, str]:
    """The parameters of a callback with whatever this provider adds to them."""
    if player.definition.quirks != "shopify":
        return told
    shop = urlsplit(player.places.issuer).hostname or ""
    host = base64.b64encode(f"{shop}/admin".encode()).decode()
    told = {**told, "shop": shop, "host": host, "timestamp": str(int(player.grants.now()))}
    message = "&".join(f"{name}={quote(told[name], safe='')}" for name in sorted(told))
    digest = hmac.digest((client.client_secret or "").encode(), message.encode(), "sha256")
    return {**told, "hmac": digest.hex()}
