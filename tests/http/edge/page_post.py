"""A POST with any body and content type, as a page of the broker sends it."""

from tests.kit.http.browser import FORM, Answer
from tests.kit.http.stack import Stack
from tests.kit.http.surface import raw


def post(stack: Stack, path: str, body: bytes, content_type: str = FORM) -> Answer:
    """POST as a page of ours would, with any type."""
    return raw(stack.netloc, "POST", path, [("Content-Type", content_type), ("Origin", stack.settings.issuer)], body)
