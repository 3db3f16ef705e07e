"""A success that this release cannot read as tokens stays in the journal, and another release reads it there."""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.config import read_catalog
from chalicelib.encryption import open_answer
from chalicelib.records.connection import Recovery
from chalicelib.upstream.http import HttpResponse
from chalicelib.vault.journal_log import ANSWER_BYTES, write_to_log
from chalicelib.vault.rules.refresh_decision import UNREAD_SECONDS
from tests.kit.connection_scene import Scene
from tests.kit.http.tokens import change
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
KINDS = ["static", "once", "ask", "grace"]
STRANGE: dict[str, dict[str, Any]] = {
    "expires_in is no number": {"expires_in": "3600s"},
    "expires_in is negative": {"expires_in": -1},
    "an unknown token_type": {"token_type": "N_A"},
    "a scope that is not ASCII": {"scope": "notés"},
    "an unknown error member beside the tokens": {"error": "none"},
    "the access token is too long": {"access_token": "a" * 20_000},
}
CHANGED = {"token_type": "N_A"}  # what the provider writes from today on


def strange(**members: Any) -> Any:
    """The provider has done its work, and says it in its own way."""

    def alter(response: HttpResponse) -> HttpResponse:
        document = {**msgspec.json.decode(response.body), **members}
        return HttpResponse(status=200, headers=response.headers, body=msgspec.json.encode(document))

    return alter


def release(scene: Scene, folder: Path) -> None:
    """The operator corrects the provider's file, and another process reads it."""
    file = folder / "demo.toml"
    file.write_text(file.read_text().replace("[token]", '[token]\ntoken_types = ["bearer", "n_a"]'))
    catalog = read_catalog(scene.stack.settings)
    scene.stack.broker = dataclasses.replace(scene.stack.broker, catalog=catalog)
    scene.new_process()


def kept(scene: Scene) -> HttpResponse:
    """What lies in the journal, opened."""
    assert scene.recovery is not None and scene.recovery.sealed
    raw = open_answer(scene.user_key(), scene.recovery, owner=scene.connection)
    return msgspec.msgpack.decode(raw, type=HttpResponse)


