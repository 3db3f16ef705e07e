"""`dev.py recipe NAME --copy FOLDER`: a project of clients/projects/projects.toml, registered at the demo that runs."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.deployment.local_environment import use_local_credentials
from cli.deployment.running_stack import RunningStack, list_running
from local.recipe.project_table import CLIENTS, Project, read_projects

if TYPE_CHECKING:
    from cli.deployment.operations import Deployment

PROVIDERS = CLIENTS / "projects" / "providers.json"
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", ".next")
OWN_SCOPES = ("openid", "profile", "offline_access")


class NotCopied(Exception):
    """A project cannot be copied; the message says what to change."""


class Registered(NamedTuple):
    """A client that exists, at any broker."""

    issuer: str
    client_id: str


def copy_project(
    name: str,
    folder: Path,
    provider: str | None = None,
    port: int | None = None,
    registered: Registered | None = None,
) -> Project:
    """Copy a project, register its client, and write its `.env`.

    provider     None: the first one that the broker has and the projects know
    port         where a page is served; None: the project's own
    registered   the client of the copy; None: a new one, at the demo that runs

    Raises NotCopied.
    """
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise NotCopied(f"{folder} is not empty; name a new folder")
    project = read_projects(port)[name]
    values = _read_client(registered, provider) if registered else _register_at_demo(folder.name, project, provider)
    _write(project, folder, {**values, "random": secrets.token_hex(32)})
    return project


def _read_client(registered: Registered, provider: str | None) -> dict[str, str]:
    """The values for .env, without the secret, which was shown only once. Raises NotCopied."""
    if not registered.issuer.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise NotCopied(f"{registered.issuer} is not an issuer; it begins with https://")
    known = read_scopes()
    chosen = provider or next(iter(known))
    if chosen not in known:
        raise NotCopied(f"the projects do not know {chosen}; they know {', '.join(known)}")
    return {
        "issuer": registered.issuer,
        "client_id": registered.client_id,
        "client_secret": "",
        "provider": chosen,
        "scope": " ".join([*OWN_SCOPES, known[chosen]]),
    }


def _register_at_demo(name: str, project: Project, provider: str | None) -> dict[str, str]:
    """The values for .env, with a new client. Raises NotCopied."""
    stack = next((each for each in list_running() if each.kind == "demo"), None)
    if stack is None:
        raise NotCopied("no demo runs; start one in another terminal: python3 dev.py demo --provider github")
    deployment = _reach(stack)
    offered = _choose_providers(deployment)
    chosen = provider or next(iter(offered))
    if chosen not in offered:
        raise NotCopied(f"the demo has no provider {chosen}; it has {', '.join(offered)}")
    client_id, client_secret = _register(deployment, name, project, offered)
    return {
        "issuer": stack.issuer or "",
        "client_id": client_id,
        "client_secret": client_secret,
        "provider": chosen,
        "scope": " ".join([*OWN_SCOPES, offered[chosen]]),
    }


def read_scopes() -> Mapping[str, str]:
    """Provider id -> the scope that the projects request there."""
    found: dict[str, dict[str, str]] = json.loads(PROVIDERS.read_text(encoding="utf-8"))
    return {provider_id: each["scope"] for provider_id, each in found.items()}


def _reach(stack: RunningStack) -> "Deployment":
    from chalicelib.config import read_settings
    from cli.deployment.operations import Deployment

    use_local_credentials()
    return Deployment(read_settings(stack.settings))


def _choose_providers(deployment: "Deployment") -> dict[str, str]:
    from cli.deployment.operations import list_providers

    there = {record.provider_id for record in list_providers(deployment)}
    return {provider_id: scope for provider_id, scope in read_scopes().items() if provider_id in there}


def _register(deployment: "Deployment", name: str, project: Project, offered: Mapping[str, str]) -> tuple[str, str]:
    import msgspec

    from chalicelib.records.client import Client
    from cli.deployment.operations import create_client

    fields: dict[str, Any] = {
        "client_id": "",
        "client_name": name,
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "application_type": "native",
        "scopes": [*OWN_SCOPES, *offered.values()],
        "providers": list(offered),
        "handout": "proxy",
        **project.client,
    }
    client, secret = create_client(deployment, msgspec.convert(fields, Client))
    return client.client_id, secret or ""


def _write(project: Project, folder: Path, values: Mapping[str, str]) -> None:
    for source, target in project.copies.items():
        if (CLIENTS / source).is_dir():
            shutil.copytree(CLIENTS / source, folder / target, dirs_exist_ok=True, ignore=LEFT_OUT)
        else:
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CLIENTS / source, folder / target)
    shutil.copy(CLIENTS / "projects" / "gitignore", folder / ".gitignore")
    _write_private(
        folder / ".env", "".join(f"{name}={_quote(text.format(**values))}\n" for name, text in project.env.items())
    )
    files = {"README.md": describe(project, folder.name)}
    if project.package:
        package_name = re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._") or "my-app"
        files["package.json"] = json.dumps({"name": package_name, "private": True, **project.package}, indent=2) + "\n"
    if project.python:
        files["requirements.txt"] = "".join(f"{line}\n" for line in project.python)
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")


def _write_private(path: Path, text: str) -> None:
    """No other user can read the file at any moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _quote(value: str) -> str:
    return f'"{value}"' if " " in value else value


def describe(project: Project, name: str) -> str:
    """README.md of a copy."""
    commands = "\n".join(f"    {line}" for line in project.start)
    opened = f"\nThen open {project.url}.\n" if project.url else ""
    return (
        f"# {name}\n\nSigns users in at a Token Broker. Run it while the demo runs:\n\n{commands}\n{opened}\n"
        "`.env` has the configuration, also for another broker. It is for one machine, and git ignores it.\n\n"
        f"Tests: {project.checked}\n"
    )
