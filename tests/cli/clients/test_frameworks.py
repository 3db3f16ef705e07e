"""broker client create|show --framework: what is printed can be pasted, and a client that does not fit is refused."""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from cli.client_options.framework import read_frameworks
from local.recipe.project_table import read_projects
from tests.kit.cli.operator import Operator
from tests.kit.requirement import requirement

REDIRECT = ("--redirect-uri", "http://localhost:5173/callback")
SECRET = ("--auth-method", "client_secret_basic")
FITTING = {
    "react": REDIRECT,
    "vue": REDIRECT,
    "svelte": REDIRECT,
    "plain": REDIRECT,
    "next": (*REDIRECT, *SECRET),
    "bff": ("--bff-origin", "http://127.0.0.1:5173"),
    "native": ("--native", "--redirect-uri", "http://127.0.0.1/callback"),
    "electron": ("--native", "--redirect-uri", "http://127.0.0.1/callback"),
    "expo": ("--native", "--redirect-uri", "com.example.myapp:/callback"),
    "device": ("--device",),
    "curl": REDIRECT,
    "python": (*REDIRECT, *SECRET, "--handout", "token"),
    "service": (*SECRET, "--for-itself"),
}


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")
    at_demo = ("--client-id", "us", "--issuer", "https://demo.example", "--secret-from", "-")
    broker.made("provider", "set", "demo", *at_demo, typed="secret")


def create(broker: Operator, name: str, *words: str) -> str:
    """What `client create --framework` prints for a client that fits."""
    done = broker("client", "create", "--name", "App", *FITTING[name], *words, "--framework", name)
    assert (done.code, done.err) == (0, ""), done
    return done.out


def read_env(printed: str) -> dict[str, str]:
    lines = (line.strip().partition("=") for line in env_lines(printed))
    return {name: value.strip('"') for name, _, value in lines}


def env_lines(printed: str) -> list[str]:
    return f"\n{printed}".partition("\n.env\n")[2].partition("\n\n")[0].splitlines()


def read_code(printed: str) -> str:
    """The indented lines below the line that says where they belong."""
    place, _, rest = printed.partition("\n\nnext:\n")[0].rpartition("):\n")
    assert place and rest, printed
    return "\n".join(line.removeprefix("  ") for line in rest.splitlines()) + "\n"


@requirement("RUN-15")
def test_each_framework_is_one_that_a_fitting_client_shows() -> None:
    assert FITTING.keys() == read_frameworks().keys()


@requirement("RUN-15")
@pytest.mark.parametrize("name", FITTING)
def test_the_printed_configuration_is_that_of_the_client_and_of_its_project(broker: Operator, name: str) -> None:
    printed = create(broker, name, "--scope", "openid offline_access github:repo", "--provider", "github")
    lines = dict(line.split(maxsplit=1) for line in printed.partition("\n\n")[0].splitlines())
    env = read_env(printed)
    project = read_frameworks()[name].project
    if project:
        assert env.keys() == read_projects()[project].env.keys(), "the project reads these lines"
        assert (
            f"dev.py recipe {project} --copy my-app --issuer {lines['issuer']} --client-id {lines['client_id']} "
            in (printed)
        )
    values = env.values() if env else [printed]
    assert lines["client_id"] in " ".join(values) and broker.environ["BROKER_ISSUER"] in " ".join(values)
    assert not re.search(r"\{[a-z_]+\}", printed), "every place is filled in"
    assert len(printed.splitlines()) <= 40
    if "CLIENT_SECRET" in env:
        assert re.fullmatch("[0-9a-f]{64}", env["CLIENT_SECRET"])


@requirement("RUN-15")
@pytest.mark.parametrize("name", FITTING)
def test_a_client_that_could_not_run_the_app_is_refused_and_not_registered(broker: Operator, name: str) -> None:
    other = FITTING["service" if name not in ("service", "python", "next") else "device"]
    before = broker.made("client", "list")
    done = broker("client", "create", "--name", "App", *other, "--framework", name).refused(f"--framework {name} needs")
    assert re.search(r"next: (add|remove|leave out) ", done.err), done.err
    assert broker.made("client", "list") == before


@requirement("RUN-15")
def test_a_framework_that_does_not_exist_gets_the_nearest(broker: Operator) -> None:
    done = broker("client", "create", "--name", "App", *REDIRECT, "--framework", "raect")
    assert done.code == 2 and "did you mean react?" in done.err


