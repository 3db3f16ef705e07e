"""Serves the documents of agents under their own https addresses, on loopback, with an authority made for this run."""

import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from local.fake.tls import make_authority
from local.stack.loopback_server import LoopbackHandler, LoopbackServer


class DocumentSite(LoopbackServer):
    """`documents`: URL -> document. `targets` let one broker reach those hosts, and nothing else on this machine."""

    def __init__(self, documents: dict[str, dict[str, Any]]) -> None:
        self.documents = {(urlsplit(url).netloc, urlsplit(url).path): one for url, one in documents.items()}
        self._folder = TemporaryDirectory(prefix="agents-")
        hosts = sorted({host for host, _ in self.documents})
        self._tls, ca_file = make_authority(hosts, Path(self._folder.name))
        super().__init__(("127.0.0.1", 0), _Handler)
        self.targets = tuple(
            LocalTarget(
                host=host,
                port=443,
                address="127.0.0.1",
                connect_port=self.server_port,
                plain_http=False,
                ca_file=str(ca_file),
            )
            for host in hosts
        )
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """TLS in the thread of each connection."""
        with self._tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def stop(self) -> None:
        """Free the port and remove the authority's files."""
        super().stop()
        self._folder.cleanup()


class _Handler(LoopbackHandler):
    server: DocumentSite

    def do_GET(self) -> None:
        document = self.server.documents.get((self.headers.get("Host", ""), self.path))
        body = json.dumps(document).encode()
        self.send_response(200 if document else 404)
        for name, value in (("Content-Type", "application/json"), ("Cache-Control", "max-age=3600")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
