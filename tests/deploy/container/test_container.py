"""The container of `serve`: its definition, its steps in a folder of this machine, and the image where one is built."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.package.package import PYTHON
from local.package.wheel import tracked_files
from tests.deploy.container.dockerfile import FOLDER, Instruction, read_dockerfile
from tests.kit import ROOT
from tests.kit.requirement import requirement

STEPS = read_dockerfile()
LAST = STEPS[-1].stage
BUILDER = next(filter(shutil.which, ("docker", "podman", "buildah")), None)


def named(name: str, stage: int = LAST) -> list[Instruction]:
    return [one for one in STEPS if one.name == name and one.stage == stage]


@requirement("START-05")
def test_each_base_is_one_patch_release_of_the_python_that_lambda_runs() -> None:
    for base in (one.words()[0] for one in STEPS if one.name == "FROM"):
        assert re.fullmatch(rf"python:{re.escape(PYTHON)}\.\d+-slim-[a-z]+", base)


@requirement("START-05")
def test_it_runs_without_root_and_nothing_is_installed_in_the_last_stage() -> None:
    (user,) = named("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user.rest)
    assert not [one.rest for one in named("RUN") if "pip" in one.rest or "apt" in one.rest]
    assert [one.words()[0] for one in named("COPY")] == ["--from=build"]
    after = STEPS[STEPS.index(user) :]
    assert not [one for one in after if one.name in ("RUN", "COPY", "ADD")]
    (state,) = [one.words()[-1] for one in named("RUN")]
    assert f"TOKEN_BROKER_STATE={state}" in [one.rest for one in named("ENV")]
    assert [one.rest for one in named("VOLUME")] == [state]


@requirement("START-05")
def test_what_it_copies_is_tracked_and_is_all_that_the_package_is_built_from() -> None:
    sources = {word for one in named("COPY", 0) for word in one.words()[:-1]}
    assert {name.partition("/")[0] for name in tracked_files(ROOT)} | {"requirements-local.txt"} == sources
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == sources
    assert ignored[1] == "*" and not [one for one in STEPS if one.name == "ADD"]


@requirement("START-05")
@pytest.mark.timeout(300)
def test_its_steps_give_a_command_that_answers_its_health_check(tmp_path: Path) -> None:
    """Every path of the image lies below a folder here; the rest of each step is as it stands."""
    python = shutil.which(f"python{PYTHON}", path="/usr/local/bin:/usr/bin")
    if python is None:
        pytest.skip(f"no Python {PYTHON} here")
    places = {name: str(tmp_path / name.strip("/").replace("/", "-")) for name in ("/source", "/opt/token-broker")}
    places["/var/lib/token-broker"] = str(tmp_path / "state")

    def here(text: str) -> str:
        for place, folder in places.items():
            text = text.replace(place, folder)
        return text

    copy_sources(here)
    environ = {"PATH": f"{Path(python).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    environ |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    # Debian's Python cannot put pip into an environment, so ours acts on it.
    inner, outer = f"{here('/opt/token-broker')}/bin/python", f"{sys.executable} -m pip --python"
    for one in named("RUN", 0):
        step = here(one.rest).replace("python -m venv", f"{python} -m venv --without-pip")
        step = step.replace(f"{inner} -m pip", f"{outer} {inner}")
        done = subprocess.run(["sh", "-c", step], env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{one.rest}\n{done.stdout}{done.stderr}"
    serve(here, environ)


def copy_sources(here: Callable[[str], str]) -> None:
    for one in named("COPY", 0):
        *sources, target = one.words()
        for source in sources:
            into = Path(here(target), source) if target.endswith("/") else Path(here(target))
            into.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                shutil.copy(ROOT / source, into)


def serve(here: Callable[[str], str], environ: dict[str, str]) -> None:
    """Run what the image runs, on a free port, until its health check succeeds."""
    environ |= {name: here(value) for one in named("ENV") for name, _, value in [one.rest.partition("=")]}
    Path(environ["TOKEN_BROKER_STATE"]).mkdir()
    (entry,), (command,) = named("ENTRYPOINT"), named("CMD")
    start = [*entry.words(), *command.words(), "--port", "0", "--json"]
    with subprocess.Popen(start, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            assert child.stdout is not None
            port = json.loads(child.stdout.readline())["issuer"].rpartition(":")[2]
            (health,) = named("HEALTHCHECK")
            probe = json.loads(health.rest.partition("CMD ")[2].replace(":8080/", f":{port}/"))
            assert subprocess.run(probe, env=environ, check=False).returncode == 0
        finally:
            child.terminate()
            assert child.wait(20) == 0


@requirement("START-05")
@pytest.mark.timeout(900)
@pytest.mark.skipif(BUILDER is None, reason="no docker, podman or buildah on the PATH")
def test_the_image_is_built_and_runs_without_root() -> None:
    build = [str(BUILDER), "build", "-t", "token-broker-test", "-f", str(FOLDER / "Dockerfile"), str(ROOT)]
    subprocess.run(build, check=True)
    if BUILDER == "buildah":
        return
    run = [str(BUILDER), "run", "--rm", "--read-only", "--tmpfs", "/tmp", "token-broker-test", "--version"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "Token Broker 0.1.0\n"
