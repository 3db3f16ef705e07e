"""broker client create|update --purpose: what an app is for, as users read it on the page of choice."""

import argparse
from typing import Any

from chalicelib.records.client import Client
from cli.operations import OperationError

LONGEST = 160  # characters: one sentence, as the page shows it
HELP = 'one sentence that users read on the page of choice: what the app is for; "" says nothing any more'


def add_option(parser: argparse.ArgumentParser) -> None:
    """The same one for create and update; None where it is not given."""
    parser.add_argument("--purpose", metavar="SENTENCE", help=HELP)


def read_fields(options: argparse.Namespace, client: Client | None = None) -> dict[str, Any]:
    """The changed fields, checked. Raises OperationError.

    client   as it is; None for one that is just made. Who registered itself gets none: the page would not show it.
             Users have allowed something for another purpose, so they are asked again
    """
    said: str | None = options.purpose
    if said is None:
        return {}
    if client is not None and client.registered_by != "operator":
        raise OperationError("nobody here has checked this client, so its purpose is not shown", "broker client create")
    said = " ".join(said.split())
    if not said.isprintable() or len(said) > LONGEST:
        raise OperationError(
            f"--purpose must be one sentence of at most {LONGEST} characters", '--purpose "Files your invoices"'
        )
    if client is None:
        return {"purpose": said}
    return {"purpose": said, "revision": client.revision + 1} if said != client.purpose else {}
