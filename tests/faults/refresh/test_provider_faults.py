"""What a provider may do instead of answering a refresh: 15 faults x 4 profiles x 3 crash modes, and calm ones (F18).

Of each case: a stored token is never overwritten by nothing, nothing is lost of which the table did not say first that
it is in doubt, and in doubt the provider is asked three times an hour at most, whoever asks us how often.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.encryption import encryption_context_of, open_value
from chalicelib.upstream.http import HttpResponse, ProviderUnavailable
from tests.kit.connection_scene import PROFILES, Scene, lose, write_profile
from tests.kit.http.stack import Parts, Stack
from tests.kit.requirement import requirement
from tests.kit.tiers import pairwise

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
KINDS = ["static", "once", "ask", "grace"]
JSON = {"content-type": "application/json"}
# The first write after the provider's answer is the third call of a hand-out.
RECORD, EVERY_TRY = 2, 99
# A success is kept before it is read: of one that cannot be read, what is known is written one call later.
KEPT_FIRST = {"cut body", "token of 60 KiB", "HTML"}
CRASHES: dict[str, tuple[Any, int]] = {
    "B: no write arrives any more": ("B", EVERY_TRY),
    "A: it is written and no answer arrives": ("A", EVERY_TRY),
    "C: the process dies once it is written": ("C", 1),
}


def answered(status: int, body: bytes, kind: str = "application/json", **headers: str) -> Any:
    """The provider has done its work, and something else answers."""
    return lambda response: HttpResponse(status=status, headers={"content-type": kind, **headers}, body=body)


def cut(response: HttpResponse) -> HttpResponse:
    """Half of the body."""
    return HttpResponse(status=200, headers=response.headers, body=response.body[: len(response.body) // 2])


def huge(response: HttpResponse) -> HttpResponse:
    """A token of 60 KiB."""
    body = b'{"token_type": "bearer", "access_token": "' + b"x" * 61440 + b'"}'
    return HttpResponse(status=200, headers=response.headers, body=body)


# name -> (carried out by the provider, what comes instead, what is known of the refresh token then)
FAULTS: dict[str, tuple[bool, Any, str]] = {
    "timeout after accepting": (True, "lose", "unknown"),
    "500 after accepting": (True, answered(500, b"{}"), "unknown"),
    "cut body": (True, cut, "unknown"),
    "token of 60 KiB": (True, huge, "unknown"),
    "HTML": (True, answered(200, b"<h1>Maintenance</h1>", "text/html"), "unknown"),
    "302": (True, answered(302, b"", location="https://elsewhere.example/"), "unknown"),
    "403 page after accepting": (True, answered(403, b"<h1>Blocked</h1>", "text/html"), "unknown"),
    "408 after accepting": (True, answered(408, b"{}"), "unknown"),
    "server_error with 400 after accepting": (True, answered(400, b'{"error": "server_error"}'), "unknown"),
    "503 before accepting": (False, HttpResponse(status=503), "unknown"),
    "429": (False, HttpResponse(status=429), "untouched"),
    "invalid_client": (False, HttpResponse(status=401, headers=JSON, body=b'{"error": "invalid_client"}'), "untouched"),
    "invalid_grant": (False, HttpResponse(status=400, headers=JSON, body=b'{"error": "invalid_grant"}'), "ended"),
    "no refresh_token": (True, "drop", "renewed"),
    "different scopes": (True, "fewer", "renewed"),
}


def test_there_are_a_hundred_and_eighty_cases() -> None:
    assert len(FAULTS) * len(KINDS) * len(CRASHES) == 180


@pytest.fixture(scope="module")
def scenes(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Scene]]:
    """One broker per profile; each case has an app and a sign-in of its own, and a provider that is well."""
    made: dict[str, Scene] = {}

    def take(kind: str) -> Scene:
        if kind not in made:
            folder: Path = tmp_path_factory.mktemp(kind)
            write_profile(folder, PROFILES[kind])
            made[kind] = Scene(lambda **more: Stack(parts, provider_dirs=(str(folder),), **more), PROFILES[kind])
        scene = made[kind]
        parts.current = scene.stack
        scene.provider.faults.reset()
        scene.provider.grants.clock = scene.clock.now
        for name, value in PROFILES[kind].does.items():
            setattr(scene.provider.faults, name, value)
        scene.new_process()
        behave(scene)
        scene.begin()
        scene.expire()
        return scene

    yield take
    parts.current = None
    parts.provider.faults.reset()
    parts.provider.grants.clock = __import__("time").time


def lay(scene: Scene, carried_out: bool, what: Any) -> None:
    """The fault, for one answer and, but for one that is lost, for those that follow."""
    if what == "lose":
        scene.outside.after = lose
    elif what == "drop":
        scene.provider.faults.drop_refresh_token = True
    elif what == "fewer":
        for family in scene.provider.grants.families:
            family.scopes -= {"email"}
    elif carried_out:
        scene.outside.answer = what
    else:
        scene.outside.instead = what


def behave(scene: Scene) -> None:
    """The provider is well again."""
    scene.outside.answer = scene.outside.instead = scene.outside.before = scene.outside.after = None
    scene.provider.faults.drop_refresh_token = False


class Watch:
    """What the table says of one connection, looked at after each call.

    said_doubt   it has said that an attempt is without an end, or has ended without anybody knowing how
    """

    def __init__(self, scene: Scene) -> None:
        self.scene, self.tries_in_doubt, self.said_doubt = scene, 0, False
        self.user_key, self.connection = scene.user_key(), scene.connection
        self.stored = self._open()

    @property
    def in_doubt(self) -> bool:
        """As of the last look."""
        return self.connection.status == "in_doubt" or self.connection.attempt_started > 0

    def ask(self, ask: Callable[[], str]) -> str:
        """What comes of it; a try counts where the table said before that it is in doubt."""
        doubtful, before = self.in_doubt, self.scene.outside.refreshes
        came = ask()
        asked = self.scene.outside.refreshes - before
        assert asked <= 1, "one request asks the provider once"
        self.tries_in_doubt += asked if doubtful else 0
        self._look()
        return came

    def _look(self) -> None:
        """Never nothing; and of one generation always the same."""
        before, self.connection = self.connection.token_generation, self.scene.connection
        was, self.stored = self.stored, self._open()
        assert self.stored != ""
        assert self.connection.token_generation > before or self.stored == was
        self.said_doubt |= self.in_doubt

    def _open(self) -> str:
        sealed, place = self.connection.sealed_refresh_token, encryption_context_of(self.connection)
        return open_value(self.user_key, sealed, "refresh_token", place=place).decode() if sealed else ""


def go_on(watch: Watch, fault: str) -> str:
    """An hour of callers, each in a process that remembers nothing, while the provider stays as it is: but for one
    invalid_grant, after which it is well."""
    scene, (carried_out, what, known) = watch.scene, FAULTS[fault]
    came = "later"
    for pause in (16, 60, 300, 900, 1200):
        scene.new_process()
        scene.clock.advance(pause)
        behave(scene)
        if known != "ended":
            lay(scene, carried_out, what)
        came = watch.ask(scene.asks)
        if came != "later":
            break
    assert watch.tries_in_doubt <= 3
    return came


def settle(watch: Watch, came: str) -> str:
    """The provider is well: who was told to come later gets a token that works, or is asked to sign in."""
    scene = watch.scene
    behave(scene)
    for _ in range(4):
        if came != "later":
            break
        scene.new_process()
        unread = 86400 if scene.recovery is not None else 0  # what may hold tokens keeps the user for a day
        scene.clock.advance(max(1200, watch.connection.retry_at - scene.clock.now(), unread))
        came = watch.ask(scene.asks)
    return came


def check_end(watch: Watch, came: str, kind: str, known: str) -> None:
    """Nothing is lost that was not in doubt before; and what is there is what the provider takes."""
    assert came in ("token", "reauth_required")
    if came == "token":
        assert watch.stored in watch.scene.lives_at_provider()
        assert watch.connection.status in ("active", "partial")
    else:
        assert watch.said_doubt or known == "ended"
        assert kind != "static" or known == "ended", "a token that does not rotate is never lost"


def product() -> Iterator[Any]:
    """Every case. A change waits for those in which each two of fault, crash and profile meet."""
    cover = pairwise(FAULTS, CRASHES, KINDS)
    for case in itertools.product(FAULTS, CRASHES, KINDS):
        marks = [] if case in cover else [pytest.mark.nightly("provider-faults")]
        yield pytest.param(*case, marks=marks, id="-".join(case))


@requirement("F18", "CB-12", "VLT-08")
@pytest.mark.parametrize(("fault", "crash", "kind"), product())
def test_a_fault_and_a_crash_lose_nothing_unsaid_and_overwrite_no_token(
    scenes: Callable[[str], Scene], fault: str, crash: str, kind: str
) -> None:
    scene, (carried_out, what, known) = scenes(kind), FAULTS[fault]
    watch, (mode, times) = Watch(scene), CRASHES[crash]
    lay(scene, carried_out, what)
    came = watch.ask(lambda: scene.crash(RECORD + (fault in KEPT_FIRST), mode, times=times))
    assert came in ("nothing", "later") or (came, known) == ("reauth_required", "ended")
    written = mode != "B"
    if known == "renewed":
        assert (scene.recovery is not None) == written
    elif not written:
        assert watch.connection.status == "active" and watch.said_doubt
    else:
        assert watch.connection.status == {"unknown": "in_doubt", "ended": "reauth_required"}.get(known, "active")
    check_end(watch, settle(watch, go_on(watch, fault)), kind, known)


@requirement("F18", "CB-12", "VLT-08")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_alone_is_written_down_as_what_it_is(scenes: Callable[[str], Scene], fault: str, kind: str) -> None:
    scene, (carried_out, what, known) = scenes(kind), FAULTS[fault]
    watch = Watch(scene)
    lay(scene, carried_out, what)
    came = watch.ask(scene.asks)
    assert came == {"renewed": "token", "ended": "reauth_required"}.get(known, "later")
    expected = {"unknown": "in_doubt", "untouched": "active", "ended": "reauth_required"}
    assert watch.connection.status == expected.get(known, "partial" if what == "fewer" else "active")
    assert watch.connection.token_generation == (2 if known == "renewed" else 1)
    if came == "later":
        came = settle(watch, go_on(watch, fault))
    check_end(watch, came, kind, known)


@requirement("F18")
@pytest.mark.parametrize(
    ("fault", "expected"),
    [({"lose_answer": True}, "in_doubt"), ({"huge": True}, "in_doubt"), ({"broken_json": True}, "in_doubt")],
    ids=str,
)
def test_on_the_wire_too(make_scene: Any, fault: dict[str, bool], expected: str) -> None:
    scene: Scene = make_scene("once")
    scene.expire()
    for name, value in fault.items():
        setattr(scene.provider.faults, name, value)
    assert scene.asks() == "later" and scene.connection.status == expected


@requirement("F18")
def test_a_provider_that_cannot_be_reached_has_done_nothing(make_scene: Any) -> None:
    def refuse() -> None:
        raise ProviderUnavailable("connect_failed", sent=False)

    scene: Scene = make_scene("ask")
    scene.expire()
    scene.outside.before = refuse
    assert scene.asks() == "later"
    assert (scene.connection.status, scene.connection.attempt_started) == ("active", 0)
    scene.clock.advance(60)
    assert scene.asks() == "token"
