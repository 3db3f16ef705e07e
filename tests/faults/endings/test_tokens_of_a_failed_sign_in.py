"""Whatever fails after a provider's token response, its tokens are revoked there, in the same call or by a job."""

from typing import Any

import pytest

from tests.kit.connection_scene import Scene
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.stack import SignIn
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
REFUSED = [
    {"wrong_nonce": True},
    {"wrong_audience": True},
    {"expired_id_token": True},
    {"wrong_key": True},
    {"drop_id_token": True},
    {"other_userinfo_subject": True},
    {"expires_in": "soon"},
    {"token_type": "N_A"},
]


@pytest.fixture
def scene(make_scene: Any) -> Scene:
    made: Scene = make_scene("ask")
    return made


def come_back(scene: Scene, who: str = "bob") -> SignIn:
    """To just before our callback, as somebody who has never signed in."""
    return scene.stack.to_callback(scene.session.client, scene.session.sign_in.secret, who=who)


def run_all_jobs(scene: Scene) -> None:
    for _ in range(3):
        scene.clock.advance(61)
        scene.run_jobs()


@requirement("VLT-07", "CB-08")
@pytest.mark.parametrize("fault", REFUSED, ids=lambda fault: next(iter(fault)))
def test_a_refused_token_response_leaves_no_live_token(scene: Scene, fault: dict[str, Any]) -> None:
    stored, back = scene.stored(), come_back(scene)
    for name, value in fault.items():
        setattr(scene.provider.faults, name, value)
    assert back.browser.get(back.callback).status == 502
    assert scene.lives_at_provider() == [stored]


@requirement("VLT-07", "GEN-13")
@pytest.mark.parametrize("call", range(1, 5), ids=["read", "user_key", "subject", "connection"])
@pytest.mark.parametrize("times", [3, 40], ids=["for_one_call", "for_the_request"])
def test_a_table_that_fails_before_the_connection_is_stored_leaves_no_live_token(
    scene: Scene, call: int, times: int
) -> None:
    stored, back = scene.stored(), come_back(scene)
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode="B", first=call, times=times))
    assert back.browser.get(back.callback).status == 503
    scene.line.faulty = None
    run_all_jobs(scene)
    assert scene.lives_at_provider() == [stored] and scene.jobs == []


@requirement("VLT-07", "CB-12")
def test_a_connection_whose_write_was_not_acknowledged_keeps_its_tokens(scene: Scene) -> None:
    back = come_back(scene)
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode="A", first=4, times=3))
    assert back.browser.get(back.callback).status == 503
    scene.line.faulty = None
    run_all_jobs(scene)
    assert len(scene.lives_at_provider()) == 2


@requirement("VLT-07")
def test_a_sign_in_that_failed_with_little_time_left_is_ended_by_a_job(scene: Scene) -> None:
    stored, back = scene.stored(), come_back(scene)
    scene.provider.faults.wrong_nonce = True
    scene.time_left.seconds = 3.0
    assert back.browser.get(back.callback).status == 502
    assert [job.kind for job in scene.jobs] == ["return"]
    scene.time_left.seconds = 25.0
    run_all_jobs(scene)
    assert scene.lives_at_provider() == [stored] and scene.jobs == []
