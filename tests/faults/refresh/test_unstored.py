"""Where the table refuses every time after the provider has answered, the sealed answer is kept in the log."""

import base64
import json
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.records.item_keys import connection_item_key, provider_item_key, user_key_item_key
from chalicelib.vault.journal_log import read_from_log
from cli.commands.vault import recover
from tests.kit.connection_scene import Scene
from tests.kit.http.tokens import change, events, read
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
KINDS = ["static", "once", "ask", "grace"]
RECOVERY_PUT = 2


def lose_in_the_log(scene: Scene) -> tuple[str, list[str]]:
    """A refresh whose every write after the answer is refused: what came, and the log's lines since."""
    scene.expire()
    before = len(scene.stack.log.getvalue())
    came = scene.crash(RECOVERY_PUT, "T", times=99)
    return came, scene.stack.log.getvalue()[before:].splitlines()


def outcomes(scene: Scene, lines: list[str]) -> list[str]:
    return [row["outcome"] for row in recover(scene.stack.broker, lines)]


@requirement("F16", "VLT-04")
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_table_refused_is_recovered_from_the_log_and_heals_the_connection(make_scene: Any, kind: str) -> None:
    scene: Scene = make_scene(kind)
    came, lines = lose_in_the_log(scene)
    assert came == "later" and scene.recovery is None and scene.connection.token_generation == 1
    asked = scene.outside.refreshes
    scene.clock.advance(16)
    assert outcomes(scene, lines) == ["healed"]
    assert scene.connection.status == "active" and scene.connection.token_generation == 2
    assert scene.stored() in scene.lives_at_provider()
    assert scene.asks() == "token" and scene.outside.refreshes == asked
    assert outcomes(scene, lines) == ["superseded"] and scene.connection.token_generation == 2


