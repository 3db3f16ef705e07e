"""MCP clients at the server of `dev.py mcp`: the SDK's own client is told an address and finds out the rest."""

import asyncio
import io
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from chalicelib.records.item_keys import client_item_key
from cli.commands.client_enable import switch_client
from cli.deployment.operations import list_clients
from demo.mcp.guard import Token
from demo.mcp.notes import token_of
from local.browser import Browser, query_of
from local.demo import mcp_agent
from local.demo.mcp import main
from local.demo.mcp_agent import REDIRECT_URI, Kept, Person, build_auth, use
from local.demo.mcp_stack import McpStack, start_mcp
from tests.kit.http.documents import URL, Site
from tests.kit.http.tokens import read_claims
from tests.kit.requirement import requirement

WRITE = ("add_note", {"text": "by an agent"})
READ: tuple[str, dict[str, Any]] = ("read_notes", {})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(tmp_path_factory.mktemp("site"))
    found.describe(client_name="Agent", redirect_uris=[REDIRECT_URI], seconds=3600)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def stack(site: Site) -> Iterator[McpStack]:
    found = start_mcp(io.StringIO(), free_ports=True, reachable=tuple(site.targets()))
    yield found
    found.stop()


class Agent:
    """One agent and its person. document_url: None where it registers itself."""

    def __init__(self, stack: McpStack, document_url: str | None = URL) -> None:
        self.stack, self.person, self.kept = stack, Person(stack), Kept()
        self.auth = build_auth(stack, self.person, self.kept, document_url=document_url)

    def call(self, *calls: tuple[str, dict[str, Any]]) -> list[str]:
        """Call tools; what they said."""
        return asyncio.run(use(self.stack, self.auth, list(calls)))

    @property
    def access(self) -> str:
        return str(self.kept.tokens.access_token)

    @property
    def claims(self) -> dict[str, Any]:
        return read_claims(self.access)


def post(stack: McpStack, token: str | None, method: str = "tools/list", **params: Any) -> httpx2.Response:
    """One JSON-RPC request, without an SDK."""
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    return httpx2.post(stack.url, content=body, headers=headers, trust_env=False)


@requirement("MCP-01", "CIMD-01")
@pytest.mark.parametrize("document_url", [URL, None], ids=["named by its document", "registers itself"])
def test_an_agent_finds_everything_from_a_bare_401(stack: McpStack, document_url: str | None) -> None:
    bare = post(stack, None)
    assert bare.status_code == 401
    assert bare.headers["www-authenticate"].startswith(
        'Bearer scope="notes:read", resource_metadata="http://127.0.0.1:'
    )
    agent = Agent(stack, document_url)
    assert agent.call(READ)
    claims = agent.claims
    assert (claims["aud"], claims["iss"]) == (stack.url, stack.demo.broker.issuer)
    assert query_of(agent.person.came_back)["iss"] == stack.demo.broker.issuer
    assert (claims["client_id"] == URL) == (document_url == URL)
    assert set(claims["scope"].split()) == {"notes:read"}


@requirement("MCP-03", "CONS-01")
@pytest.mark.parametrize("document_url", [URL, None], ids=["named by its document", "registers itself"])
def test_a_step_up_asks_the_user_again_and_gives_no_old_token_more(stack: McpStack, document_url: str | None) -> None:
    agent = Agent(stack, document_url)
    agent.call(READ)
    before = agent.access
    assert agent.call(WRITE, READ)[0] == "noted: by an agent"
    assert [set(asked.split()) - {"offline_access"} for asked in agent.person.asked] == [
        {"notes:read"},
        {"notes:read", "notes:write"},
    ]
    assert set(agent.claims["scope"].split()) == {"notes:read", "notes:write"}
    assert post(stack, before, "tools/call", name="add_note", arguments={"text": "x"}).status_code == 403
    assert post(stack, before).status_code == 200


@requirement("MCP-03", "CONS-06")
def test_a_user_who_says_no_to_more_leaves_what_there_was(stack: McpStack) -> None:
    agent = Agent(stack)
    agent.call(READ)
    before = agent.access

    def refuse(url: str) -> str:
        page = agent.person.browser.get(url)
        assert "notes:write" in page.text
        agent.person.came_back = agent.person.browser.submit(page, "decision", "deny").location
        return agent.person.came_back

    agent.person.go = refuse  # type: ignore[method-assign]
    with pytest.raises(BaseException):  # noqa: B017 - whatever the SDK makes of it
        agent.call(WRITE)
    assert query_of(agent.person.came_back)["error"] == "access_denied"
    assert post(stack, before).status_code == 200