@requirement("VLT-15")
@pytest.mark.parametrize("members", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_success_that_does_not_parse_is_kept_as_it_came(make_scene: Any, kind: str, members: dict[str, Any]) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    scene.outside.answer = strange(**members)
    assert scene.asks() == "later" and scene.connection.status == "in_doubt" and scene.connection.lost == 0
    said = msgspec.json.decode(kept(scene).body)
    assert said.items() >= members.items() and "refresh_token" in said


@requirement("VLT-15")
@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_format_costs_one_release_and_no_new_sign_in(make_scene: Any, kind: str, tmp_path: Path) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    scene.outside.answer = strange(**CHANGED)
    for pause in (0, 40, 600, 7200):
        scene.new_process()
        scene.clock.advance(pause)
        assert scene.asks() == "later"
    asked = scene.outside.refreshes
    assert asked == 1 or kind not in ("once", "ask"), "a spent token is not used again while its successor lies here"
    release(scene, tmp_path / kind)
    assert scene.asks() in ("token", "dead"), "the access token of that answer may have ended meanwhile"
    assert scene.stored() in scene.lives_at_provider() and scene.connection.status == "active"
    scene.outside.answer = None
    scene.expire()
    assert scene.asks() == "token"


@requirement("VLT-15")
def test_a_user_who_was_asked_to_sign_in_after_a_day_is_healed_by_the_release_too(
    make_scene: Any, tmp_path: Path
) -> None:
    scene: Scene = make_scene("ask")
    scene.expire()
    scene.outside.answer = strange(**CHANGED)
    assert scene.asks() == "later"
    scene.clock.advance(UNREAD_SECONDS - 60)
    answer = scene.exchange()
    assert (answer.status, answer.header("retry-after")) == (503, "300")
    scene.clock.advance(61)
    assert scene.asks() == "reauth_required" and scene.connection.status == "reauth_required"
    assert scene.asks() == "reauth_required" and scene.outside.refreshes == 1
    release(scene, tmp_path / "ask")
    assert scene.asks() in ("token", "dead") and scene.connection.status == "active"
    assert scene.stored() in scene.lives_at_provider()


@requirement("VLT-15")
def test_a_page_instead_of_tokens_makes_nobody_wait(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.expire()
    page = HttpResponse(status=200, headers={"content-type": "text/html"}, body=b"<h1>Maintenance</h1>")
    scene.outside.answer = lambda _: page
    assert scene.asks() == "later" and kept(scene).body == page.body
    scene.clock.advance(40)
    assert scene.asks() == "reauth_required"


@requirement("VLT-15", "F17")
@pytest.mark.parametrize("later", ["page", "refusal"])
def test_what_holds_no_tokens_never_replaces_what_may(make_scene: Any, later: str) -> None:
    """Two attempts for the same tokens: the first answer may hold new ones."""
    scene: Scene = make_scene("grace")
    scene.expire()
    scene.outside.answer = strange(**CHANGED)
    assert scene.asks() == "later"
    first = scene.recovery
    answers = {"page": ("text/html", b"<h1>"), "refusal": ("application/json", b'{"error": "invalid_request"}')}
    kind, body = answers[later]
    scene.outside.answer = lambda _: HttpResponse(status=200, headers={"content-type": kind}, body=body)
    change(scene.stack, scene.session.connection_place(), retry_at=0)
    scene.new_process()
    assert scene.asks() == "later" and scene.outside.refreshes == 2
    assert scene.recovery == first


@requirement("VLT-15")
def test_a_refusal_in_a_200_leaves_nothing_in_the_journal(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.expire()
    headers = {"content-type": "application/json"}
    scene.outside.instead = HttpResponse(status=200, headers=headers, body=b'{"error": "invalid_client"}')
    assert scene.asks() == "later" and scene.connection.status == "active"
    assert scene.recovery is not None and scene.recovery.generation == -1 and scene.recovery.sealed == b""
    scene.outside.instead = None
    scene.clock.advance(60)
    assert scene.asks() == "token"


@requirement("VLT-14", "VLT-15")
def test_what_could_not_be_read_when_access_was_ended_is_ended_by_the_release_that_can(
    make_scene: Any, tmp_path: Path
) -> None:
    scene: Scene = make_scene("sibling")
    scene.expire()
    scene.outside.answer = strange(**CHANGED)
    assert scene.asks() == "later"
    assert scene.end() == "pending" and scene.lives_at_provider() != []
    scene.clock.advance(61)
    assert [one.outcome for one in scene.run_jobs()] == ["later"]
    assert kept(scene).body and scene.connection.endings["running_refresh"] == "pending"
    release(scene, tmp_path / "sibling")
    scene.clock.advance(3600)
    assert [one.outcome for one in scene.run_jobs()] == ["done"]
    assert scene.lives_at_provider() == [] and scene.connection.endings["running_refresh"] == "revoked"


@requirement("F16")
def test_the_longest_answer_fits_into_one_line_of_the_log(make_scene: Any) -> None:
    scene: Scene = make_scene("static")
    recovery = Recovery(connection_id=scene.connection_id)
    before = len(scene.stack.log.getvalue())
    write_to_log(scene.stack.broker, msgspec.structs.replace(recovery, sealed=b"\xff" * (ANSWER_BYTES + 1024)))
    assert len(scene.stack.log.getvalue()) - before < 256 * 1024


@requirement("F16")
def test_a_longer_answer_is_not_taken(make_scene: Any) -> None:
    scene: Scene = make_scene("static")
    scene.expire()
    scene.provider.faults.token_characters = ANSWER_BYTES + 1
    assert scene.asks() == "later" and scene.recovery is None and scene.connection.lost == 1
