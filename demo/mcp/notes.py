"""A small MCP server that a broker protects: notes of each user, which agents read, and write where the user lets them.

`read_notes` and `whoami` need the scope `notes:read`, `add_note` needs `notes:write` as well. Whoever calls one without
it gets a 403 that says so before the tool is reached, and an MCP client then asks its user for more.
"""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

from demo.mcp.guard import Guard, Refused, Token

PATH = "/mcp"
READ, WRITE = "notes:read", "notes:write"
NEEDED = {"add_note": (READ, WRITE)}
MAX_BODY = 65_536

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def build_server() -> MCPServer:
    """The tools; the notes live as long as the process, apart for each user."""
    said = "Notes of the user who signed in. Writing needs the user's further consent."
    server = MCPServer("notes", instructions=said, log_level="WARNING")
    notes: dict[str, list[str]] = defaultdict(list)

    @server.tool()
    def whoami(ctx: Context) -> str:
        """Say for whom, and as which agent, this server answers."""
        token = token_of(ctx, READ)
        return f"{token.sub} by {token.client_id} with {' '.join(sorted(token.scopes))}"

    @server.tool()
    def read_notes(ctx: Context) -> str:
        """Read the user's notes."""
        return "\n".join(notes[token_of(ctx, READ).sub]) or "no notes yet"

    @server.tool()
    def add_note(text: str, ctx: Context) -> str:
        """Add a note."""
        notes[token_of(ctx, READ, WRITE).sub].append(text[:1000])
        return f"noted: {text[:1000]}"

    return server


def token_of(ctx: Context, *needed: str) -> Token:
    """What the guard let through with this request. It has looked at the scopes; so does who acts, which is the place
    where nothing can be read in two ways."""
    request: Any = ctx.request_context.request
    token: Token = request.scope["token"]
    if not token.scopes.issuperset(needed):
        raise PermissionError("insufficient_scope")
    return token


def build_app(guard: Guard) -> App:
    """The server over streamable HTTP behind its guard."""
    inner = build_server().streamable_http_app(streamable_http_path=PATH, json_response=True, stateless_http=True)
    return Guarded(inner, guard)


class Guarded:
    """ASGI: the metadata for everybody, the server for good tokens alone."""

    def __init__(self, app: App, guard: Guard) -> None:
        self._app, self._guard = app, guard

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if scope["path"] == self._guard.metadata_path:
            body = json.dumps(self._guard.metadata()).encode()
            return await _answer(send, 200, body, {"Access-Control-Allow-Origin": "*"})
        try:
            body = await _read(receive)
            header = dict(scope["headers"]).get(b"authorization")
            told = header.decode("latin-1") if header else None
            token = await anyio.to_thread.run_sync(lambda: self._guard.check(told, *_needed(body)))
        except Refused as refusal:
            return await _answer(send, refusal.status, b'{"error": "refused"}', refusal.headers)
        await self._app({**scope, "token": token}, _again(body, receive), send)


def _needed(body: bytes) -> tuple[str, ...]:
    """The scopes of the tool that is called; whatever else is sent needs the least. The body decides, and no header."""
    try:
        message = json.loads(body)
        called = message["method"] == "tools/call"
        return NEEDED.get(message["params"]["name"], (READ,)) if called else (READ,)
    except (ValueError, KeyError, TypeError):
        return (READ,)


async def _read(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise Refused("too_large", 413, {})
        if not message.get("more_body") or message["type"] != "http.request":
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """What was read already, for the server behind; then whatever still comes."""
    kept = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return kept.pop() if kept else await receive()

    return give


async def _answer(send: Send, status: int, body: bytes, headers: MutableMapping[str, str]) -> None:
    named = {"Content-Type": "application/json", **headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
