"""An agent at the server of `dev.py mcp`: the MCP Python SDK's own client, and a person with a browser beside it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from local.browser import Browser, query_of, read_page
from local.demo.mcp_stack import McpStack
from local.terminal import Terminal

REDIRECT_URI = "http://127.0.0.1:51001/callback"


class Surprised(Exception):
    """The response is not the expected one."""


@dataclass
class Person:
    """Allows what the page asks, and signs in as alice where the browser is not signed in yet; `asked` is what the page
    asked for each time."""

    stack: McpStack
    browser: Browser = field(default_factory=Browser)
    asked: list[str] = field(default_factory=list)
    came_back: str = ""

    def go(self, url: str) -> str:
        """Follow an authorization URL to where the agent is called back."""
        page = self.browser.get(url)
        if page.status != 200 or not read_page(page.text).forms:
            raise Surprised(f"{page.status}: {' '.join(read_page(page.text).heading.split())}")
        self.asked.append(query_of(url).get("scope", ""))
        there = self.browser.press_allow(page, "demo").location
        if there.startswith(self.stack.demo.provider.url):
            login = self.browser.get(there)
            there = self.browser.submit(login, "decision", "alice").location
            there = self.browser.get(there).location
        if not there.startswith(REDIRECT_URI):
            raise Surprised(f"the browser went to {urlsplit(there).netloc}")
        self.came_back = there
        return there


class Kept:
    """What the SDK asks its host to keep."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client: Any = None

    async def get_tokens(self) -> Any:
        """None before registration or sign-in."""
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        """After each answer of the token endpoint."""
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        """None before registration or sign-in."""
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        """Once it has a client id."""
        self.client = client_info


def build_auth(stack: McpStack, person: Person, kept: Kept, *, document_url: str | None = None) -> Any:
    """The SDK's OAuth client, which knows the server's address and nothing else.

    document_url   its client id, where its document can be fetched; None: it registers itself
    """
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

    async def go(url: str) -> None:
        await asyncio.to_thread(person.go, url)

    async def come_back() -> AuthorizationCodeResult:
        answer = query_of(person.came_back)
        return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])

    metadata = OAuthClientMetadata.model_validate(
        {
            "client_name": "Trying agent",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        }
    )
    return OAuthClientProvider(stack.url, metadata, kept, go, come_back, client_metadata_url=document_url)


async def use(stack: McpStack, auth: Any, calls: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Call tools one after the other; what each said."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    said = []
    async with (
        httpx2.AsyncClient(auth=auth, timeout=20, trust_env=False) as http,
        Client(streamable_http_client(stack.url, http_client=http)) as client,
    ):
        for name, arguments in calls:
            result = await client.call_tool(name, arguments)
            said.append(" ".join(getattr(one, "text", "") for one in result.content))
    return said


def walk(stack: McpStack, terminal: Terminal) -> int:
    """Discover, sign in, read, step up and write; 0 where all of it went well."""
    person, kept = Person(stack), Kept()
    auth = build_auth(stack, person, kept)
    terminal.heading(f"An agent at {stack.url}, told nothing else")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("whoami", {}), ("read_notes", {}), ("add_note", {"text": "by an agent"}), ("read_notes", {})
    ]  # fmt: skip
    said = asyncio.run(use(stack, auth, calls))
    terminal.text(f"registered itself as {kept.client.client_id} at {stack.demo.broker.issuer}")
    for number, asked in enumerate(person.asked, 1):
        terminal.text(f"the user was asked ({number}): {asked}")
    for (name, _), answer in zip(calls, said, strict=True):
        terminal.text(f"{name}: {answer}")
    good = len(person.asked) == 2 and said[-1] == "by an agent"
    terminal.result("Discovered, signed in, stepped up." if good else "That is not what was to come.", good=good)
    return 0 if good else 1
