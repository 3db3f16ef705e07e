"""broker client disable|enable: stops an app at its next request, or lets it start again later."""

import argparse
from typing import Any

from msgspec.structs import replace

from chalicelib.ports import Written
from chalicelib.protocol.client_document import check_document_url
from chalicelib.protocol.errors import OAuthError
from chalicelib.records.client import Client
from chalicelib.records.item_keys import client_item_key, is_url
from chalicelib.records.revocation import Revocation
from cli.client_options.client_row import client_row
from cli.deployment.kill_counts import leave_word
from cli.deployment.operations import CACHED_SECONDS, Deployment, OperationError, find_client


def add_switches(verbs: Any, common: argparse.ArgumentParser) -> None:
    """The two subcommands of `broker client`."""
    said = {
        "disable": "disable an app at its next request; also an app named by a URL that was never used here",
        "enable": "enable a disabled app; earlier grants stay void",
    }
    for verb, help_text in said.items():
        switch = verbs.add_parser(verb, parents=[common], help=help_text)
        switch.add_argument("client_id")
        switch.set_defaults(act=_switch, disabled=verb == "disable")


def _switch(deployment: Deployment, options: argparse.Namespace) -> Any:
    client = switch_client(deployment, options.client_id, disabled=options.disabled)
    if options.disabled:
        leave_word(deployment, "client", client.client_id)
    return client_row(client)


def switch_client(deployment: Deployment, client_id: str, *, disabled: bool) -> Client:
    """Set the cutoff of a client. Consents from before it is enabled stay void, so its users are asked again.

    Raises OperationError.
    """
    for _ in deployment.write_tries():
        read = _find(deployment, client_id)
        client = read or _blank(client_id, deployment.clock.now())
        not_before = client.marks.not_before
        if not disabled:
            not_before = max(deployment.time_of_mark() + CACHED_SECONDS, not_before or 0)
        changed = replace(client, marks=Revocation(disabled=disabled, not_before=not_before))
        if is_url(client_id):
            result = deployment.store.put_document(changed, read=read)
            written = result.item if isinstance(result, Written) else None
        else:
            written = deployment.put_fields(client_item_key(client_id), changed, "marks", read=client)
        if written is not None:
            return written
    raise OperationError(f"client {client_id} is being changed by another process", "repeat the command")


def _find(deployment: Deployment, client_id: str) -> Client | None:
    """None for a URL that was never used here."""
    if not is_url(client_id):
        return find_client(deployment, client_id)
    try:
        check_document_url(client_id)
    except OAuthError:
        raise OperationError(
            f"not a client id: {client_id}", "give https, a host and a path, exactly as the app sends it"
        ) from None
    place = client_item_key(client_id)
    return deployment.store.read(place).get(place)


def _blank(url: str, now: int) -> Client:
    """The record until its document is fetched."""
    return Client(
        client_id=url,
        client_name=url,
        redirect_uris=(),
        token_endpoint_auth_method="none",
        registered_by="document",
        created_at=now,
        expires_at=now,
        revision=now,
    )
