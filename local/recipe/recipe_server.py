"""Serves one recipe of clients/recipes/ and what its page needs."""

import json
import mimetypes
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.node import ROOT, NoNode
from local.stack.loopback_server import LoopbackHandler, LoopbackServer

CLIENTS = ROOT / "clients"
RECIPES = CLIENTS / "recipes"
BUNDLER = ROOT / "tests" / "interop" / "clients" / "js" / "bundle.mjs"


class RecipeServer(LoopbackServer):
    """Serves the folder of a recipe at /, the npm package at /clients/, and npm's packages at /node_modules/.

    config   what /config.json says
    """

    def __init__(self, name: str, modules: Path, host: str = "localhost") -> None:
        super().__init__((host, 0), _Handler)
        self.config: dict[str, Any] = {}
        self.url = f"http://{host}:{self.server_port}"
        self._folder = RECIPES / name
        self._roots = {"/clients/": CLIENTS / "javascript", "/node_modules/": modules}
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
