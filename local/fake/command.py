"""`dev.py provider NAME|FILE`: a provider file played alone on loopback, for an app of your own to be tried against."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.nearest import suggest
from cli.parser import CommandParser
from local.stack.shutdown import StopSignal
from local.terminal import Terminal

if TYPE_CHECKING:
    from chalicelib.providers.definition import ProviderDefinition
    from local.fake.profile.profile_server import RunningProfile

PORT = 8090
CLIENT_ID, CLIENT_SECRET = "app", "app-secret"


class Unplayable(Exception):
    """It cannot start; the message says what to change."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; 2 where the options or the file cannot work."""
    options = build_parser().parse_args(arguments)
    stop = StopSignal()
    try:
        player = start(options)
    except Unplayable as fault:
        print(f"dev.py provider: {fault}", file=sys.stderr)
        return 2
    if options.json:
        stop.announce(describe(player, options), as_json=True)
    else:
        _print_places(player, options)
    stop.wait()
    player.stop()
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = CommandParser(prog="dev.py provider", description=__doc__)
    add = parser.add_argument
    add("what", metavar="NAME|FILE", help="the id of a shipped provider, or a provider file")
    add("--port", type=int, default=PORT, help=f"port on 127.0.0.1 (default: {PORT}; 0: a free one)")
    add("--issuer", metavar="URL", help="for files that leave it to you (oidc)")
    add("--client-id", default=CLIENT_ID, help=f"your app there (default: {CLIENT_ID})")
    add("--client-secret", default=CLIENT_SECRET, help=f"its secret (default: {CLIENT_SECRET}); empty: none")
    add("--json", action="store_true", help="one line of JSON when ready")
    return parser


def start(options: argparse.Namespace) -> "RunningProfile":
    """Raises Unplayable."""
    from local.fake.profile.profile_server import RunningProfile

    definition = find_definition(options.what)
    try:
        player = RunningProfile(definition, issuer=options.issuer, port=options.port)
    except (OSError, OverflowError):
        raise Unplayable(f"port {options.port} cannot be used; try --port 0") from None
    secret = options.client_secret if definition.token_endpoint_auth_method != "none" else ""
    player.add_client(options.client_id, secret or None)
    return player


def find_definition(what: str) -> "ProviderDefinition":
    """A provider of the broker by its id, or a file by its path. Raises Unplayable."""
    from chalicelib.providers.catalog import load_catalog
    from chalicelib.providers.definition import InvalidDefinition, parse_definition

    try:
        if what.endswith(".toml"):
            return parse_definition(Path(what).read_text(encoding="utf-8"), source=Path(what).name)
        catalog = load_catalog()
    except OSError:
        raise Unplayable(f"{what} cannot be read; name a provider file that exists") from None
    except InvalidDefinition as error:
        raise Unplayable("\n  ".join([f"{what} cannot be used:", *error.faults])) from None
    definition = catalog.get(what)
    if definition is None:
        hint = suggest(what, catalog.ids, f"there are {', '.join(sorted(catalog.ids))}")
        raise Unplayable(f"there is no provider file {what}; {hint}")
    return definition


def describe(player: "RunningProfile", options: argparse.Namespace) -> dict[str, Any]:
    """Where everything is, for programs.

    url         the plain door: every address of the file lies below it, its host first
    hosts       answered by https at the same port, with certificates of ca_file
    endpoints   through the plain door
    """
    return {
        "provider_id": player.definition.provider_id,
        "url": player.url,
        "control": f"{player.url}/_control",
        "hosts": player.places.hosts,
        "ca_file": str(player.ca_file),
        "client_id": options.client_id,
        "client_secret": player.grants.clients[options.client_id].client_secret,
        "endpoints": {name: f"{player.url}/{url.removeprefix('https://')}" for name, url in player.places.named()},
    }


def _print_places(player: "RunningProfile", options: argparse.Namespace) -> None:
    terminal, told = Terminal(sys.stdout), describe(player, options)
    terminal.heading(f"{player.definition.display_name}, played from its provider file")
    rows = [(name.replace("_", " "), url, "") for name, url in told["endpoints"].items()]
    rows.append(("control", told["control"], "what it shall do wrong: docs/testing-your-app.md"))
    rows.append(("client", options.client_id, f"secret {told['client_secret']}, any redirect_uri"))
    terminal.table(rows)
    hosts, place = ", ".join(told["hosts"]), player.url.removeprefix("http://")
    terminal.text(f"https too, at {place} for {hosts};")
    terminal.text(f"trust {told['ca_file']}")
    terminal.text("Ctrl-C ends it; nothing remains.")


if __name__ == "__main__":
    raise SystemExit(main())
