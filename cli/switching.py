"""broker client disable|enable: an app is stopped at its next request, whatever it holds, and may begin anew later."""

import argparse
from typing import Any

from msgspec.structs import replace

from chalicelib.ports import Written
from chalicelib.protocol.client_document import check_document_url
from chalicelib.protocol.errors import OAuthError
from chalicelib.records.client import Client
from chalicelib.records.marks import Marks
from chalicelib.records.places import client_place, is_url
from cli.operations import CACHED_SECONDS, Deployment, OperationError, find_client
from cli.showing import client_row
from cli.voided import leave_word


def add_switches(verbs: Any, common: argparse.ArgumentParser) -> None:
    """The two words below `broker client`."""
    said = {"disable": "stop an app, also one that is named by a URL and was never here", "enable": "let it begin anew"}
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
    """Set the mark of an app. What was allowed before it was let in again stays void: its users are asked anew.

    Raises OperationError.
    """
    for _ in deployment.write_tries():
        read = _find(deployment, client_id)
        client = read or _blank(client_id, deployment.clock.now())
        not_before = client.marks.not_before
        if not disabled:
            not_before = max(deployment.time_of_mark() + CACHED_SECONDS, not_before or 0)
        changed = replace(client, marks=Marks(disabled=disabled, not_before=not_before))
        if is_url(client_id):
            result = deployment.store.put_document(changed, read=read)
            written = result.item if isinstance(result, Written) else None
        else:
            written = deployment.put_fields(client_place(client_id), changed, "marks", read=client)
        if written is not None:
            return written
    raise OperationError(f"client {client_id} is being changed at this moment", "the same command again")


def _find(deployment: Deployment, client_id: str) -> Client | None:
    """None for a URL that was never here."""
    if not is_url(client_id):
        return find_client(deployment, client_id)
    try:
        check_document_url(client_id)
    except OAuthError:
        raise OperationError(f"{client_id} is no client id", "https, a host and a path, as the app sends it") from None
    place = client_place(client_id)
    return deployment.store.read(place).get(place)


def _blank(url: str, now: int) -> Client:
    """What stands there until its document is read."""
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
