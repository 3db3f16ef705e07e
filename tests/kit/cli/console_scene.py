"""A console over embedded AWS, with keys, a client, a provider and an hour of requests in its log."""

import json
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from chalicelib.config import read_settings
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key
from chalicelib.records.subject import Subject
from cli.console.command import start_console
from cli.deployment.local_environment import LOCAL
from cli.deployment.operations import Deployment, create_client, init_keysets, set_provider
from cli.main import build_parser
from local.stack.aws import start_aws
from local.stack.resources import create_tables
from tests.kit import ROOT

SETTINGS = {
    "BROKER_TABLE": "broker-console",
    "BROKER_KEYS_TABLE": "broker-console-keys",
    "BROKER_ISSUER": "https://login.example.com",
    "BROKER_PROVIDER_DIRS": str(ROOT / "local" / "providers"),
}
CLIENT = Client(
    client_id="",
    client_name="Notes with a name that is rather long for a phone",
    redirect_uris=("https://app.example/" + "callback" * 20,),
    token_endpoint_auth_method="client_secret_basic",
    scopes=frozenset({"openid", "profile", "demo:notes:read"}),
)


class Scene(Struct, frozen=True, kw_only=True):
    """The printed link, and the client that is there."""

    link: str
    client_id: str


def write_log(file: Path) -> None:
    """Requests over an hour, some refused."""
    now = int(time.time())
    lines = [
        _request(now - 60 * minute, minute, place) for minute in range(58, 0, -1) for place in range(minute * 7 % 9)
    ]
    evidence = {"endpoint": "POST /token", "client_id": "f" * 32, "expected": ["https://a.example/"], "received": "x"}
    refused = {"at": now, "event": "refused", "error_id": "refused-1", "reason": "redirect_uri_not_registered"}
    lines += [{**refused, "error": "invalid_request", "evidence": evidence}]
    lines += [{"at": now, "event": "alarm", "kind": "handout_limit", "whose": "user", "limit": 300}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def put_user(deployment: Deployment, client_id: str) -> None:
    """A user with two connections at the provider."""
    deployment.store.put_subject(Subject(sub="somebody", session_salt=b"s" * 16, created_at=1_764_000_000))
    for letter in "cd":
        made = Connection(
            connection_id=letter * 32, sub="somebody", client_id=client_id, provider_id="demo", status="active",
            token_generation=1, connected_at=1_764_000_000, connected_by="n", granted=frozenset({"notes:read"}),
        )  # fmt: skip
        deployment.put(connection_item_key(made.connection_id), made)


def _request(at: int, minute: int, place: int) -> dict[str, object]:
    """Some are sign-ins, some hand-outs; the fourth of a minute is refused."""
    line = {"at": at, "event": "request", "request_id": f"request-{minute}-{place}", "route": "POST /token"}
    line |= {"client_id": "f" * 32, "milliseconds": 2.5, "start": "warm"}
    if place == 3:
        return {**line, "status": 400, "outcome": "refused", "error": "invalid_grant", "reason": "code_replayed"}
    return {**line, "status": 200, "outcome": "answered", "SignIns" if place < 3 else "HandOuts": 1}


@contextmanager
def start_scene(folder: Path) -> Iterator[Scene]:
    """The console in threads of this process; `folder` takes the log."""
    aws, log = start_aws(), folder / "log"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LOCAL.items():
            patch.setenv(name, value)
        create_tables(aws.endpoint_url, "broker-console", "broker-console-keys")
        deployment = Deployment(read_settings({**SETTINGS, "BROKER_ENDPOINT_URL": aws.endpoint_url}))
        init_keysets(deployment)
        set_provider(deployment, "demo", client_id="us", client_secret="x" * 20, issuer="https://demo.example")
        client, _ = create_client(deployment, CLIENT)
        put_user(deployment, client.client_id)
        write_log(log)
        options = Namespace(port=0, stack=None, log=str(log), log_group=None)
        server = start_console(deployment, build_parser, options)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Scene(link=server.console.session.link, client_id=client.client_id)
        server.shutdown()
        server.server_close()
    aws.stop()
