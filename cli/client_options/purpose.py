"""broker client create|update --purpose: what an app is for, as shown on the consent page."""

import argparse
from typing import Any

from chalicelib.records.client import Client
from cli.deployment.operations import OperationError

LONGEST = 160  # characters: one sentence, as the page shows it
HELP = 'one sentence for the consent page that says what the app is for; "" removes it'


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option to create and update; None if it is not given."""
    parser.add_argument("--purpose", metavar="SENTENCE", help=HELP)


def read_fields(options: argparse.Namespace, client: Client | None = None) -> dict[str, Any]:
    """The changed fields, checked. Raises OperationError.

    client   as stored; None for a new client. A self-registered client gets no purpose, because the page would not
             show it.
             Users allowed another purpose, so they are asked for consent again
    """
    said: str | None = options.purpose
    if said is None:
        return {}
    if client is not None and client.registered_by != "operator":
        raise OperationError("this client registered itself, so its purpose is not shown", "broker client create")
    said = " ".join(said.split())
    if not said.isprintable() or len(said) > LONGEST:
        raise OperationError(
            f"--purpose must be one sentence of at most {LONGEST} characters", '--purpose "Files your invoices"'
        )
    if client is None:
        return {"purpose": said}
    return {"purpose": said, "revision": client.revision + 1} if said != client.purpose else {}
