"""Serves the built site on loopback, and builds it again when a page changes."""

import errno
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from local.docs_site.pages import list_sources
from local.stack.loopback_server import FolderHandler, LoopbackServer
from local.stack.shutdown import StopSignal


def serve(folder: Path, port: int, *, rebuild: Callable[[], object]) -> int:
    """Serve until Ctrl-C or SIGTERM; 2 where the port is taken."""
    stop = StopSignal()
    try:
        server = LoopbackServer(("127.0.0.1", port), partial(FolderHandler, directory=str(folder)))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"dev.py docs: port {port} is in use; choose one with --port", file=sys.stderr)
        return 2
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends it)", flush=True)
    seen = newest()
    while not stop.wait(1):
        if (now := newest()) != seen:
            seen = now
            try:
                rebuild()
            except Exception as fault:  # noqa: BLE001 - the reader corrects the page, and the server goes on
                print(f"dev.py docs: {fault}", file=sys.stderr, flush=True)
            else:
                print("built again", flush=True)
    server.stop()
    return 0


def newest() -> float:
    """When a page, or what dresses it, changed last."""
    return max(path.stat().st_mtime for path in list_sources() if path.is_file())
