"""`dev.py recipe NAME`: one recipe of clients/recipes/ in front of a broker with two providers.

A page is served and its address printed; for a program the line is printed that starts it.
"""

import argparse
import io
import shlex
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from cli.invocation import name_program
from cli.parser import CommandParser
from local.demo.backend import Behind, start_behind
from local.demo.parts import PARTS, PROVIDER_ID
from local.demo.simulated import NotSimulated, find_simulated
from local.node import NoNode, install_packages
from local.recipe.bff import NAME as BFF
from local.recipe.bff import start_bff
from local.recipe.project import NotCopied, Registered, copy_project
from local.recipe.project_table import read_projects
from local.recipe.recipe_server import RECIPES, RecipeServer
from local.stack.shutdown import StopSignal
from local.testing.control import register

LOOPBACK = "http://127.0.0.1/callback"


class Program(NamedTuple):
    """How a recipe that is no page is started; its app's redirect URI, None for a device."""

    command: str
    redirect_uri: str | None = LOOPBACK


PROGRAMS = {
    "curl": Program("sh clients/recipes/curl/sign-in.sh"),
    "electron": Program("npx electron clients/recipes/electron/main.mjs"),
    "device": Program(".venv/bin/python clients/recipes/device/app.py", None),
    "native-loopback": Program(".venv/bin/python clients/recipes/native-loopback/app.py"),
}
# One of the pages has no tokens and an API of its own: local/recipe/bff.py starts it.
ANY_PROVIDER = {*PROGRAMS, "popup", "redirect-oauth4webapi", "redirect-oidc-client-ts"}  # the others read Demo Notes
PAGES = sorted(folder.name for folder in RECIPES.iterdir() if (folder / "index.html").exists() and folder.name != BFF)

HERE = {*PAGES, BFF, *PROGRAMS}


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C; 2 where it takes Node and there is none."""
    parser, copied = build_parser(), read_projects()
    options = parser.parse_args(arguments)
    name = options.name
    if (
        options.copy
        or options.port
        or options.issuer
        or options.client_id
        or name not in HERE
        or (options.provider and name not in ANY_PROVIDER)
    ):
        if not options.copy or name not in copied:
            parser.error(f"add --copy FOLDER; these can be copied: {', '.join(copied)}")
        return _copy(parser, options)
    stop = StopSignal()
    if name == BFF:
        running = start_bff()
        print(running.page.url, flush=True)
        stop.wait()
        running.stop()
        return 0
    try:
        simulated = find_simulated([options.provider] if options.provider else [])
    except NotSimulated as fault:
        parser.error(str(fault))
    demo = start_behind(io.StringIO(), simulated=simulated)
    try:
        print(start_program(name, demo) if name in PROGRAMS else serve(name, demo).url, flush=True)
        stop.wait()
    except NoNode as missing:
        print(f"{name_program('dev.py recipe')}: {missing}", file=sys.stderr)
        return 2
    finally:
        demo.stop()
    return 0


def build_parser() -> CommandParser:
    """The options."""
    parser = CommandParser(prog="dev.py recipe", description=__doc__)
    parser.add_argument("name", choices=sorted({*HERE, *read_projects()}), metavar="NAME", help="one of: %(choices)s")
    parser.add_argument("--copy", type=Path, metavar="FOLDER", help="copy it as a project, for the demo that runs")
    parser.add_argument("--provider", metavar="NAME", help="where users sign in, simulated from its file")
    parser.add_argument("--port", type=int, metavar="N", help="with --copy: where its page is served")
    parser.add_argument("--issuer", metavar="URL", help="with --copy and --client-id: the broker of the client")
    parser.add_argument("--client-id", metavar="ID", help="with --copy: a client that exists, instead of a new one")
    return parser


def _copy(parser: CommandParser, options: argparse.Namespace) -> int:
    folder = options.copy.expanduser()
    if (options.issuer is None) != (options.client_id is None):
        parser.error("--issuer and --client-id go together")
    registered = Registered(options.issuer, options.client_id) if options.client_id else None
    try:
        project = copy_project(options.name, folder, options.provider, options.port, registered)
    except NotCopied as fault:
        parser.error(str(fault))
    lines = [f"cd {shlex.quote(str(folder))}", *project.start]
    hidden = registered and any("{client_secret}" in text for text in project.env.values())
    secret = " Write the client's secret into .env (CLIENT_SECRET)." if hidden else ""
    running = "" if registered else " while the demo runs"
    print(f"{folder} is ready.{secret} Run it{running}:", *lines, sep="\n  ")
    return 0


def register_recipe(demo: Behind, name: str, redirect_uri: str | None) -> str:
    """A public client for a recipe: its id."""
    uris = [] if redirect_uri is None else [redirect_uri]
    ends = [uri.replace("/callback", "/") for uri in uris]
    app = {"client_name": f"Recipe {name}", "redirect_uris": uris, "post_logout_redirect_uris": ends}
    return str(register(demo, app)["client_id"])


def start_program(name: str, demo: Behind) -> str:
    """The line that starts a program, with an app of its own at the broker."""
    provider, scope = choose_sign_in(demo)
    client_id = register_recipe(demo, name, PROGRAMS[name].redirect_uri)
    chosen = "" if provider == PROVIDER_ID else f"PROVIDER={provider} SCOPE={shlex.quote(scope)} "
    return f"BROKER={demo.broker.issuer} CLIENT_ID={client_id} {chosen}{PROGRAMS[name].command}"


def choose_sign_in(demo: Behind) -> tuple[str, str]:
    """The provider to sign in at, and the scope to request: at the simulated one, if there is one."""
    part = next(iter(demo.parts), PARTS[0])
    return part.provider_id, f"openid profile offline_access {part.provider_id}:{part.read}"


def serve(name: str, demo: Behind) -> RecipeServer:
    """A page, on a free port, with an app of its own at the broker. Raises NoNode."""
    server = RecipeServer(name, install_packages())
    client_id = register_recipe(demo, name, f"{server.url}/callback")
    provider, scope = choose_sign_in(demo)
    offers = [
        {
            "provider": part.provider_id,
            "name": part.site.name,
            "scope": part.read,
            "api": f"{demo.providers[part.provider_id].url}/api/{part.site.things}",
        }
        for part in PARTS
    ]
    offers += [{"provider": part.provider_id, "name": part.name, "scope": part.read, "api": ""} for part in demo.parts]
    server.config = {
        "issuer": demo.broker.issuer,
        "client_id": client_id,
        "provider": provider,
        "scope": scope,
        "offers": offers,
    }
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
