"""Two broker processes on one table: one of the previous release's tree, one of this one's."""

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from chalicelib.config import read_settings
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key
from cli.deployment.local_environment import use_local_credentials
from cli.deployment.operations import Deployment, create_client, init_keysets, set_provider
from local.fake.provider import RunningProvider
from local.fake.provider import start as start_provider
from local.stack.ports import find_port
from local.stack.stack import broker_environ
from tests.deploy.rehearsal.previous import extract_previous
from tests.kit.broker_process import PROVIDERS
from tests.kit.http.browser import Answer
from tests.kit.http.stack import EXCHANGE
from tests.kit.processes import ROOT, Process
from tests.kit.traffic.app import App
from tests.kit.traffic.history import History
from tests.kit.traffic.world import APP, ISSUER, SCOPE

# The processes of the previous release stand where its own tree has them.
TREE = ("app.py", "chalicelib", "local", "infra", "tests/__init__.py", "tests/races")
BROKER = {"old": "tests.races.broker", "new": "tests.kit.broker_process"}
MORTAL = {"old": "tests.races.mortal", "new": "tests.concurrency.races.mortal"}
SECRET = "s" * 40


@dataclass
class Sides:
    """`side` answers the next request: "old" or "new"."""

    urls: dict[str, str]
    trees: dict[str, Path]
    provider: RunningProvider
    deployment: Deployment
    side: str = "new"
    people: int = 0
    history: History = field(default_factory=History)

    def choose(self) -> str:
        """Where the next request goes."""
        return urlsplit(self.urls[self.side]).netloc

    @property
    def endpoint_url(self) -> str:
        """Of the table."""
        return str(self.deployment.settings.endpoint_url)

    @contextlib.contextmanager
    def mortal(self, side: str, *, die_at: int) -> Iterator[None]:
        """A further process of one release answers, and is killed after so many of its writes."""
        port = find_port("127.0.0.1")
        options = ("--endpoint-url", self.endpoint_url, "--issuer", ISSUER, "--provider", self.provider.url)
        command = (sys.executable, "-m", MORTAL[side], *options, "--port", str(port))
        process = Process(*command, "--die-at", str(die_at), folder=self.trees[side])
        self.urls["mortal"], self.side = process.said["url"], "mortal"
        try:
            yield
        finally:
            process.kill()

    def app(self, **fields: Any) -> App:
        """A registered app, whose user has never been here as far as it knows."""
        values: dict[str, Any] = {
            "client_id": "", "client_name": "App", "redirect_uris": (APP,), "scopes": frozenset(SCOPE.split()),
            "token_endpoint_auth_method": "client_secret_post", "handout": "token", "providers": frozenset({"*"}),
            "grant_types": frozenset({"authorization_code", "refresh_token", EXCHANGE, DEVICE_CODE}),
            "serves": frozenset({ISSUER}), **fields,
        }  # fmt: skip
        client, secret = create_client(self.deployment, Client(**values))
        return App(self, self.history, client, secret, "alice")  # type: ignore[arg-type]

    def expire(self, app: App) -> Connection:
        """The provider's token of this app has ended."""
        (mine,) = self.connections(app)
        ended = replace(mine, access_expires_at=mine.tokens_at - 1, tokens_at=mine.tokens_at - 121)
        self.deployment.put(connection_item_key(mine.connection_id), ended)
        return mine

    def connections(self, app: App) -> list[Connection]:
        """As they stand."""
        found: list[Connection] = self.deployment.scan("CONNECTION#", Connection)
        return [one for one in found if one.client_id == app.client.client_id]

    def schemas(self) -> set[str]:
        """Of all items in both tables."""
        found: set[str] = set()
        for table in (self.deployment.settings.table, self.deployment.settings.keys_table):
            answer = self.deployment.dynamodb.call("Scan", {"TableName": table, "ConsistentRead": True})
            found |= {json.dumps(item.get("schema")) for item in answer["Items"]}
        return found


@contextlib.contextmanager
def side_by_side(folder: Path) -> Iterator[Sides]:
    """Both releases up. Raises NotInThisClone."""
    tree = extract_previous(folder, *TREE)
    use_local_credentials()
    aws = Process(sys.executable, "-m", "local.stack.aws", "--json", folder=ROOT)  # moto shares tables within a process
    endpoint_url, provider = aws.said["endpoint_url"], start_provider(0, "127.0.0.2")
    named = {"issuer": ISSUER, "endpoint_url": endpoint_url, "provider_dirs": str(PROVIDERS)}
    deployment = Deployment(read_settings(broker_environ(named)))
    init_keysets(deployment)
    provider.add_client("broker-at-demo", SECRET, [f"{ISSUER}/callback/demo"])
    set_provider(deployment, "demo", client_id="broker-at-demo", client_secret=SECRET, issuer=provider.url)
    options = ("--endpoint-url", endpoint_url, "--issuer", ISSUER, "--provider", provider.url)
    trees = {"old": tree, "new": ROOT}
    running = {
        side: Process(sys.executable, "-m", BROKER[side], *options, folder=folder) for side, folder in trees.items()
    }
    try:
        yield Sides({side: process.said["url"] for side, process in running.items()}, trees, provider, deployment)
    finally:
        for process in running.values():
            process.stop()
        provider.stop()
        aws.stop()


def tokens_of(answer: Answer | None) -> dict[str, Any]:
    """Of a token answer, which has to be one."""
    assert answer is not None and answer.status == 200, answer and (answer.status, answer.body[:400])
    return dict(answer.json)
