"""Images in a page: as data, so that the page loads nothing. No script of an SVG runs in an `img`."""

import base64
import re
from functools import lru_cache
from pathlib import Path

_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<svg[\s>]", re.DOTALL)


def image_type(content: bytes) -> str:
    """The subtype of an image's media type; "" for anything but PNG and SVG."""
    return "png" if content.startswith(_PNG) else "svg+xml" if _SVG.match(content) else ""


def data_uri(content: bytes) -> str:
    """The image as the value of `src`."""
    return f"data:image/{image_type(content)};base64,{base64.b64encode(content).decode()}"


@lru_cache(128)
def embed_image(file: str) -> str:
    """A checked file as the value of `src`; read for the first page that shows it."""
    return data_uri(Path(file).read_bytes())
