"""Options of `broker client create|update`: which clients may act for an app (RFC 8693), at your own APIs only."""

import argparse

from chalicelib.records.client import Client
from cli.client_options.scope_options import EXCHANGE
from cli.deployment.operations import Deployment, OperationError, find_client

NEEDED = frozenset({"client_credentials", EXCHANGE})


def add_options(parser: argparse.ArgumentParser, *, update: bool = False) -> None:
    """Add the options; each may repeat."""
    said = "a client that may act for this client's users at your own APIs; may repeat; default: none"
    parser.add_argument("--may-be-acted-by", action="append", default=[], metavar="CLIENT_ID", help=said)
    if update:
        over = "that client may no longer act; its tokens stop working at their next use"
        parser.add_argument("--not-acted-by", action="append", default=[], metavar="CLIENT_ID", help=over)


def read_actors(deployment: Deployment, options: argparse.Namespace, client: Client | None = None) -> frozenset[str]:
    """The clients that may act from now on: the present ones with the additions and without the removals.

    client   as stored; None for one that is being created

    Raises OperationError: a client does not exist, or cannot act.
    """
    before = client.may_be_acted_by if client else frozenset()
    added, removed = frozenset(options.may_be_acted_by), frozenset(getattr(options, "not_acted_by", ()))
    for client_id in sorted(removed - before):
        raise OperationError(f"{client_id} may not act for it", "broker client show CLIENT_ID")
    for client_id in sorted(added):
        _check_able(find_client(deployment, client_id), client)
    return (before | added) - removed


def _check_able(actor: Client, client: Client | None) -> None:
    if client is not None and actor.client_id == client.client_id:
        raise OperationError("a client needs no permission to act for itself", "name another client")
    if not actor.is_confidential:
        said = f"{actor.client_id} has neither a secret nor a key, so any program could act in its name"
        raise OperationError(said, "broker client create --acts --auth-method client_secret_basic ...")
    if missing := NEEDED - actor.grant_types:
        words = " ".join(f"--add-grant-type {name}" for name in sorted(missing))
        said = f"{actor.client_id} cannot request a token to act with"
        raise OperationError(said, f"broker client update {actor.client_id} {words}")
