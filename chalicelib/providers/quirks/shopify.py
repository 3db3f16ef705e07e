"""Shopify signs its callbacks with our secret there, and says which shop they are of.

https://github.com/Shopify/shopify-app-js/blob/0f9eab665e74e6e057e43402e0b6b14fd094456b/packages/apps/shopify-api/lib/utils/hmac-validator.ts
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

from chalicelib.protocol.ascii_text import is_digits
from chalicelib.providers.quirks.interface import Callback, QuirkRefused, Quirks

TOLERANCE_SECONDS = 90


class Shopify(Quirks):
    """HMAC-SHA-256 over all other parameters, sorted and written as a query; its time; its shop."""

    checks_callback = True

    def check_callback(self, callback: Callback) -> None:
        """Raises QuirkRefused."""
        parameters = callback.parameters
        if callback.client_secret is None:
            raise QuirkRefused("callback_secret_missing")
        expected = sign(parameters, callback.client_secret)
        if not hmac.compare_digest(expected.encode(), parameters.get("hmac", "").encode()):
            raise QuirkRefused("callback_hmac_wrong")
        if abs(callback.now - _seconds(parameters.get("timestamp", ""))) > TOLERANCE_SECONDS:
            raise QuirkRefused("callback_timestamp_off")
        if f"https://{parameters.get('shop')}" != callback.issuer:
            raise QuirkRefused("callback_of_another_shop")


def sign(parameters: Mapping[str, str], secret: str) -> str:
    """The signature over these parameters, in hexadecimal digits."""
    signed = sorted((name, value) for name, value in parameters.items() if name not in ("hmac", "signature"))
    return hmac.new(secret.encode(), urlencode(signed).encode(), hashlib.sha256).hexdigest()


def _seconds(text: str) -> int:
    return int(text) if is_digits(text) and len(text) < 12 else 0
