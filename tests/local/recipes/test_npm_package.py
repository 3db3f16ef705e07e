"""The npm package token-broker-client: packed, installed into an empty project, and used by Node at a real broker."""

import json
import os
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.node import ROOT, install_packages, why_no_node
from tests.kit.requirement import requirement
from token_broker_testing import RunningBroker, start

PACKAGE = ROOT / "clients" / "javascript"
REDIRECT_URI = "https://app.example/callback"
QUIET = ("--offline", "--no-audit", "--no-fund", "--no-update-notifier")
USE = """
import { Broker, BrokerError, finishConnect } from "token-broker-client";

const { ISSUER, CLIENT_ID, TOKEN, REDIRECT_URI } = process.env;
const broker = new Broker({ issuer: ISSUER, clientId: CLIENT_ID, redirectUri: REDIRECT_URI, token: () => TOKEN });
const refused = (error) => ({ known: error instanceof BrokerError, code: error.code, ...error.details });
const [account] = await broker.connections();
const handOut = await broker.exchange("demo", "notes:read");
const link = await broker.connect("calendar", "events:read").catch(refused);
const missing = await broker.exchange("demo", "notes:write").catch(refused);
const ended = await broker.revoke(account.connection_id);
console.log(JSON.stringify({ account, handOut, link, missing, ended, none: finishConnect("https://app.example/") }));
"""
TYPED = """
import { Broker, type Connection } from "token-broker-client";
import { ConnectedAccounts } from "token-broker-client/connected-accounts";

export const list = (broker: Broker): Promise<Connection[]> => broker.connections();
export const show = (accounts: ConnectedAccounts, broker: Broker) => (accounts.broker = broker);
"""

pytestmark = pytest.mark.skipif(bool(why_no_node()), reason=why_no_node())


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    command = ["npm", "pack", str(PACKAGE), "--pack-destination", str(folder), "--ignore-scripts", *QUIET]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    (found,) = folder.glob("*.tgz")
    return found


@pytest.fixture(scope="module")
def project(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project with the package installed."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    subprocess.run(["npm", "install", str(tarball), *QUIET], cwd=folder, capture_output=True, check=True)
    return folder


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with start() as running:
        yield running


@requirement("DLV-06")
def test_the_package_holds_the_modules_their_types_and_the_licence(tarball: Path) -> None:
    with tarfile.open(tarball) as packed:
        names = {name.removeprefix("package/") for name in packed.getnames()}
        licence = packed.extractfile("package/LICENSE")
        assert licence and licence.read() == (ROOT / "LICENSE").read_bytes()
    modules = {f"{name}.{end}" for name in ("broker", "connected-accounts") for end in ("js", "d.ts")}
    assert names == {*modules, "LICENSE", "README.md", "package.json"}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == version
    python = tomllib.loads((ROOT / "clients" / "python" / "pyproject.toml").read_text())
    assert python["project"]["version"] == version


@requirement("DLV-06")
def test_node_lists_gets_a_token_and_revokes(project: Path, broker: RunningBroker) -> None:
    client = broker.client(REDIRECT_URI)
    token = broker.tokens(client)["access_token"]
    names = {"ISSUER": broker.issuer, "CLIENT_ID": client.client_id, "TOKEN": token, "REDIRECT_URI": REDIRECT_URI}
    (project / "use.js").write_text(USE)
    environ = {**os.environ, **names, "NODE_OPTIONS": ""}
    command = ["node", "use.js"]
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert (said["account"]["provider"], said["account"]["label"]) == ("demo", "alice")
    assert said["handOut"]["access_token"] and "notes:read" in said["handOut"]["scope"]
    assert said["link"]["known"] and said["link"]["code"] == "popup_blocked"
    assert said["link"]["connect_uri"].startswith(f"{broker.issuer}/connect/")
    assert (said["missing"]["code"], said["missing"]["retry"]) == ("invalid_scope", "after_connect")
    assert said["ended"]["at_provider"] == "revoked" and said["none"] is None


@requirement("DLV-06")
def test_typescript_finds_the_types_of_both_modules(project: Path) -> None:
    (project / "typed.ts").write_text(TYPED)
    compiler = install_packages() / "typescript" / "bin" / "tsc"
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom"]
    done = subprocess.run(
        ["node", str(compiler), *options, "typed.ts"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
