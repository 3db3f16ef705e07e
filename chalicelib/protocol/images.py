"""The images that a page may show: PNG and SVG, embedded as data. No script of an SVG runs in an `img`."""

import base64
import re

_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<svg[\s>]", re.DOTALL)


def image_type(content: bytes) -> str:
    """The subtype of an image's media type; "" for anything but PNG and SVG."""
    return "png" if content.startswith(_PNG) else "svg+xml" if _SVG.match(content) else ""


def data_uri(content: bytes) -> str:
    """The image as the value of `src`."""
    return f"data:image/{image_type(content)};base64,{base64.b64encode(content).decode()}"
