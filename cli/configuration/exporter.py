"""Writes what a deployment has as a configuration file: secrets as references, ids as they are."""

import re
from collections.abc import Iterator
from typing import Any

from chalicelib.records.client import Client
from chalicelib.records.provider import ProviderRecord
from cli.configuration.client_entry import export_options
from cli.configuration.document import parsers
from cli.configuration.keys import defaults_of
from cli.configuration.other_entries import describe_provider, describe_resource
from cli.configuration.settings_entry import export_settings, read_running
from cli.configuration.toml_text import write_key, write_table, write_value
from cli.configuration.workbench import Stored
from cli.deployment.operations import Deployment, OperationError
from cli.output import date

_NO_NAME = re.compile(r"[^a-z0-9]+")
_NO_VARIABLE = re.compile(r"[^A-Z0-9]+")


def export_document(deployment: Deployment) -> tuple[dict[str, Any], list[str]]:
    """The document, and remarks about what is not in it."""
    stored, remarks = Stored(deployment), list[str]()
    document: dict[str, Any] = {"issuer": deployment.settings.issuer}
    try:
        document["settings"] = export_settings(read_running(deployment))
    except OperationError as fault:
        remarks.append(f"settings are left out: {fault}")
    resources = {one.audience: describe_resource(one) for one in stored.resources.values()}
    document["resources"] = {
        audience: {name: value for name, value in options.items() if value not in ("", None)}
        for audience, options in resources.items()
    }
    document["providers"] = {one: _export_provider(record) for one, record in stored.providers.items()}
    defaults = defaults_of(parsers()["clients"])
    names = _name_clients(list(stored.clients.values()))
    document["clients"] = {names[one]: export_options(client, defaults) for one, client in stored.clients.items()}
    disabled = [f"client {names[one]} is disabled" for one, client in stored.clients.items() if client.marks.disabled]
    disabled += [f"provider {one} is disabled" for one, record in stored.providers.items() if record.marks.disabled]
    return document, [*remarks, *disabled]


def write_document(document: dict[str, Any], remarks: list[str], now: int) -> str:
    """The file."""
    lines = [f"# Exported at {date(now)} by `broker config export`: docs/apply.md"]
    lines += [f"# {remark}" for remark in remarks]
    lines += ["", f"issuer = {write_value(document['issuer'])}"]
    if document.get("settings"):
        lines += write_table("settings", document["settings"])
    for section in ("resources", "providers", "clients"):
        for name, table in document[section].items():
            lines += write_table(f"{section}.{write_key(name)}", table)
    return "\n".join(lines)


def _export_provider(record: ProviderRecord) -> dict[str, Any]:
    variables = dict(sorted(record.variables.items()))
    named = _NO_VARIABLE.sub("_", record.provider_id.upper()).strip("_")
    return {
        "client_id": describe_provider(record)["client_id"],
        **({} if record.public else {"secret_from": f"env:{named}_SECRET"}),
        **({"issuer": record.issuer} if record.issuer else {}),
        **({"variables": variables} if variables else {}),
    }


def _name_clients(clients: list[Client]) -> dict[str, str]:
    """Client id -> a name for the file: that of the client, in lower case."""
    taken: dict[str, str] = {}
    for client in clients:
        plain = _NO_NAME.sub("-", client.client_name.lower()).strip("-") or "client"
        taken[client.client_id] = next(one for one in _tries(plain) if one not in taken.values())
    return taken


def _tries(plain: str) -> Iterator[str]:
    yield plain
    number = 2
    while True:
        yield f"{plain}-{number}"
        number += 1
