"""broker connection ..., broker user erase: words, refusals, the question before an erasure, one document as JSON.

The command's own process never reaches a provider on loopback, so that every call fails here and a duty is left.
"""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chalicelib.config import read_settings
from chalicelib.records.audit import AuditEvent
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import user_key_item_key
from chalicelib.records.job import Job
from cli.deployment.operations import Deployment
from local.fake.provider import RunningProvider
from tests.kit.cli.app_sign_in import APP, PROVIDER_SECRET, sign_in
from tests.kit.cli.operator import Done, Operator
from tests.kit.requirement import requirement


@pytest.fixture(scope="module", autouse=True)
def app(broker: Operator, provider: RunningProvider) -> str:
    """Keys, a provider, an app."""
    broker.made("init")
    provider.add_client("broker-at-demo", PROVIDER_SECRET, [f"{broker.environ['BROKER_ISSUER']}/callback/demo"])
    words = ["provider", "set", "demo", "--client-id", "broker-at-demo", "--issuer", provider.url, "--secret-from"]
    broker.made(*words, "env:AT_DEMO", AT_DEMO=PROVIDER_SECRET)
    made: dict[str, Any] = broker.made("client", "create", "--name", "My App", "--redirect-uri", APP, "--native")
    return str(made["client_id"])


@pytest.fixture
def connection(broker: Operator, provider: RunningProvider, app: str) -> Connection:
    """A user of the app has signed in."""
    assert sign_in(broker, provider, app, None)[0] == 200
    (live,) = [one for one in rows(broker, "CONNECTION#", Connection) if one.status == "active"]
    return live


def rows(broker: Operator, prefix: str, record: type[Any]) -> list[Any]:
    """What the table holds of one kind."""
    return deployment(broker).scan(prefix, record)


def deployment(broker: Operator) -> Deployment:
    """The one that the command acts on."""
    return Deployment(read_settings({k: v for k, v in broker.environ.items() if k.startswith("BROKER_")}))


def leave_uses(broker: Operator, connection: Connection, *events: str) -> None:
    """On record as the broker puts them there."""
    for number, event in enumerate(events):
        use = AuditEvent(event=event, at=connection.connected_at, request_id=str(number), sub=connection.sub)
        named = msgspec.structs.replace(use, connection_id=connection.connection_id)
        deployment(broker).store.append_audit(named)


@requirement("VLT-07", "VLT-09")
def test_a_user_from_the_first_list_to_the_erasure(
    broker: Operator, typed: Callable[..., Done], connection: Connection, app: str
) -> None:
    """One user, so one test: each step stands on the one before."""
    (row,) = typed("connection", "list", "--client", app, "--json").json
    assert (row["connection_id"], row["status"], row["alive_there"]) == (connection.connection_id, "active", True)
    assert typed("connection", "list", "--provider", "another", "--json").json == []
    leave_uses(broker, connection, "handout", "proxy", "proxy")
    shown = typed("connection", "show", connection.connection_id, "--json").json
    use = shown.pop("use")
    assert shown == row and use.pop("since") < row["connected_at"]
    assert use == {"last_used_at": row["connected_at"], "handouts": 1, "calls": 2}
    assert f"last_used_at={row['connected_at']}" in typed("connection", "show", connection.connection_id).out

    done = typed("connection", "revoke", "--client", app, "--json")
    (ended,) = done.json
    assert done.code == 1 and "may still be valid at the provider" in done.err
    assert (ended["status"], ended["at_provider"], ended["alive_there"]) == ("revoked", "failed", True)
    assert {part["result"] for part in ended["tokens"]} == {"failed"}
    shown = typed("connection", "show", connection.connection_id, "--json").json
    assert shown.pop("use")["calls"] == 2 and shown == ended
    assert [one["connection_id"] for one in typed("connection", "list", "--alive", "--json").json] == [
        connection.connection_id
    ]
    assert "failed" in typed("connection", "revoke", connection.connection_id).out

    everywhere = ["connection", "revoke", "--provider", "demo"]
    broker(*everywhere, typed="no\n").refused("nothing was changed")
    (again,) = broker(*everywhere, "--json", typed="yes\n").json
    assert again == ended
    acts = map(json.loads, typed("audit", "export", "--since", "1h", "--json").out.splitlines())
    said = [(act["provider_id"], act["given"]) for act in acts if act["outcome"] == "failed"]
    assert ("demo", {"at_provider": "failed"}) in said

    by_account = ["user", "erase", "--provider", "demo", "--account", "demo-7f3a51"]
    refused = broker(*by_account, typed="no\n").refused("nothing was changed")
    assert connection.sub in refused.err
    assert broker("user", "erase", connection.sub).refused("nothing was changed")
    assert (
        deployment(broker).store.read(user_key_item_key(connection.sub)).get(user_key_item_key(connection.sub)).sealed
    )  # type: ignore[union-attr]
    erased = broker("user", "erase", connection.sub, "--json", typed="yes\n").json
    assert (erased["user"], erased["key"], erased["alive_at"]) == (connection.sub, "destroyed", ["demo"])
    assert erased["tried_until"] and erased["connections"][0]["at_provider"] == "failed"
    assert all(job.expires_at for job in rows(broker, "JOB#", Job))
    again = typed("user", "erase", connection.sub, "--yes", "--json").json
    assert again == erased


@requirement("VLT-09")
def test_what_cannot_be_taken_back_is_said_with_what_to_type_next(typed: Callable[..., Done]) -> None:
    typed("connection", "show", "f" * 32).refused("broker connection list")
    typed("connection", "revoke", "f" * 32).refused("no such connection")
    typed("connection", "revoke", "--client", "f" * 32).refused("no connection to revoke")
    typed("connection", "revoke", "--user", "f" * 32).refused("no connection to revoke")
    typed("user", "erase", "f" * 32, "--yes").refused("no such user")
    typed("user", "erase", "--yes").refused("name the user")
    typed("user", "erase", "--provider", "demo", "--yes").refused("name the user")
    typed("user", "erase", "--provider", "demo", "--account", "nobody", "--yes").refused(
        "no user has the account nobody at demo"
    )
    typed("connection", "revoke", "--provider", "nowhere", "--yes").refused("no connection at nowhere")
    assert typed("connection", "revoke").code == 2
