"""The rest of a proxied call's path: what an app may write behind the prefix of a provider's API (PRX-01).

Nothing is repaired. A segment is refused unless every server on the way must read it as one and the same name: no dot
segment, no slash or backslash in any spelling, nothing that a second decoding would change, nothing that is not UTF-8.
"""

import re
import unicodedata
from urllib.parse import quote, unquote_to_bytes

from chalicelib.protocol.errors import InvalidRequest

MAX_PATH_CHARACTERS = 4096

_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")
_ENCODED = re.compile(r"%(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")
# A gateway that decodes paths leaves these bare; encoded again they are what was sent: the space, and all beyond ASCII
# but what replaces bytes that do not decode. Said as a class of characters it would take 5 ms of every cold start.
_BARE = re.compile("(?!\ufffd)[^\x00-\x1f!-\x7f]")
# At the beginning: a scheme, a port, or user information, for whoever joins without a slash.
_AUTHORITY = re.compile(r".*@.*|.*:[0-9]*|https?:.*", re.IGNORECASE | re.DOTALL)


def parse_path(raw: str) -> tuple[str, ...]:
    """Percent-encoded segments; the last one is empty where the path ends with a slash.

    raw   behind `/proxy/{provider_id}/`, as it was sent

    Raises InvalidRequest.
    """
    if not raw or len(raw) > MAX_PATH_CHARACTERS:
        raise InvalidRequest("proxy_path_length")
    *front, last = raw.split("/")
    segments = tuple(_parse_segment(segment) for segment in (*front, last)[: len(front) + bool(last)])
    if _AUTHORITY.fullmatch(decode_segment(segments[0])):
        raise InvalidRequest("proxy_path_authority")
    return segments if last else (*segments, "")


def decode_segment(segment: str) -> str:
    """What a segment names. Raises InvalidRequest where it is not UTF-8."""
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("proxy_path_not_utf8") from None


def _parse_segment(raw: str) -> str:
    try:
        segment = _BARE.sub(lambda found: quote(found[0]), raw)
    except UnicodeEncodeError:  # half of a surrogate pair
        raise InvalidRequest("proxy_path_not_utf8") from None
    if not _SEGMENT.fullmatch(segment):
        raise InvalidRequest("proxy_path_characters")
    name = decode_segment(segment)
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise InvalidRequest("proxy_path_control_character")
    # Full-width dots and slashes turn into plain ones where a server folds compatible characters.
    folded = unicodedata.normalize("NFKC", name)
    if "/" in folded or "\\" in folded:
        raise InvalidRequest("proxy_path_encoded_slash")
    if _ENCODED.search(folded):
        raise InvalidRequest("proxy_path_encoded_twice")
    # Servers that know path parameters read "..;x" as "..", and some drop dots and spaces at the end of a name.
    if not folded.partition(";")[0].strip(". "):
        raise InvalidRequest("proxy_path_dot_segment")
    return segment
