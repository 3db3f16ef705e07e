"""The embedded DynamoDB as a process that can be killed: what it has answered for is in a journal, as in AWS.

    python -m tests.concurrency.soak.database --port N --journal FILE

moto holds everything in memory. Here each write's item goes to the journal before its answer leaves; a start puts the
journal's last word on each key back. Killed in between, a write is either there or not, and nobody has been told.
"""

import argparse
import base64
import logging
import os
import pickle
from pathlib import Path
from typing import Any

from cli.deployment.local_environment import REGION, use_local_credentials
from local.stack.aws import EmbeddedAws, remember_methods, serialise_dynamodb
from local.stack.resources import create_tables
from local.stack.shutdown import StopSignal

ACCOUNT = "123456789012"
WRITES = ("PutItem", "UpdateItem", "DeleteItem")


class Journal:
    """One line a write: table, key, and the item as it stands after it (None: it is gone)."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._file = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, table: str, key: tuple[str, str], item: dict[str, Any] | None) -> None:
        """In the kernel's hands when this returns: it outlives the process, which alone is killed here."""
        os.write(self._file, base64.b64encode(pickle.dumps((table, *key, item))) + b"\n")

    def compact(self) -> None:
        """Keep the last words alone, so that the next start is as quick as this one."""
        fresh = self._place.with_suffix(".new")
        with fresh.open("wb") as file:
            for (table, pk, sk), item in self.read().items():
                file.write(base64.b64encode(pickle.dumps((table, pk, sk, item))) + b"\n")
        fresh.replace(self._place)
        os.close(self._file)
        self._file = os.open(self._place, os.O_WRONLY | os.O_APPEND)

    def read(self) -> dict[tuple[str, str, str], dict[str, Any] | None]:
        """The last word on each key. A last line that is cut belongs to a write that nobody was told of."""
        found: dict[tuple[str, str, str], dict[str, Any] | None] = {}
        *whole, _ = self._place.read_bytes().split(b"\n")
        for line in whole:
            table, pk, sk, item = pickle.loads(base64.b64decode(line))
            found[table, pk, sk] = item
        return found


def keep_journal(journal: Journal) -> None:
    """Every write that takes effect is in the journal before it is answered."""
    from moto.dynamodb.responses import DynamoHandler

    atomic = DynamoHandler.call_action

    def call_action(self: Any) -> Any:
        answer = atomic(self)
        operation = str(self.headers.get("X-Amz-Target", "")).rpartition(".")[2]
        if operation in WRITES and int(answer[0]) == 200:
            asked = self.body
            key = asked.get("Item") or asked["Key"]
            found = self.dynamodb_backend.get_item(asked["TableName"], {"pk": key["pk"], "sk": key["sk"]})
            item = found.to_json()["Attributes"] if found is not None else None
            journal.append(asked["TableName"], (key["pk"]["S"], key["sk"]["S"]), item)
        return answer

    DynamoHandler.call_action = call_action  # type: ignore[method-assign]


def restore(journal: Journal) -> int:
    """Put back what stood there; how many items."""
    from moto.dynamodb.models import dynamodb_backends

    backend, count = dynamodb_backends[ACCOUNT][REGION], 0
    for (table, _, _), item in journal.read().items():
        if item is not None:
            backend.put_item(table, item)
            count += 1
    return count


def main() -> int:
    """Serve until SIGTERM, or until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    options = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    stop = StopSignal()
    use_local_credentials()
    serialise_dynamodb()
    remember_methods()
    journal = Journal(options.journal)
    keep_journal(journal)
    quiet = EmbeddedAws(0)  # nobody knows this port: tables and items come before the first stranger
    create_tables(quiet.endpoint_url)
    items = restore(journal)
    journal.compact()
    aws = EmbeddedAws(options.port)
    stop.announce({"endpoint_url": aws.endpoint_url, "pid": os.getpid(), "items": items}, as_json=True)
    stop.wait()
    aws.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
