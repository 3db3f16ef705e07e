"""What can be sent of a trick with JWTs, and why the broker refused it."""

from tests.kit.http.stack import Stack
from tests.kit.http.tokens import events


def reasons(stack: Stack) -> list[str]:
    """Of the refusals in the log."""
    return [line["reason"] for line in events(stack, "refused")]


def is_header(token: str) -> bool:
    """What a header can hold on its way to us, and is no other token by losing the blanks around it."""
    return token.isascii() and token.isprintable() and token.strip() == token and len(token) < 8192