@requirement("VLT-12", "VLT-03", "MCP-02")
def test_what_a_server_gets_opens_nothing_at_the_broker(stack: McpStack) -> None:
    agent = Agent(stack)
    agent.call(READ)
    issuer, browser = stack.demo.broker.issuer, Browser()
    for path in ("/userinfo", "/connections", "/proxy/demo/notes"):
        assert browser.get(issuer + path, Authorization=f"Bearer {agent.access}").status == 401, path
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": agent.access,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": "demo",
        "client_id": URL,
    }
    assert browser.post_form(f"{issuer}/token", list(exchange.items())).status == 400


@requirement("MCP-02")
def test_the_brokers_own_tokens_open_nothing_at_the_server(stack: McpStack) -> None:
    agent = Agent(stack)
    agent.call(READ)
    form = {"grant_type": "refresh_token", "refresh_token": agent.kept.tokens.refresh_token, "client_id": URL}
    own = Browser().post_form(
        f"{stack.demo.broker.issuer}/token", [*form.items(), ("resource", stack.demo.broker.issuer)]
    )
    assert own.status == 200, own.text
    assert post(stack, own.json()["access_token"]).status_code == 401


@requirement("MCP-04", "OPS-01")
def test_each_agent_is_a_row_of_its_own_and_one_is_stopped_without_the_other(stack: McpStack) -> None:
    first, second = Agent(stack, None), Agent(stack, None)
    for agent in (first, second):
        agent.call(READ)
    ids = [agent.claims["client_id"] for agent in (first, second)]
    assert len(set(ids)) == 2
    deployment = stack.demo.broker.deployment
    assert set(ids) <= {client.client_id for client in list_clients(deployment)}
    assert first.claims["sub"] == second.claims["sub"]
    assert first.claims["grant_id"] != second.claims["grant_id"]
    switch_client(deployment, ids[0], disabled=True)
    assert post(stack, first.access).status_code == 401
    assert post(stack, second.access).status_code == 200
    assert deployment.store.read(client_item_key(ids[1])).get(client_item_key(ids[1])) is not None


CALL = '"jsonrpc": "2.0", "id": 1, "method": "tools/call"'
TEXT = '"arguments": {"text": "x"}'
SPELLINGS = {
    "in a list": f'[{{{CALL}, "params": {{"name": "add_note", {TEXT}}}}}]',
    "the method twice": f'{{"method": "tools/list", {CALL}, "params": {{"name": "add_note", {TEXT}}}}}',
    "the name twice": f'{{{CALL}, "params": {{"name": "read_notes", "name": "add_note", {TEXT}}}}}',
    "the name twice, turned round": f'{{{CALL}, "params": {{"name": "add_note", {TEXT}, "name": "read_notes"}}}}',
}


@requirement("MCP-03")
@pytest.mark.parametrize("body", SPELLINGS.values(), ids=SPELLINGS)
def test_no_other_spelling_of_a_call_gets_round_the_scope(stack: McpStack, body: str) -> None:
    agent = Agent(stack)
    agent.call(READ)
    notes = agent.call(READ)
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    headers["Authorization"] = f"Bearer {agent.access}"
    httpx2.post(stack.url, content=body, headers=headers, trust_env=False)
    assert agent.call(READ) == notes


@requirement("MCP-03")
def test_a_tool_looks_at_the_scopes_itself() -> None:
    """Should the guard and the server ever read one call in two ways."""
    token = Token(sub="alice", client_id=URL, scopes=frozenset({"notes:read"}), claims={})
    context: Any = SimpleNamespace(request_context=SimpleNamespace(request=SimpleNamespace(scope={"token": token})))
    assert token_of(context, "notes:read") is token
    with pytest.raises(PermissionError):
        token_of(context, "notes:read", "notes:write")


@requirement("MCP-01")
def test_the_command_lets_an_agent_try_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--try"]) == 0
    said = capsys.readouterr().out
    assert "the user was asked (2): notes:read offline_access notes:write" in said
    assert "Discovered, signed in, stepped up." in said
    assert mcp_agent.REDIRECT_URI not in said
