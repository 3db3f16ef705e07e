"""broker connection revoke: revokes one connection, or all of an app, a user or a provider, here and at the provider.

Each connection is revoked here before the provider is called. If the command is interrupted, the scheduler finishes the
work, and repeating the command continues with the rest.
"""

import argparse
import sys
from itertools import groupby
from typing import Any

from chalicelib.ports import Broker
from chalicelib.records.connection import Connection
from chalicelib.vault.rules.revocation_results import is_alive_there, result_of
from cli.commands.connection import LIST, end_client, end_connections, ended_rows, find_connection
from cli.confirmation import add_question
from cli.deployment.broker import find_broker
from cli.deployment.connections import list_connections
from cli.deployment.operations import Deployment, OperationError
from cli.invocation import PROGRAM
from cli.output import Partly

OPEN = ("failed", "pending")  # of what the provider has taken no call yet
AT_ONCE = 100  # so many connections between two words about how far it is


def _revoke(deployment: Deployment, options: argparse.Namespace) -> Any:
    broker = find_broker(deployment)
    if options.provider:
        asked = find_left(deployment, options.provider)
        ended = end_many(broker, asked)
    elif options.client:
        ended = asked = end_client(deployment, broker, options.client)
    elif options.user:
        asked = list_connections(deployment, sub=options.user)
        ended = end_connections(broker, asked)
    else:
        asked = [find_connection(deployment, options.connection_id)]
        ended = end_connections(broker, asked)
    if not asked and not options.provider:
        raise OperationError("no connection to revoke", LIST)
    broker.log.event("connections_ended", count=len(ended), by="operator")
    return judge(broker, ended, reconnected=len(asked) - len(ended))


def _ask(deployment: Deployment, options: argparse.Namespace) -> str | None:
    if not options.provider:
        return None
    count = len(find_left(deployment, options.provider))
    return f"{count} connection{'' if count == 1 else 's'} of all users at {options.provider} will be revoked."


def find_left(deployment: Deployment, provider_id: str) -> list[Connection]:
    """All connections at one provider that may still be valid there. Raises OperationError: there was never one."""
    found = list_connections(deployment, provider_id=provider_id)
    if not found:
        raise OperationError(f"no connection at {provider_id}", LIST)
    return [one for one in found if one.status != "revoked" or is_alive_there(one)]


def end_many(broker: Broker, connections: list[Connection]) -> list[Connection]:
    """User by user, because connections of one user may share an account; prints its progress.

    Raises StoreUnavailable: what has not ended by then is left as it was.
    """
    ended, told = list[Connection](), 0
    for _, mine in groupby(sorted(connections, key=lambda one: one.sub), key=lambda one: one.sub):
        ended += end_connections(broker, mine)
        if len(ended) - told >= AT_ONCE:
            told = len(ended)
            print(f"{PROGRAM}: {told} of {len(connections)} connections have ended", file=sys.stderr)
    return ended


def judge(broker: Broker, ended: list[Connection], *, reconnected: int) -> Any:
    """The result for each token; incomplete if a provider did not accept its call.

    reconnected   the number of connections that users made again meanwhile, which stay
    """
    rows, left = ended_rows(broker, ended), [one for one in ended if result_of(one) in OPEN]
    said = []
    if left:
        said.append(
            f"{len(left)} of {len(ended)} are revoked here but may still be valid at the provider: docs/revoking.md"
        )
    if reconnected:
        said.append(f"{reconnected} were connected again meanwhile: repeat the command")
    return Partly(rows, "; ".join(said)) if said else rows


def add_parser(verbs: Any, common: argparse.ArgumentParser) -> None:
    """broker connection revoke."""
    revoke = verbs.add_parser("revoke", parents=[common], help="revoke connections here and at the provider")
    what = revoke.add_mutually_exclusive_group(required=True)
    what.add_argument("connection_id", nargs="?")
    what.add_argument("--client", metavar="ID", help="all access of this app, also if the app was deleted")
    what.add_argument("--user", metavar="SUB", help="every connection of this user; the user stays")
    what.add_argument("--provider", metavar="ID", help="every connection at this provider, of all users and apps")
    add_question(revoke, _ask, "with --provider: do not ask for confirmation")
    revoke.set_defaults(act=_revoke)
