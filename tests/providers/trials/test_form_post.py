"""A provider that posts its answer: the POST brings no cookie, so it decides nothing; the GET behind it does."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from local.browser import Browser, Exchange, query_of, read_page
from tests.kit.http.sign_in_scene import with_query
from tests.kit.providers.provider_scene import Scene, Stage
from tests.kit.providers.team_files import FORM_POST
from tests.kit.providers.team_provider import team
from tests.kit.requirement import requirement


@pytest.fixture
def scene(stage: Stage) -> Scene:
    made: Scene = stage(team(FORM_POST))
    return made


def posted(scene: Scene, decision: str = "alice") -> tuple[str, dict[str, str]]:
    """The form that the provider's page posts to us: where, and what."""
    page = scene.app.person.decide(scene.leave(), decision)
    (form,) = read_page(page.text).forms
    return form.action, dict(form.fields)


def post(url: str, fields: dict[str, str]) -> Exchange:
    """As a browser does it across sites: without any of our cookies."""
    return Browser().post_form(url, [*fields.items()], Origin="https://login.team.example")


@requirement("CB-13")
def test_the_post_leads_to_the_get_and_that_completes(scene: Scene) -> None:
    url, fields = posted(scene)
    answer = post(url, fields)
    assert answer.status == 303 and not answer.cookies
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    told = query_of(answer.location)
    assert (told["code"], told["state"]) == (fields["code"], fields["state"])
    assert answer.location.startswith(url + "?")
    scene.redeem(scene.app.person.get(answer.location))
    assert scene.app.hand_out()["access_token"]


@requirement("CB-13")
def test_nothing_is_asked_or_stored_for_the_post(scene: Scene) -> None:
    url, fields = posted(scene)
    before = len(scene.player.requests)
    for _ in range(3):
        assert post(url, fields).status == 303
    assert len(scene.player.requests) == before
    scene.redeem(scene.app.person.get(post(url, fields).location))


@requirement("CB-13")
def test_what_else_was_posted_is_sealed_and_never_stands_in_the_url(scene: Scene) -> None:
    url, fields = posted(scene)
    location = post(url, {**fields, "id_token": "e30.e30.x", "more": "of it"}).location
    assert "Alice" in fields["user"] and "Alice" not in location
    assert {name for name, _ in parse_qsl(urlsplit(location).query)} == {"code", "state", "posted"}


@requirement("CB-13")
def test_a_get_without_the_seal_completes_nothing(scene: Scene) -> None:
    url, fields = posted(scene)
    answer = scene.app.person.get(f"{url}?{urlencode(fields)}")
    assert answer.status == 400 and scene.player.count("token") == 0


@requirement("CB-13")
@pytest.mark.parametrize("changed", ["code", "error", "iss", "state", "posted"])
def test_the_seal_holds_for_just_this_answer(scene: Scene, changed: str) -> None:
    url, fields = posted(scene)
    _, other = posted(scene)
    location = post(url, fields).location
    value = {"code": other["code"], "state": other["state"], "posted": query_of(location)["posted"][:-2] + "AA"}
    answer = scene.app.person.get(with_query(location, **{changed: value.get(changed, "https://x.example")}))
    assert answer.status == 400 and scene.player.count("token") == 0
    assert "code" not in query_of(answer.location)


@requirement("CB-13")
def test_the_seal_is_of_this_provider(scene: Scene, stage: Stage) -> None:
    url, fields = posted(scene)
    location = post(url, fields).location
    shop = stage(team(FORM_POST, provider_id='"other"')).trial.shop
    assert scene.app.person.get(location.replace("/callback/team", "/callback/other")).status == 400
    assert "callback_not_as_posted" in shop.log.getvalue()


@requirement("CB-13")
def test_the_seal_is_over_after_a_minute(scene: Scene) -> None:
    url, fields = posted(scene)
    location = post(url, fields).location
    scene.trial.shop.clock.advance(60)
    answer = scene.app.person.get(location)
    assert answer.status == 400 and scene.player.count("token") == 0


@requirement("CB-02", "CB-13")
def test_in_another_browser_it_completes_nothing(scene: Scene) -> None:
    url, fields = posted(scene)
    assert Browser().get(post(url, fields).location).status == 403
    assert scene.player.count("token") == 0


@requirement("CB-10", "CB-13")
def test_a_refusal_is_posted_too(scene: Scene) -> None:
    url, fields = posted(scene, "refuse")
    location = post(url, fields).location
    assert set(query_of(location)) == {"error", "state", "posted"}
    assert query_of(scene.app.person.get(location).location)["error"] == "access_denied"


@requirement("CB-13", "GEN-01", "GEN-04")
@pytest.mark.parametrize(
    "more",
    [
        [("code", "another")],
        [("state", "another")],
        [("iss", "x" * 4000), ("error", "y" * 4000)],
        [("user", "x" * 5000)],
    ],
)
def test_a_malformed_form_is_refused(scene: Scene, more: list[tuple[str, str]]) -> None:
    url, fields = posted(scene)
    answer = Browser().post_form(url, [*fields.items(), *more])
    assert answer.status == 400 and not answer.location


@requirement("CB-13")
def test_more_than_a_url_can_hold_costs_the_profile_alone(scene: Scene) -> None:
    url, fields = posted(scene)
    location = post(url, {**fields, "user": '{"name": "' + "x" * 3000 + '"}'}).location
    assert len(location) < 2000
    scene.redeem(scene.app.person.get(location))


@requirement("CB-13")
def test_without_state_there_is_nothing_to_go_on_with(scene: Scene) -> None:
    url, fields = posted(scene)
    assert post(url, {"code": fields["code"]}).status == 400


@requirement("CB-13")
@pytest.mark.parametrize("path", ["/callback/team", "/callback/nobody"])
def test_nobody_else_posts(stage: Stage, path: str) -> None:
    plain: Scene = stage(team())
    answer = post(plain.app.issuer + path, {"code": "c", "state": "s"})
    assert (answer.status, answer.location) == (400, "")


@requirement("CB-13")
def test_a_posted_callback_reads_no_query(scene: Scene) -> None:
    url, fields = posted(scene)
    assert post(f"{url}?code=another", fields).status == 400
