"""What a provider may do instead of answering a refresh, on the wire, for each profile (F18)."""

import itertools
from typing import Any

import pytest

from chalicelib.upstream.http import HttpResponse
from tests.engine.scene import Scene, lose
from tests.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
KINDS = ["static", "once", "ask", "grace"]


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
    "503 before accepting": (False, HttpResponse(status=503), "unknown"),
    "429": (False, HttpResponse(status=429), "untouched"),
    "invalid_client": (
        False,
        HttpResponse(status=401, headers={"content-type": "application/json"}, body=b'{"error": "invalid_client"}'),
        "untouched",
    ),
    "invalid_grant once": (
        False,
        HttpResponse(status=400, headers={"content-type": "application/json"}, body=b'{"error": "invalid_grant"}'),
        "ended",
    ),
    "no refresh_token": (True, "drop", "renewed"),
    "different scopes": (True, "fewer", "renewed"),
}


def lay(scene: Scene, carried_out: bool, what: Any) -> None:
    """The fault, for one answer."""
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


@requirement("F18", "CB-12", "VLT-08")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("crash", ["no crash", "dies before the fault is recorded", "its record is lost"])
def test_twelve_faults_never_overwrite_a_stored_token_and_lose_nothing_unsaid(
    make_scene: Any, kind: str, crash: str
) -> None:
    scene: Scene = make_scene(kind)
    for name, (carried_out, what, known) in FAULTS.items():
        scene.expire()
        stored, generation = scene.stored(), scene.connection.token_generation
        lay(scene, carried_out, what)
        if crash == "no crash":
            came = scene.asks()
        else:
            came = scene.crash(2, "K" if crash.startswith("dies") else "A", times=1 if crash.startswith("dies") else 3)
        behave(scene)
        status = scene.connection.status
        assert scene.stored() != "", name
        if known != "renewed":
            assert (scene.stored(), scene.connection.token_generation) == (stored, generation), name
        if crash == "no crash":
            assert came == {"renewed": "token", "ended": "reauth_required"}.get(known, "later"), name
            expected = {"unknown": "in_doubt", "untouched": "active", "ended": "reauth_required"}.get(known)
            assert status == (expected or ("partial" if what == "fewer" else status)), name
        else:
            assert scene.connection.attempt_started > 0 or status != "active" or known in ("renewed", "untouched"), name
        settle(scene, name)


def settle(scene: Scene, name: str) -> None:
    """Who comes later gets a token that works or is asked to sign in, within an hour, and never a dead one."""
    scene.new_process()
    for pause in itertools.chain((16, 40), itertools.repeat(600, 8)):
        scene.clock.advance(pause)
        came = scene.asks()
        if came != "later":
            break
    assert came in ("token", "reauth_required"), name
    if came == "reauth_required" or scene.connection.status == "partial":
        scene.sign_in_again()


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
    from chalicelib.upstream.http import ProviderUnavailable

    def refuse() -> None:
        raise ProviderUnavailable("connect_failed", sent=False)

    scene: Scene = make_scene("ask")
    scene.expire()
    scene.outside.before = refuse
    assert scene.asks() == "later"
    assert (scene.connection.status, scene.connection.attempt_started) == ("active", 0)
    scene.clock.advance(60)
    assert scene.asks() == "token"
