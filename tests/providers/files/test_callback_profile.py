"""A name that a provider tells once, in JSON beside the code: profile, never identity (Apple's `user`)."""

import json
from collections.abc import Callable

import pytest

from tests.kit.provider_files import CENTERS, changed, read
from tests.kit.providers.provider_scene import Scene
from tests.kit.requirement import requirement

FILE = read(
    changed(
        CENTERS,
        (
            "[refresh]",
            '[identity.callback]\nparameter = "user"\n'
            'claims = { given_name = "name.firstName", family_name = "name.lastName", name = "full" }\n\n[refresh]',
        ),
    )
)
TOLD = {"name": {"firstName": "Al", "lastName": "Ice"}, "full": 7, "email": "x@evil.example", "sub": "bob"}


@pytest.fixture
def scene(stage: Callable[..., Scene]) -> Scene:
    return stage(FILE, metadata={"company": "1"})


def profile(scene: Scene, **told: str | None) -> dict[str, object]:
    """What userinfo says after a sign-in with this parameter of the callback."""
    scene.redeem(scene.come_back(**told))
    bearer = {"Authorization": f"Bearer {scene.app.tokens['access_token']}"}
    return dict(scene.app.person.call(f"{scene.app.issuer}/userinfo", bearer).json())


@requirement("CB-09")
def test_it_is_a_name_and_nothing_more(scene: Scene) -> None:
    honest = profile(scene, user=None)
    told = profile(scene, user=json.dumps(TOLD))
    assert (told["given_name"], told["family_name"]) == ("Al", "Ice")
    assert told["sub"] == honest["sub"] and "email" not in told and "name" not in told


@requirement("CB-09")
@pytest.mark.parametrize(
    "told", ["", "{", "[]", "7", '"x"', '{"name":"x"}', '{"name":{"firstName":["a"]}}', "[" * 3000]
)
def test_what_cannot_be_read_costs_nobody_the_sign_in(scene: Scene, told: str) -> None:
    assert "given_name" not in profile(scene, user=told)


def test_what_the_first_sign_in_told_is_kept_until_another_tells_it_anew(scene: Scene) -> None:
    assert profile(scene, user=json.dumps(TOLD))["given_name"] == "Al"
    assert profile(scene, user=None)["given_name"] == "Al"
    changed_name = json.dumps({"name": {"firstName": "Alma"}})
    again = profile(scene, user=changed_name)
    assert again["given_name"] == "Alma" and "family_name" not in again
