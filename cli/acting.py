"""broker client create|update: which other clients may act for an app (RFC 8693), at your own APIs and nowhere else."""

import argparse

from chalicelib.records.client import Client
from cli.operations import Deployment, OperationError, find_client
from cli.widening import EXCHANGE

NEEDED = frozenset({"client_credentials", EXCHANGE})


def add_options(parser: argparse.ArgumentParser, *, update: bool = False) -> None:
    """Beside the others; each may repeat."""
    said = "a client of yours that may act for this one's users at your own APIs; may repeat; default: nobody"
    parser.add_argument("--may-be-acted-by", action="append", default=[], metavar="CLIENT_ID", help=said)
    if update:
        over = "it may no more; what it holds by that ends at its next use"
        parser.add_argument("--not-acted-by", action="append", default=[], metavar="CLIENT_ID", help=over)


def read_actors(deployment: Deployment, options: argparse.Namespace, client: Client | None = None) -> frozenset[str]:
    """Who may act from now on: who might before, and more or fewer.

    client   as it stands; None for one that is being made

    Raises OperationError: one that is not there, or could not act.
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
        raise OperationError("a client acts for itself without that", "name another client")
    if not actor.is_confidential:
        said = f"{actor.client_id} has neither a secret nor a key, so anybody could act in its name"
        raise OperationError(said, "broker client create --acts --auth-method client_secret_basic ...")
    if missing := NEEDED - actor.grant_types:
        words = " ".join(f"--add-grant-type {name}" for name in sorted(missing))
        said = f"{actor.client_id} could not ask for a token to act with"
        raise OperationError(said, f"broker client update {actor.client_id} {words}")
