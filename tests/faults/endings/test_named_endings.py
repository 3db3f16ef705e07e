"""What a tombstone says of each token: revoked only after a call that succeeded, everything else by its own name."""

import ast
from pathlib import Path
from typing import Any

import pytest

from chalicelib.jobs.user_erasure import erase_user
from chalicelib.records.item_keys import provider_item_key
from chalicelib.vault.rules.revocation_results import is_alive_there
from tests.kit import ROOT
from tests.kit.connection_scene import PROFILES, Scene, die, write_profile
from tests.kit.http.stack import Parts, Stack
from tests.kit.http.tokens import change, events, read
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
CHALICELIB = ROOT / "chalicelib"


def come(scene: Scene, times: int = 4) -> list[str]:
    """The schedule comes, each time in another process; what came of the duties."""
    outcomes = list[str]()
    for _ in range(times):
        scene.clock.advance(61)
        scene.new_process()
        outcomes += [one.outcome for one in scene.run_jobs()]
    return outcomes


def give_up(scene: Scene) -> list[str]:
    """The schedule comes until no duty is left."""
    outcomes = list[str]()
    while scene.jobs:
        scene.clock.advance(6 * 3600)
        scene.new_process()
        outcomes += [one.outcome for one in scene.run_jobs()]
    return outcomes


def refuse_calls(scene: Scene, *, refuse: bool = True) -> None:
    """The provider takes no revocation."""
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503 if refuse else None


def erase(scene: Scene) -> None:
    """While the provider is being asked, the user is erased."""
    assert erase_user(scene.stack.broker, scene.session.claims["sub"]) is not None


class DiesBeforeItsCommit:
    """The process ends after its answer was kept."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def call(self, operation: str, payload: Any) -> Any:
        if "sealed_access_token = " in str(payload.get("UpdateExpression")) and "owner" in str(payload):
            die()
        return self.inner.call(operation, payload)


def called(scene: Scene) -> list[str]:
    """Tokens that the provider was asked to end."""
    return [one.form["token"] for one in scene.provider.requests if one.endpoint == "revoke"]


@requirement("VLT-14")
def test_what_a_repeated_call_cannot_end_is_named_and_not_called_revoked(parts: Parts, tmp_path: Path) -> None:
    write_profile(tmp_path, PROFILES["ask"])
    file = tmp_path / "demo.toml"
    file.write_text(file.read_text().replace('kind = "rfc7009"', 'kind = "rfc7009"\naccepts = ["access_token"]'))
    scene = Scene(lambda **more: Stack(parts, provider_dirs=(str(tmp_path),), **more), PROFILES["ask"])
    refresh, place = scene.stored(), provider_item_key("demo")
    secret, before = read(scene.stack, place).sealed_secret, len(called(scene))
    change(scene.stack, place, sealed_secret=b"does not open")
    assert scene.end() == "failed" and set(scene.connection.endings.values()) == {"failed"}
    change(scene.stack, place, sealed_secret=secret)
    assert come(scene) == ["done"]
    assert scene.connection.endings == {"refresh_token": "not_supported", "access_token": "revoked"}
    assert refresh not in called(scene)[before:] and scene.connection.settled_at > 0


@requirement("VLT-14")
def test_an_answer_that_was_kept_and_ended_is_not_called_lost(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    scene.expire()
    scene.line.inner, inner = DiesBeforeItsCommit(scene.line.inner), scene.line.inner
    assert scene.asks() == "nothing" and scene.recovery is not None
    scene.line.inner = inner
    assert scene.end() == "revoked" and scene.lives_at_provider() == []
    come(scene)
    assert set(scene.connection.endings.values()) == {"revoked"} and scene.jobs == []


@requirement("VLT-14", "VLT-09")
def test_an_answer_whose_key_was_destroyed_is_kept_until_it_is_given_up_with_an_alarm(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    scene.expire()
    scene.outside.after = lambda: erase(scene)
    scene.line.inner, inner = DiesBeforeItsCommit(scene.line.inner), scene.line.inner
    assert scene.asks() == "nothing"
    scene.line.inner = inner
    assert come(scene, 2) == ["later", "later"] and scene.recovery is not None and scene.recovery.sealed
    assert scene.connection.endings["running_refresh"] == "pending"
    assert give_up(scene)[-1] == "given_up"
    assert scene.connection.endings["running_refresh"] == "lost" and is_alive_there(scene.connection)
    assert [one["kind"] for one in events(scene.stack, "alarm")][-1] == "revocation_given_up"


@requirement("VLT-14", "VLT-09")
@pytest.mark.parametrize("refused", [False, True])
def test_what_a_refresh_brings_to_a_user_who_is_erased_meanwhile_is_ended(make_scene: Any, refused: bool) -> None:
    scene: Scene = make_scene("once")
    scene.expire()

    def erase_and_refuse() -> None:
        erase(scene)
        refuse_calls(scene, refuse=refused)

    scene.outside.after = erase_and_refuse
    assert scene.asks() not in ("token", "dead")
    assert (scene.lives_at_provider() != []) == refused
    refuse_calls(scene, refuse=False)
    assert "given_up" not in come(scene, 6) and scene.jobs == []
    assert scene.lives_at_provider() == [] and set(scene.connection.endings.values()) == {"revoked"}


@requirement("VLT-14")
def test_no_line_of_the_rooms_that_end_tokens_calls_one_revoked_of_its_own() -> None:
    """The word is compared with, is the status of a tombstone, or is the answer of a request; what became of a token at
    the provider is said by the call alone (`provider_client.revoke_token`)."""
    found = []
    for path in sorted([*(CHALICELIB / "vault").glob("*.py"), *(CHALICELIB / "jobs").glob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        allowed = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)}
        found += [
            f"{path.name}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value == "revoked" and id(node) not in allowed
        ]
    assert found == []
