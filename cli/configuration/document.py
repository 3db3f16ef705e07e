"""Reads a configuration file. A secret in the file is refused, and no message repeats it."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cli.commands import client, provider, resource
from cli.configuration.keys import Key, read_keys, read_table
from cli.deployment.operations import OperationError
from cli.deployment.secret_source import REFERENCES, is_reference
from cli.nearest import nearest
from cli.parser import CommandParser

SECTIONS = ("issuer", "settings", "resources", "providers", "clients")
DOCS = "docs/apply.md"
_SECRETS = frozenset({"secret", "password", "token", "private_key", "client_secret"})
_ENDINGS = tuple(f"_{name}" for name in _SECRETS)
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # of a JSON Web Key, RFC 7518 section 6


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What a file declares.

    issuer      the only deployment that the file is for; None: any
    resources   audience -> options of `resource create`
    providers   provider id -> options of `provider set`
    clients     name in the file -> options of `client create`, and `client_id` and `grant_type`
    digest      SHA-256 of the file; audit records name its beginning
    """

    issuer: str | None
    settings: dict[str, Any]
    resources: dict[str, dict[str, Any]]
    providers: dict[str, dict[str, Any]]
    clients: dict[str, dict[str, Any]]
    digest: str


def parsers() -> dict[str, CommandParser]:
    """The parsers of the single commands."""
    found = {name: CommandParser(add_help=False) for name in ("clients", "update", "providers", "resources", "change")}
    client.add_create_options(found["clients"])
    client.add_update_options(found["update"])
    provider.add_set_options(found["providers"])
    resource.add_create_options(found["resources"])
    resource.add_update_options(found["change"])
    return found


def keys_of() -> dict[str, dict[str, Key]]:
    """Section -> the keys of its tables."""
    every = parsers()
    found = {name: read_keys(every[name]) for name in ("resources", "providers", "clients")}
    grant_types = tuple(read_keys(every["update"])["add_grant_type"].choices)
    found["clients"] |= {"client_id": Key("text"), "grant_type": Key("list", grant_types)}
    return found


def read_file(name: str) -> Configuration:
    """Raises OperationError with every fault."""
    path = Path(name)
    try:
        data = path.read_bytes()
        document = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise OperationError(f"{path} cannot be read: {error.strerror}", "name a file that exists") from None
    except UnicodeDecodeError:
        raise OperationError(f"{path} is not UTF-8 text", DOCS) from None
    except tomllib.TOMLDecodeError as error:
        raise OperationError(f"{path} is not TOML: {error}", DOCS) from None
    secrets = [f"{place} may hold a secret" for place in _find_secrets(document)]
    if secrets:
        said = "\n  ".join([f"{path} is refused, because a secret does not belong in it:", *secrets])
        raise OperationError(said, f"name where the secret is: secret_from = {REFERENCES}")
    configuration, faults = _read(document, hashlib.sha256(data).hexdigest(), path.parent)
    if faults:
        raise OperationError("\n  ".join([f"{path} is invalid:", *faults]), DOCS)
    return configuration


def _read(document: Mapping[str, Any], digest: str, folder: Path) -> tuple[Configuration, list[str]]:
    faults = list(_find_faults(document))
    sections: dict[str, dict[str, dict[str, Any]]] = {}
    for section, keys in keys_of().items():
        tables = document.get(section, {})
        sections[section] = {}
        for name, table in tables.items() if isinstance(tables, dict) else ():
            if not isinstance(table, dict):
                faults.append(f"{section}.{name} must be a table")
                continue
            options, wrong = read_table(table, keys)
            faults += [f"{section}.{name}: {fault}" for fault in wrong]
            sections[section][name] = _below(folder, options)
    settings = document.get("settings", {})
    issuer = document.get("issuer")
    if faults:
        issuer, settings = None, {}
    return Configuration(issuer=issuer, settings=settings, digest=digest, **sections), faults


def _find_faults(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        if name not in SECTIONS:
            near = nearest(name, SECTIONS)
            yield f"{name} is not a section" + (f"; did you mean {near}?" if near else "")
        elif name == "issuer" and not isinstance(value, str):
            yield "issuer must be a text"
        elif name != "issuer" and not isinstance(value, dict):
            yield f"{name} must be a table"


def _below(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    """A path in the file is relative to the file."""
    jwks, source = options.get("jwks"), options.get("secret_from", "")
    more: dict[str, Any] = {"jwks": str(folder / jwks)} if isinstance(jwks, str) else {}
    if source.startswith("file:"):
        more["secret_from"] = f"file:{folder / source.removeprefix('file:')}"
    return {**options, **more}


def _find_secrets(value: Any, place: str = "") -> Iterator[str]:
    """Where a value is, or may be, a secret."""
    if isinstance(value, dict):
        private = _PRIVATE_MEMBERS if "kty" in value else frozenset[str]()
        for name, inner in value.items():
            inside = f"{place}.{name}" if place else name
            plain = name.lower().replace("-", "_")
            secret = name in private or plain in _SECRETS or plain.endswith(_ENDINGS)
            if secret or (plain == "secret_from" and not (isinstance(inner, str) and is_reference(inner))):
                yield inside
            else:
                yield from _find_secrets(inner, inside)
    elif isinstance(value, list):
        for inner in value:
            yield from _find_secrets(inner, place)
    elif isinstance(value, str) and "PRIVATE KEY-----" in value:
        yield place
