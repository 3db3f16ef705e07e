"""`dev.py agents`: agents that people use today, simulated at an MCP server behind the broker.

Each takes every step: discovery, registration or document, sign-in, a call, refresh, step-up. A file under
`local/agents/profiles.toml` says what it sends, with the source.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.parser import CommandParser, setting
from cli.progress import Progress
from local.agents.agent import STEPS, Agent
from local.agents.assertion import ClientKey
from local.agents.document_site import DocumentSite
from local.agents.profile import Profile, read_profiles
from local.agents.user import User
from local.demo.mcp_stack import McpStack, start_mcp

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mcp.md"
BEGIN, END = "<!-- agents: begin -->", "<!-- agents: end -->"
ASKS_FOR = {
    "challenge": "scopes of the 401",
    "resource": "scopes of the MCP server",
    "server": "scopes of the broker",
    "none": "nothing",
}
# Limits that one address would meet which is all agents at once.
ROOM = {
    "registration_per_address": "1000",
    "registration_per_day": "1000",
    "document_fetches_per_address": "1000",
}
Results = dict[str, dict[str, str]]


def main(arguments: list[str] | None = None) -> int:
    """0 where every step of every agent works."""
    parser = CommandParser(prog="dev.py agents", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="agents whose file name contains NAME")
    parser.add_argument("--write", action="store_true", help="write the table into docs/mcp.md")
    parser.add_argument(
        "--set",
        type=setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the broker, without BROKER_",
    )
    parser.add_argument("--json", action="store_true", help="the result of each step as JSON")
    options = parser.parse_args(arguments)
    profiles = [one for one in read_profiles() if (options.only or "") in one.file]
    if not profiles:
        names = ", ".join(one.file for one in read_profiles())
        parser.exit(2, f"dev.py agents: no agent is called {options.only}\n  next: one of {names}\n")
    results: Results = {}
    with (
        Progress("trying", len(profiles), "agents") as shown,
        Trial(dict(options.set)) as trial,
    ):
        for one in profiles:
            shown.note(one.name)
            results[one.file] = trial.run(one)
            shown.advance()
    sys.stdout.write(json.dumps(results) if options.json else render(profiles, results))
    if options.write and not options.only:
        write_page(render(profiles, results))
    return 0 if all(failed(one) == [] for one in results.values()) else 1


class Trial:
    """One broker with an MCP server, and the addresses of the agents' documents.

    settings   laid over those of the demo
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._keys = {one.file: ClientKey() for one in read_profiles() if one.audience}
        self._site = DocumentSite(dict(self._documents()))
        self._log = open(os.devnull, "w")  # noqa: SIM115 - as long as the stack writes to it
        more = {"client_id_documents": "true", **ROOM, **(settings or {})}
        self._stack: McpStack = start_mcp(self._log, free_ports=True, reachable=self._site.targets, settings=more)

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.stop()
        self._site.stop()
        self._log.close()

    def run(self, profile: Profile) -> dict[str, str]:
        """Every step of one agent, with a user of its own."""
        user = User(self._stack.demo.provider.url)
        return Agent(profile, self._stack.url, user, self._keys.get(profile.file)).run()

    def _documents(self) -> Iterator[tuple[str, dict[str, object]]]:
        """The documents by address, and the key sets that some of them name."""
        for one in read_profiles():
            if one.comes_by == "document":
                yield one.document_url, {"client_id": one.document_url, **one.metadata}
            if one.audience:
                yield one.metadata["jwks_uri"], {"keys": [self._keys[one.file].public]}


def failed(results: Mapping[str, str]) -> list[str]:
    """The steps that did not work."""
    return [step for step in STEPS if results[step] not in ("ok", "-")]


def render(profiles: list[Profile], results: Results) -> str:
    """The table, in Markdown: it is read on a terminal too."""
    rows = [["agent", "comes by", "asks for", *STEPS, "checked"]]
    rows.append(["---"] * len(rows[0]))
    for one in profiles:
        steps = (results[one.file][step] for step in STEPS)
        rows.append(
            [f"[{one.name}]({one.sources[0]})", one.comes_by, ASKS_FOR[one.scopes_from], *steps, one.checked_on]
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def write_page(table: str, page: Path = PAGE) -> None:
    """Put the table between its two marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
