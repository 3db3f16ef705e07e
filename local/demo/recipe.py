"""`dev.py recipe NAME`: one recipe of clients/recipes/ in front of a broker with two providers.

A page is served and its address printed; for a program the line is printed that starts it.
"""

import io
import json
import mimetypes
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from cli.parser import CommandParser
from local.demo.backend import Behind, start_behind
from local.demo.bff import NAME as BFF
from local.demo.bff import start_bff
from local.demo.parts import PARTS
from local.node import ROOT, NoNode, install_packages
from local.stack.loopback_server import LoopbackHandler, LoopbackServer
from local.stack.shutdown import StopSignal
from local.testing.control import register

if TYPE_CHECKING:
    from cli.deployment.operations import Deployment

CLIENTS = ROOT / "clients"
RECIPES = CLIENTS / "recipes"
BUNDLER = ROOT / "tests" / "clients" / "js" / "bundle.mjs"
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
# One of the pages has no tokens and an API of its own: local/demo/bff.py starts it.
PAGES = sorted(folder.name for folder in RECIPES.iterdir() if (folder / "index.html").exists() and folder.name != BFF)


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C; 2 where it takes Node and there is none."""
    parser = CommandParser(prog="dev.py recipe", description=__doc__)
    parser.add_argument("name", choices=[*PAGES, BFF, *sorted(PROGRAMS)], metavar="NAME", help="one of: %(choices)s")
    name = parser.parse_args(arguments).name
    stop = StopSignal()
    if name == BFF:
        running = start_bff()
        print(running.page.url, flush=True)
        stop.wait()
        running.stop()
        return 0
    demo = start_behind(io.StringIO())
    try:
        if name in PROGRAMS:
            client_id = register_recipe(demo.broker.deployment, name, PROGRAMS[name].redirect_uri)
            print(f"BROKER={demo.broker.issuer} CLIENT_ID={client_id} {PROGRAMS[name].command}", flush=True)
        else:
            print(serve(name, demo).url, flush=True)
        stop.wait()
    except NoNode as missing:
        print(f"dev.py recipe: {missing}", file=sys.stderr)
        return 2
    finally:
        demo.stop()
    return 0


def register_recipe(deployment: "Deployment", name: str, redirect_uri: str | None) -> str:
    """A public client for a recipe: its id."""
    uris = [] if redirect_uri is None else [redirect_uri]
    ends = [uri.replace("/callback", "/") for uri in uris]
    app = {"client_name": f"Recipe {name}", "redirect_uris": uris, "post_logout_redirect_uris": ends}
    return str(register(deployment, app)["client_id"])


def serve(name: str, demo: Behind) -> "RecipeServer":
    """A page, on a free port, with an app of its own at the broker. Raises NoNode."""
    server = RecipeServer(name, install_packages())
    client_id = register_recipe(demo.broker.deployment, name, f"{server.url}/callback")
    offers = [
        {
            "provider": part.provider_id,
            "name": part.site.name,
            "scope": part.read,
            "api": f"{demo.providers[part.provider_id].url}/api/{part.site.things}",
        }
        for part in PARTS
    ]
    server.config = {"issuer": demo.broker.issuer, "client_id": client_id, "offers": offers}
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


class RecipeServer(LoopbackServer):
    """Serves the folder of a recipe at /, what recipes share at /clients/, and npm's packages at /node_modules/.

    config   what /config.json says
    """

    def __init__(self, name: str, modules: Path, host: str = "localhost") -> None:
        super().__init__((host, 0), _Handler)
        self.config: dict[str, Any] = {}
        self.url = f"http://{host}:{self.server_port}"
        self._folder = RECIPES / name
        self._roots = {"/clients/": CLIENTS, "/node_modules/": modules}
        self._bundle = next((bundle(entry) for entry in self._folder.glob("main.*")), None)

    def find(self, path: str) -> tuple[bytes, str] | None:
        """Content and its type; None where there is nothing."""
        if path == "/config.json":
            return json.dumps(self.config).encode(), "application/json"
        if path == "/main.js" and self._bundle:
            return self._bundle, "text/javascript"
        if path == "/callback":
            path = "/callback.html" if (self._folder / "callback.html").exists() else "/index.html"
        prefix, root = next((one for one in self._roots.items() if path.startswith(one[0])), ("/", self._folder))
        file = (root / (path.removeprefix(prefix) or "index.html")).resolve()
        if not file.is_file() or not file.is_relative_to(root.resolve()):
            return None
        return file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream"


class _Handler(LoopbackHandler):
    server: RecipeServer

    def do_GET(self) -> None:
        body, kind = self.server.find(urlsplit(self.path).path) or (b"not here", "")
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")  # what windows have to survive
        self.end_headers()
        self.wfile.write(body)


def bundle(entry: Path) -> bytes:
    """What a bundler makes of a recipe that is compiled: one script. Raises NoNode where it cannot."""
    done = subprocess.run(["node", str(BUNDLER), str(entry)], capture_output=True, check=False)
    if done.returncode:
        raise NoNode(f"{entry.name} does not compile:\n{done.stderr.decode()}")
    return done.stdout
