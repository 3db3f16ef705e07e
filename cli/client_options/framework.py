"""`--framework` of `broker client create|show`: the configuration and the code of one kind of app, filled in."""

import argparse
import secrets
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client
from cli.deployment.operations import OperationError
from cli.output import harmless

FILE = Path(__file__).with_name("frameworks.toml")
HELP = "print the configuration and the code for this kind of app: "
HIDDEN = "YOUR_SECRET"  # for a secret that was shown only once


class Framework(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of frameworks.toml, with what it extends; the file explains each key."""

    needs: tuple[str, ...]
    file: str
    env: Mapping[str, str]
    code: str = ""
    project: str = ""


class Need(NamedTuple):
    """What a client must be able to do, and the option that helps one that cannot."""

    holds: Callable[[Client], bool]
    said: str
    option: str


NEEDS = {
    "redirect": Need(lambda client: bool(client.redirect_uris), "a redirect URI", "add --redirect-uri URI"),
    "origin": Need(lambda client: bool(client.bff_origins), "the origin of its pages", "add --bff-origin ORIGIN"),
    "device": Need(lambda client: DEVICE_CODE in client.grant_types, "the device flow", "add --device"),
    "handout": Need(lambda client: client.handout != "none", "a token hand-out", "add --handout token"),
    "secret": Need(lambda client: client.has_secret, "a secret", "add --auth-method client_secret_basic"),
    "no_secret": Need(
        lambda client: not client.is_confidential,
        "a client without a secret, because its users could read the secret",
        "leave out --auth-method",
    ),
    "for_itself": Need(
        lambda client: "client_credentials" in client.grant_types, "to act for itself", "add --for-itself"
    ),
}


@cache
def read_frameworks() -> dict[str, Framework]:
    """Name -> what to print."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    merged = {name: {**tables.get(table.get("extends", ""), {}), **table} for name, table in tables.items()}
    for table in merged.values():
        table.pop("extends", None)
    return {name: msgspec.convert(table, Framework) for name, table in merged.items()}


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option to create and show; None if it is not given."""
    names = list(read_frameworks())
    parser.add_argument("--framework", choices=names, metavar="NAME", help=HELP + ", ".join(names))


def check_fits(client: Client, name: str | None) -> None:
    """Raises OperationError for the first thing that the app needs and the client cannot do."""
    for need in map(NEEDS.__getitem__, read_frameworks()[name].needs if name else ()):
        if not need.holds(client):
            raise OperationError(f"--framework {name} needs {need.said}", need.option)


def describe(client: Client, name: str, issuer: str, secret: str | None = None) -> list[str]:
    """The lines to paste.

    secret   None: the client has none, or it is no longer known
    """
    framework = read_frameworks()[name]
    values = _read_values(client, issuer, secret)
    env = {variable: _fill(text, values) for variable, text in framework.env.items()}
    lines = [".env", *(f"  {variable}={_quote(value)}" for variable, value in env.items() if value)]
    if not framework.code:
        return [*lines, "", f"{framework.file}."]
    code = [f"  {line}".rstrip() for line in _fill(framework.code, values).strip("\n").splitlines()]
    return [*lines, "", f"Code ({framework.file}):", *code]


def name_project(client: Client, name: str, issuer: str) -> list[str]:
    """How to copy a whole project for this client; empty if there is none."""
    project = read_frameworks()[name].project
    provider = find_provider(client)
    chosen = f" --provider {provider}" if provider else ""
    command = f"python3 dev.py recipe {project} --copy my-app --issuer {issuer} --client-id {client.client_id}{chosen}"
    return ["copy a whole project:", f"  {command}"] if project else []


def find_provider(client: Client) -> str:
    """The only provider that the client may use or has scopes of; "" if there are several or none."""
    if "*" not in client.providers:
        return next(iter(client.providers)) if len(client.providers) == 1 else ""
    named = {scope.partition(":")[0] for scope in client.scopes if ":" in scope}
    return named.pop() if len(named) == 1 else ""


def _read_values(client: Client, issuer: str, secret: str | None) -> dict[str, str]:
    redirect_uri = client.redirect_uris[0] if client.redirect_uris else ""
    parts = urlsplit(redirect_uri)
    own = secret or (HIDDEN if client.has_secret else "")
    posted = client.token_endpoint_auth_method == "client_secret_post"
    resource = min(client.resources, default="")
    return {
        "issuer": issuer,
        "client_id": client.client_id,
        "client_secret": own,
        "redirect_uri": redirect_uri,
        "redirect_uri_quoted": quote(redirect_uri, safe=""),
        "redirect_origin": f"{parts.scheme}://{parts.netloc}",
        "scope": harmless(serialize(client.scopes)),
        "scope_quoted": quote(serialize(client.scopes), safe=""),
        "provider": find_provider(client),
        "provider_or_name": find_provider(client) or "PROVIDER",
        "random": secrets.token_hex(32),
        "secret_options": '-d "client_id=$CLIENT_ID" -d "client_secret=$CLIENT_SECRET"'
        if posted
        else '-u "$CLIENT_ID:$CLIENT_SECRET"',
        "resource_option": f' --data-urlencode "resource={resource}"' if resource else "",
    }


def _fill(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def _quote(value: str) -> str:
    return f'"{value}"' if " " in value else value
