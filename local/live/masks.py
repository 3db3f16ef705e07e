"""The displayed form of secrets: their first characters, to distinguish them, and their length.

Secrets are the values that the broker's log redacts, and values that only this view sees: cookies, encrypted links,
handles of the demo providers. Every value that leaves the recorder is masked here.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalicelib.adapters.process.log import SECRET_NAMES, SECRET_VALUES

JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_KIND = re.compile(r"(?:tb|demo)_[a-z]+_")
_WORDS = frozenset({"access_token", "refresh_token", "id_token"})  # names of tokens, not tokens
_LINK = re.compile(r"(/connect/)([^/?]+)")
_LIVE = 6
_URLS = frozenset({"location", "referer", "connect_uri", "registration_client_uri"})


def is_secret(name: str, value: str) -> bool:
    """By its name, or by how it looks."""
    named = SECRET_NAMES.search(name) is not None and value not in _WORDS
    return bool(value) and (named or SECRET_VALUES.fullmatch(value) is not None)


def mask(secret: str) -> str:
    """`tb_code_AWEDIV… (80 characters)`; a JWT's end, since all of them begin alike."""
    if JWT.fullmatch(secret):
        return f"{secret[:_LIVE]}…{secret[-_LIVE:]} ({len(secret)} characters)"
    kind = found[0] if (found := _KIND.match(secret)) else ""
    shown = secret[: len(kind) + (_LIVE if len(secret) >= 20 else 2)]
    return f"{shown}… ({len(secret)} characters)"


def mask_text(text: str) -> str:
    """What looks like a secret within any text."""
    return SECRET_VALUES.sub(lambda found: mask(found[0]), _LINK.sub(lambda found: found[1] + mask(found[2]), text))


def mask_value(name: str, value: Any) -> Any:
    """A value of a document and everything within it."""
    if isinstance(value, dict):
        return {key: mask_value(key, one) for key, one in value.items()}
    if isinstance(value, list):
        return [mask_value(name, one) for one in value]
    if not isinstance(value, str):
        return value
    if is_secret(name, value):
        return mask(value)
    return mask_url(value) if name in _URLS else mask_text(value)


def mask_url(url: str) -> str:
    """The secrets of its query and of its path; it stays readable rather than correct."""
    parts = urlsplit(url)
    pairs = (f"{name}={mask_value(name, value)}" for name, value in parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(pairs)
    return f"{parts.scheme}://{parts.netloc}{mask_text(parts.path)}{'?' if query else ''}{query}"


def mask_header(name: str, value: str) -> str:
    """One header's value; its name in lower case."""
    if name in ("cookie", "set-cookie"):
        crumbs, semicolon, rest = (value, "", "") if name == "cookie" else value.partition(";")
        pairs = (crumb.strip().partition("=") for crumb in crumbs.split(";"))
        return "; ".join(f"{key}={mask(secret) if secret else ''}" for key, _, secret in pairs) + semicolon + rest
    if name == "authorization":
        scheme, _, credentials = value.partition(" ")
        return f"{scheme} {mask(credentials)}"
    return str(mask_value(name, value))
