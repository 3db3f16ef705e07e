"""A provider that gives the very same refresh token again: no earlier duty of ours ends what a sign-in brought."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from tests.kit.connection_scene import Scene
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture
def scene(make_scene: Any, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """One refresh token for each user and app there, whatever happened before, until it is revoked."""
    made: Scene = make_scene("static")
    grants = made.provider.grants
    begin = grants.begin

    def begin_with_the_same(*arguments: Any, **more: Any) -> Any:
        family = begin(*arguments, **more)
        alive = [one for one in grants.families if one.refresh_token and not one.revoked and one is not family]
        if alive:
            family.refresh_token, alive[-1].refresh_token = alive[-1].refresh_token, None
        return family

    monkeypatch.setattr(grants, "begin", begin_with_the_same)
    return made


def refuse_revocation(scene: Scene) -> None:
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503


@requirement("CB-12", "VLT-07")
def test_a_duty_of_a_revocation_does_not_end_what_a_later_sign_in_was_given_again(scene: Scene) -> None:
    token = scene.stored()
    refuse_revocation(scene)
    assert scene.end() == "failed" and len(scene.jobs) == 1
    scene.clock.advance(1)
    scene.sign_in_again()
    assert scene.stored() == token and scene.connection.status == "active"
    scene.provider.faults.status = None
    scene.clock.advance(61)
    assert [one.outcome for one in scene.run_jobs()] == ["done"] and scene.jobs == []
    assert scene.lives_at_provider() == [token]
    scene.expire()
    assert scene.asks() == "token"


@requirement("CB-12")
def test_a_token_that_was_replaced_and_comes_back_is_not_ended_as_a_replaced_one(scene: Scene) -> None:
    """A, then B while the provider takes no revocation, then A again."""
    first, grants = scene.stored(), scene.provider.grants
    (family,) = [one for one in grants.families if one.refresh_token == first]
    refuse_revocation(scene)
    family.refresh_token = None
    scene.sign_in_again()
    second = scene.stored()
    assert second != first and len(scene.connection.outgoing) == 1
    (family,) = [one for one in grants.families if one.refresh_token == second]
    family.refresh_token = first
    scene.provider.faults.status = None
    scene.sign_in_again()
    assert scene.stored() == first and first in scene.lives_at_provider()
    scene.expire()
    assert scene.asks() == "token"


@requirement("CB-12")
def test_a_refresh_that_brings_a_replaced_token_back_takes_it_from_the_replaced_ones(scene: Scene) -> None:
    first, grants = scene.stored(), scene.provider.grants
    (family,) = [one for one in grants.families if one.refresh_token == first]
    refuse_revocation(scene)
    family.refresh_token = None
    scene.sign_in_again()
    (family,) = [one for one in grants.families if one.refresh_token == scene.stored()]
    assert len(scene.connection.outgoing) == 1
    scene.expire()
    scene.outside.answer = lambda response: replace(
        response, body=response.body.replace(str(family.refresh_token).encode(), first.encode())
    )
    assert scene.asks() == "token" and scene.stored() == first
    assert scene.connection.outgoing == ()


@requirement("CB-12", "F16")
def test_an_answer_of_an_earlier_sign_in_with_the_same_token_is_no_other_that_must_be_ended(scene: Scene) -> None:
    scene.expire()
    assert scene.crash(3, "K") == "nothing" and scene.recovery is not None
    scene.clock.advance(16)
    scene.sign_in_again()
    for _ in range(2):
        scene.expire()
        assert scene.asks() == "token" and scene.jobs == []
        scene.clock.advance(61)
    assert scene.stored() in scene.lives_at_provider()


@requirement("CB-12")
def test_a_refused_sign_in_does_not_end_a_token_that_the_connection_holds(scene: Scene) -> None:
    token, (client, secret) = scene.stored(), (scene.session.client, scene.session.sign_in.secret)
    context = json.dumps({"id_token": {"acr": {"essential": True, "values": ["urn:demo:two"]}}})
    scene.provider.faults.acr = "urn:demo:one"
    again = scene.stack.to_callback(client, secret, claims=context)
    assert again.browser.get(again.callback).answered["error"] == "unmet_authentication_requirements"
    assert scene.lives_at_provider() == [token]
    scene.expire()
    assert scene.asks() == "token"


@requirement("CB-12")
def test_a_job_of_a_refused_sign_in_does_not_end_what_a_later_one_was_given_again(scene: Scene) -> None:
    """The connection is revoked, so the refused sign-in's token is nobody's; then a sign-in brings it again."""
    client, secret = scene.session.client, scene.session.sign_in.secret
    context = json.dumps({"id_token": {"acr": {"essential": True, "values": ["urn:demo:two"]}}})
    assert scene.end() == "revoked"
    scene.clock.advance(1)
    refuse_revocation(scene)
    scene.provider.faults.acr = "urn:demo:one"
    again = scene.stack.to_callback(client, secret, claims=context)
    assert again.browser.get(again.callback).answered["error"] == "unmet_authentication_requirements"
    assert [job.kind for job in scene.jobs] == ["return"]
    scene.sign_in_again()
    token = scene.stored()
    scene.provider.faults.status = None
    scene.clock.advance(61)
    assert [one.outcome for one in scene.run_jobs()] == ["done"]
    assert scene.lives_at_provider() == [token]
