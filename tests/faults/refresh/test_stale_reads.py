"""Every read that is not marked strongly consistent tells of the past, as far back as there is one (RELIABILITY F12).

What decides then either reads strongly or does not depend on it: a forgotten mark would be seen here.
"""

import pytest

from chalicelib.vault.unused_connections import revoke_unused_connections
from tests.kit.connection_scene import Scene
from tests.kit.faults import Past
from tests.kit.http.account_page import look, press
from tests.kit.http.browser import request
from tests.kit.http.tokens import Session, audits, refusal, start_session
from tests.kit.requirement import requirement


@pytest.fixture
def past(scene: Scene) -> Past:
    """From now on the table's weak reads say what they said first."""
    scene.line.inner = Past(scene.stack.dynamodb)
    return scene.line.inner


def call(session: Session, method: str, path: str) -> int:
    """As the app; the status."""
    headers = {"Authorization": f"Bearer {session.access}"}
    return request(session.stack.netloc, method, path, headers=headers).status


@requirement("F12", "GEN-15")
def test_a_whole_life_of_a_grant_is_decided_as_it_stands(scene: Scene, past: Past) -> None:
    session = start_session(scene.stack)
    first = session.refresh().json
    scene.clock.advance(40)
    second = session.refresh(first["refresh_token"]).json
    assert session.exchange().status == 200 and len(audits(scene.stack)) == 1
    assert scene.stack.redeem(session.sign_in).status == 400
    for token in (first["refresh_token"], second["refresh_token"]):
        assert refusal(session.refresh(token)) == (400, "invalid_grant")
    assert session.userinfo().status == 401 and session.exchange().status == 400


@requirement("F12", "REV-03", "ACC-03")
@pytest.mark.parametrize("by", ["user", "client"])
def test_what_is_taken_back_is_over_even_if_the_index_has_not_heard_of_it(scene: Scene, past: Past, by: str) -> None:
    browser = scene.session.sign_in.browser
    look(browser)  # as it stood then is what the index goes on saying
    newer = start_session(scene.stack, client=(scene.session.client, scene.session.sign_in.secret))
    scene.clock.advance(2)
    if by == "user":
        assert press(browser, look(browser), f"end_app_sure {scene.session.client.client_id}").status == 200
    else:
        assert call(scene.session, "DELETE", "/connections") == 200
    assert past.weak.count("by_sub") > 0, "the index was asked"
    for session in (scene.session, newer):
        assert session.userinfo().status == 401 and session.refresh().status == 400
        assert session.exchange().status == 400
    assert scene.connection.status == "revoked" or scene.asks() != "token"


@requirement("F12", "VLT-07")
def test_a_refresh_at_the_provider_and_the_duties_after_it_read_no_past(scene: Scene, past: Past) -> None:
    for _ in range(2):
        scene.expire()
        assert scene.asks() == "token"
    assert scene.outside.refreshes == 2 and scene.stored() in scene.lives_at_provider()
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    assert scene.end() == "failed"
    scene.provider.faults.status = None
    scene.clock.advance(3600)
    assert [one.outcome for one in scene.run_jobs()] == ["done"] * len(scene.guards or [1])
    assert scene.jobs == [] and scene.lives_at_provider() == []


@requirement("F12", "VLT-07")
def test_an_unused_connection_is_not_ended_because_its_grant_is_not_in_the_index_yet(scene: Scene, past: Past) -> None:
    revoke_unused_connections(scene.stack.broker)  # what it has seen then it goes on seeing
    for _ in range(2):
        scene.clock.advance(29 * 86400)
        scene.sign_in_again()
        scene.clock.advance(2 * 86400)
        revoke_unused_connections(scene.stack.broker)
        assert scene.connection.status == "active"
