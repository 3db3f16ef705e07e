"""A whole sign-in through the real package: AWS's runtime client, API Gateway's events, TLS to the provider."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.package.function import LambdaFunction
from tests.deploy.package.modules import KEPT, loaded, own
from tests.deploy.package.runtime_api import FunctionFailed
from tests.deploy.package.world import ISSUER, NETWORK, World
from tests.kit.requirement import requirement


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"), played=True)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def function(host_package: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LambdaFunction]:
    folder = tmp_path_factory.mktemp("function")
    with LambdaFunction(host_package, folder, environ=world.environ, path=(NETWORK,)) as running:
        yield running


def test_the_package_answers_under_the_runtime_client(function: LambdaFunction, world: World) -> None:
    answer = world.door(function).send("GET", f"{ISSUER}/health")
    assert (answer.status, json.loads(answer.body)["status"]) == (200, "ok")


def test_a_whole_sign_in_through_the_package(function: LambdaFunction, world: World) -> None:
    """All seven steps, then what the app does afterwards: its API call, the hand-out, a refresh."""
    sign_in = world.sign_in(world.door(function))
    tokens = sign_in.run()
    assert {"access_token", "id_token", "refresh_token"} <= tokens.keys()
    userinfo = sign_in.browser.door.send(
        "GET", f"{ISSUER}/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert json.loads(userinfo.body)["email"] == "alice@demo.example"
    handed = sign_in.hand_out(tokens["access_token"])
    assert handed["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    refreshed = sign_in.refresh(tokens["refresh_token"])
    assert refreshed["refresh_token"] != tokens["refresh_token"]


def test_what_the_function_logs_holds_no_credential(function: LambdaFunction, world: World) -> None:
    sign_in = world.sign_in(world.door(function))
    tokens = sign_in.run()
    log = function.log.read_text()
    for secret in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], sign_in.verifier):
        assert secret not in log


def test_the_package_finds_nothing_of_this_environment(function: LambdaFunction) -> None:
    """Everything that it loaded came from the zip, the runtime, or the standard library."""
    maps = Path(f"/proc/{function.process.pid}/maps").read_text()
    own = {line.split()[-1] for line in maps.splitlines() if ".so" in line and "site-packages" in line}
    assert own
    assert not [name for name in own if "/.venv/" in name]


@requirement("GEN-12")
def test_without_settings_the_package_refuses_and_its_log_says_what_is_missing(
    host_package: Path, world: World, tmp_path: Path
) -> None:
    with LambdaFunction(host_package, tmp_path, environ={}) as function:
        answer = world.door(function).send("GET", f"{ISSUER}/.well-known/openid-configuration")
        assert answer.status == 503
        assert "BROKER_ISSUER is missing" in function.log.read_text()


@requirement("OPS-25")
def test_a_cold_start_imports_what_is_written_down(function: LambdaFunction) -> None:
    """The gate without noise: what init loads beside the standard library. Pages and AWS come with their first use."""
    found = loaded(function.task)
    written = KEPT.read_text(encoding="utf-8").split()
    assert own(found) == written, "if it has to be so: python -m tests.deploy.package.modules"
    tops = {name.split(".")[0] for name in found}
    ours = {"_cffi_backend", "_openssl", "app", "chalice", "chalicelib", "cryptography", "jwt", "msgspec"}
    assert {name.split(".")[0] for name in written} == ours
    assert not tops & {"asyncio", "multiprocessing", "sqlite3", "unittest", "xml"}


def test_a_package_for_another_architecture_fails_where_it_starts(tmp_path: Path) -> None:
    """The runtime API hears of it, rather than a request."""
    from local.package.package import architecture, build_package

    other = {"arm64": "x86_64", "x86_64": "arm64"}[architecture("host")]
    package = build_package(tmp_path / "other.zip", arch=other)
    with pytest.raises(FunctionFailed, match="did not start"), LambdaFunction(package, tmp_path, environ={}):
        pytest.fail("it started")