@requirement("RUN-07", "RUN-15")
@pytest.mark.parametrize("framework", [[], ["--framework", "react"]])
def test_each_command_of_the_next_step_is_alone_in_its_line(broker: Operator, framework: list[str]) -> None:
    printed = broker("client", "create", "--name", "App", *REDIRECT, *framework).out
    commands = [line.strip() for line in printed.partition("\nnext:\n")[2].splitlines() if "dev.py" in line]
    assert commands
    for command in commands:
        assert re.fullmatch(r"python3 dev\.py [a-z]+( --?[a-z-]+| [^ ]+)*", command)
        words = command.split()[2:]
        if words[0] == "broker":
            assert broker(*words[1:]).code == 0, command
        else:
            assert words[:2] == ["recipe", "react"] and all(word.startswith("--") for word in words[2::2]), command


@requirement("RUN-15", "GEN-18")
def test_show_prints_the_same_later_without_the_secret(broker: Operator) -> None:
    client = broker.made("client", "create", "--name", "App", *FITTING["next"])
    printed = broker("client", "show", client["client_id"], "--framework", "next").out
    env = read_env(printed)
    assert (env["CLIENT_ID"], env["CLIENT_SECRET"]) == (client["client_id"], "YOUR_SECRET")
    assert client["client_secret"] not in printed
    broker("client", "show", client["client_id"], "--framework", "device").refused("--device")
    rows = broker.made("client", "show", client["client_id"], "--framework", "next")
    assert rows == broker.made("client", "show", client["client_id"]) and len(rows) > 25


def run(code: str, folder: Path, env: dict[str, str], **more: str) -> str:
    """What a shell prints."""
    ended = subprocess.run(
        ["sh", "-eu", "-c", code], cwd=folder, env={"PATH": "/usr/bin:/bin", **env, **more}, capture_output=True,
        text=True, timeout=60, check=True,
    )  # fmt: skip
    return ended.stdout


def read_documents(text: str) -> Iterator[Any]:
    """Each JSON document; curl adds no line break."""
    while text:
        document, end = json.JSONDecoder().raw_decode(text)
        yield document
        text = text[end:]


@requirement("RUN-15")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_the_printed_command_of_a_service_gets_a_token(broker: Operator, tmp_path: Path, method: str) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    audience = f"https://{method.replace('_', '-')}.example"
    broker.made("resource", "create", "--audience", audience, "--scope", "orders:read")
    words = ("--resource", audience, "--scope", "orders:read")
    client = ("client", "create", "--name", "Job", "--auth-method", method, "--for-itself")
    done = broker(*client, *words, "--framework", "service")
    (answer,) = read_documents(run(read_code(done.out), tmp_path, read_env(done.out)))
    assert answer["token_type"] == "Bearer", answer


@requirement("RUN-15")
def test_the_printed_commands_of_a_device_and_of_a_shell_start_a_sign_in(broker: Operator, tmp_path: Path) -> None:
    if not (shutil.which("curl") and shutil.which("openssl")):
        pytest.skip("curl or openssl is not installed")
    device = create(broker, "device", "--scope", "openid offline_access")
    first, second = read_documents(run(read_code(device), tmp_path, read_env(device), DEVICE_CODE="x" * 43))
    assert first.get("user_code"), first
    assert second["error"] == "invalid_grant"
    shell = create(broker, "curl", "--scope", "openid offline_access demo:notes:read")
    url, refused = run(read_code(shell), tmp_path, read_env(shell), CODE="none").splitlines()
    with urlopen(url, timeout=10) as page:
        assert page.status == 200
    assert json.loads(refused)["error"] == "invalid_grant"


@requirement("RUN-15")
def test_the_printed_code_is_code(broker: Operator, tmp_path: Path) -> None:
    tree = ast.parse(read_code(create(broker, "python")))
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    import token_broker_client

    assert all(hasattr(token_broker_client, name.name) for node in imported for name in node.names)
    if not shutil.which("node"):
        pytest.skip("Node is not installed")
    for name in ("react", "bff"):
        file = tmp_path / f"{name}.mjs"
        file.write_text(read_code(create(broker, name)))
        subprocess.run(["node", "--check", str(file)], check=True, timeout=60)


def test_a_scope_that_a_shell_would_read_is_quoted(broker: Operator, tmp_path: Path) -> None:
    printed = create(broker, "device", "--scope", "openid google:https://www.googleapis.com/auth/drive.file")
    (tmp_path / ".env").write_text("\n".join(f"{line.strip()}" for line in env_lines(printed)) + "\n")
    said = run('. ./.env && printf %s "$SCOPE"', tmp_path, {})
    assert said == "google:https://www.googleapis.com/auth/drive.file openid"