@requirement("F16", "VLT-04", "GEN-18")
def test_the_log_holds_cipher_text_only(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    spent = [scene.stored(), scene.stored("access_token")]
    _, lines = lose_in_the_log(scene)
    (alarm,) = [event for event in events(scene.stack, "alarm") if event["kind"] == "recovery_not_stored"]
    scene.clock.advance(16)
    assert outcomes(scene, lines) == ["healed"]
    secrets = [*spent, scene.stored(), scene.stored("access_token"), scene.user_key().decode("latin-1")]
    raw = base64.b64decode("".join(alarm["sealed"])).decode("latin-1")
    assert not [secret for secret in secrets if secret in "\n".join(lines) or secret in raw]
    assert "[redacted]" not in json.dumps(alarm)


@requirement("F16")
def test_a_connection_that_was_given_up_meanwhile_heals_too(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    _, lines = lose_in_the_log(scene)
    scene.clock.advance(16)
    assert scene.asks() == "reauth_required"
    assert outcomes(scene, lines) == ["healed"] and scene.asks() == "token"


@requirement("F16", "VLT-11")
@pytest.mark.parametrize("kind", ["once", "sibling"])
def test_what_belongs_to_a_revoked_connection_is_ended_at_the_provider(make_scene: Any, kind: str) -> None:
    scene: Scene = make_scene(kind)
    _, lines = lose_in_the_log(scene)
    scene.end()
    assert outcomes(scene, lines) == ["ended"]
    assert scene.connection.status == "revoked" and scene.lives_at_provider() == []


@requirement("F16", "VLT-07")
def test_where_our_secret_there_does_not_open_what_was_recovered_is_left_to_a_duty(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    _, lines = lose_in_the_log(scene)
    scene.end()
    place = provider_item_key("demo")
    secret = read(scene.stack, place).sealed_secret
    change(scene.stack, place, sealed_secret=b"broken")
    assert outcomes(scene, lines) == ["ended"] and [job.kind for job in scene.jobs].count("revoke") == 1
    change(scene.stack, place, sealed_secret=secret)
    scene.clock.advance(61)
    assert {one.outcome for one in scene.run_jobs()} == {"done"} and scene.lives_at_provider() == []


@requirement("F16")
def test_a_newer_sign_in_is_not_overwritten(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    _, lines = lose_in_the_log(scene)
    scene.sign_in_again()
    newer = scene.stored()
    assert outcomes(scene, lines) == ["superseded"] and scene.stored() == newer and scene.asks() == "token"


@requirement("F16", "VLT-07")
def test_while_somebody_asks_the_answer_is_laid_where_they_look(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    _, lines = lose_in_the_log(scene)
    assert scene.connection.is_leased(scene.clock.now())
    assert outcomes(scene, lines) == ["kept"] and scene.connection.token_generation == 1
    scene.clock.advance(16)
    assert scene.asks() == "token" and scene.outside.refreshes == 1


@requirement("F16", "F17")
def test_beside_a_newer_answer_what_was_recovered_is_ended_by_a_duty(make_scene: Any) -> None:
    scene: Scene = make_scene("sibling")
    _, lines = lose_in_the_log(scene)
    scene.clock.advance(16)
    assert scene.crash(RECOVERY_PUT + 2, "K") == "nothing", "in doubt it looks once more"
    assert scene.recovery is not None and scene.recovery.attempt == 2
    before = len(scene.provider.requests)
    assert outcomes(scene, lines) == ["kept"]
    assert [job.kind for job in scene.jobs] == ["revoke"]
    scene.clock.advance(16)
    assert scene.asks() == "token" and [one.outcome for one in scene.run_jobs()] == ["done"]
    (called,) = [one.form["token"] for one in scene.provider.requests[before:] if one.endpoint == "revoke"]
    assert called not in (scene.stored(), scene.stored("previous")), "what was in the log, and nothing else"


@requirement("F16", "VLT-04")
def test_a_line_that_was_altered_or_moved_heals_nothing(make_scene: Any) -> None:
    scene: Scene = make_scene("static")
    _, lines = lose_in_the_log(scene)
    scene.clock.advance(16)
    (kept,) = [found for found in map(read_from_log, lines) if found]
    line = next(line for line in lines if "recovery_not_stored" in line)
    said = json.loads(line)
    for changed in (
        {"sealed": [base64.b64encode(kept.sealed[:-1] + bytes([kept.sealed[-1] ^ 1])).decode()]},
        {"received_at": "soon"},
        {"sealed": ["?"]},
        {"sealed": 7},
        {"generation": None},
    ):
        assert "healed" not in outcomes(scene, [json.dumps({**said, **changed})])
    assert (
        outcomes(scene, ["", "{", "[]", "{}", "no JSON", line[: len(line) // 2], line.replace("alarm", "event")]) == []
    )
    assert scene.connection.token_generation == 1
    assert outcomes(scene, [f"2026-11-25T00:00:00Z 1234-5678 {line}"]) == ["healed"], "as the log's reader prints it"


@requirement("F16", "VLT-09")
def test_of_a_user_who_is_gone_nothing_comes_back(make_scene: Any) -> None:
    scene: Scene = make_scene("static")
    _, lines = lose_in_the_log(scene)
    key = {"pk": {"S": user_key_item_key(scene.connection.sub).pk}, "sk": {"S": "#"}}
    scene.stack.deployment.dynamodb.call("DeleteItem", {"TableName": scene.stack.settings.keys_table, "Key": key})
    assert outcomes(scene, lines) == ["gone"]
    scene.stack.deployment.delete(connection_item_key(scene.connection_id))
    assert outcomes(scene, lines) == ["gone"]


@requirement("F16")
def test_a_table_that_comes_back_in_time_needs_no_log(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.expire()
    assert scene.crash(RECOVERY_PUT, "T", times=9) == "token"
    assert scene.naps.taken == [0.5, 1.0, 2.0]
    assert "recovery_not_stored" not in scene.stack.log.getvalue()
    scene.expire()
    scene.time_left.seconds = 12
    scene.outside.after = lambda: setattr(scene.time_left, "seconds", 1.4)
    assert scene.crash(RECOVERY_PUT, "T", times=9) == "later", "there is no time to try again"
    assert "recovery_not_stored" in scene.stack.log.getvalue()


@requirement("F16")
def test_a_long_answer_passes_the_log_whole(make_scene: Any) -> None:
    scene: Scene = make_scene("static")

    def long(response: Any) -> Any:
        return replace(response, body=response.body.rstrip()[:-1] + b', "more": "' + b"x" * 9000 + b'"}')

    scene.outside.answer = long
    _, lines = lose_in_the_log(scene)
    scene.clock.advance(16)
    assert outcomes(scene, lines) == ["healed"]
