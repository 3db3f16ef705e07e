"""A browser under an https issuer, and its sign-in."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.http.browser import Answer, Browser
from tests.kit.http.stack import SignIn, Stack

HOST = "broker.example"


@dataclass
class SecureBrowser(Browser):
    """Speaks to the same port, under the name of an https issuer."""

    def send(
        self, method: str, target: str, *, body: str | bytes = "", headers: dict[str, str] | None = None
    ) -> Answer:
        named = {"Host": HOST, **(headers or {})}
        if "Origin" in named:
            named["Origin"] = f"https://{HOST}"
        return super().send(method, target, body=body, headers=named)


def secure(make_stack: Callable[..., Stack]) -> tuple[Stack, SignIn]:
    """A broker whose issuer is https, and a sign-in there that has come to the callback."""
    stack = make_stack(issuer=f"https://{HOST}")
    client, _ = stack.client()
    return stack, stack.to_callback(client, browser=SecureBrowser(stack.netloc))
