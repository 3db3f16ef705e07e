"""`dev.py recipe react --copy FOLDER`: a project of clients/projects/, registered at the demo that runs."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from local.environment import use_local_credentials
from local.stack.state import RunningStack, list_running

if TYPE_CHECKING:
    from cli.deployment.operations import Deployment

PROJECTS = Path(__file__).resolve().parents[2] / "clients" / "projects"
ORIGIN = "http://localhost:5173"  # where Vite serves a project
NAMES = tuple(sorted(folder.name for folder in PROJECTS.iterdir() if (folder / "package.json").exists()))


class NotCopied(Exception):
    """A project cannot be copied; the message says what to change."""


def copy_project(name: str, folder: Path, provider: str | None) -> Path:
    """Copy a project and write its `.env`: the issuer, a new client, and the provider to sign in with.

    provider   None: the first one that the demo has and the project knows

    Raises NotCopied.
    """
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise NotCopied(f"{folder} is not empty; name a new folder")
    stack = next((each for each in list_running() if each.kind == "demo"), None)
    if stack is None:
        raise NotCopied("no demo runs; start one in another terminal: python3 dev.py demo --provider github")
    deployment = _reach(stack)
    offered = _choose_providers(deployment, name)
    chosen = provider or next(iter(offered))
    if chosen not in offered:
        raise NotCopied(f"the demo has no provider {chosen}; it has {', '.join(offered)}")
    client_id = _register(deployment, folder.name, offered)
    shutil.copytree(PROJECTS / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (folder / "gitignore").rename(folder / ".gitignore")
    lines = {"VITE_ISSUER": stack.issuer, "VITE_CLIENT_ID": client_id, "VITE_PROVIDER": chosen}
    (folder / ".env").write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")
    return folder


def read_scopes(name: str) -> Mapping[str, str]:
    """Provider id -> the scope that a project requests there."""
    found: dict[str, str] = json.loads((PROJECTS / name / "scopes.json").read_text(encoding="utf-8"))
    return found


def _reach(stack: RunningStack) -> "Deployment":
    from chalicelib.config import read_settings
    from cli.deployment.operations import Deployment

    use_local_credentials()
    return Deployment(read_settings(stack.settings))


def _choose_providers(deployment: "Deployment", name: str) -> dict[str, str]:
    from cli.deployment.operations import list_providers

    there, known = {record.provider_id for record in list_providers(deployment)}, read_scopes(name)
    offered = {provider_id: scope for provider_id, scope in known.items() if provider_id in there}
    if not offered:
        words = " or ".join(f"--provider {each}" for each in known)
        raise NotCopied(f"the demo has no provider that this project knows; start it with {words}")
    return offered


def _register(deployment: "Deployment", name: str, offered: Mapping[str, str]) -> str:
    from chalicelib.records.client import Client
    from cli.deployment.operations import create_client

    client = Client(
        client_id="",
        client_name=name,
        redirect_uris=(f"{ORIGIN}/callback",),
        token_endpoint_auth_method="none",
        grant_types=frozenset({"authorization_code", "refresh_token"}),
        application_type="native",
        scopes=frozenset({"openid", "profile", "offline_access", *offered.values()}),
        providers=frozenset(offered),
        handout="proxy",
    )
    return create_client(deployment, client)[0].client_id
