"""Ports that several want at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.stack.ports import find_port, start_near


def test_of_many_who_want_one_port_at_once_each_gets_its_own() -> None:
    """Two demos started together: a server that looked for a free port first would find the other one there."""
    port, together = find_port("127.0.0.1"), threading.Barrier(8)

    def start() -> ThreadingHTTPServer:
        together.wait()
        return start_near(port, lambda wanted: ThreadingHTTPServer(("127.0.0.1", wanted), BaseHTTPRequestHandler))

    with ThreadPoolExecutor(8) as pool:
        servers = [running.result() for running in [pool.submit(start) for _ in range(8)]]
    ports = {server.server_port for server in servers}
    for server in servers:
        server.server_close()
    assert len(ports) == 8 and min(ports) == port
