"""What a sign-in says of its connection: read once, held against the file, kept sealed, and used for it alone."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chalicelib.encryption import open_metadata, open_user_key
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.jobs.user_erasure import erase_user
from chalicelib.providers.definition import InvalidDefinition
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, user_key_item_key
from local.browser import Exchange
from local.fake.profile import profile_server
from local.fake.web import Answer, json_answer
from tests.kit.provider_files import CENTERS, changed, read
from tests.kit.providers.provider_scene import Scene
from tests.kit.requirement import requirement

Stage = Callable[..., Scene]


@pytest.fixture
def scene(stage: Stage) -> Scene:
    """The provider says: its European center, company 4711, one site."""
    return stage(read(CENTERS), metadata={"company": "4711"})


def call(scene: Scene, path: str = "things", **headers: str) -> Exchange:
    """A call through the proxy."""
    bearer = {"Authorization": f"Bearer {scene.app.tokens['access_token']}", **headers}
    return scene.app.person.call(f"{scene.app.issuer}/proxy/centers/{path}", bearer)


def called(scene: Scene) -> str:
    """The URL at which the proxy's call came out."""
    answer = call(scene)
    assert answer.status == 200, (answer.status, answer.text)
    return str(answer.json()["called"]).removeprefix("GET ")


def metadata_of(scene: Scene, connection: Connection) -> dict[str, str]:
    """As it is stored."""
    broker, place = scene.trial.broker, user_key_item_key(connection.sub)
    sealed = broker.store.read(place).get(place)
    assert sealed is not None
    return open_metadata(open_user_key(broker.keys.get("vault"), sealed.sealed, sub=connection.sub), connection)


def reasons(scene: Scene) -> list[str]:
    """What the log says."""
    lines = [json.loads(line) for line in scene.trial.shop.log.getvalue().strip("\x00").splitlines()]
    return [str(line.get("reason") or line.get("value") or "") for line in lines]


@requirement("VAL-03")
def test_each_value_is_read_from_its_source_and_used_from_then_on(scene: Scene) -> None:
    scene.redeem(scene.come_back())
    asked = [one for one in scene.asked() if "authorize" not in one]
    assert asked == [
        "POST accounts.team.example/token",
        "GET eu.team.example/sites",
        "GET accounts.team.example/me",
    ]
    connection = scene.connection()
    expected = {"accounts": "https://accounts.team.example", "company": "4711", "center": "eu"}
    assert metadata_of(scene, connection) == {**expected, "site": scene.player.metadata["site"]}
    assert called(scene) == f"https://eu.team.example/4711/{scene.player.metadata['site']}/things"
    other = (
        call(scene, Broker_Host="x").status,
        call(scene, **{"Broker-Host": "files-eu.team.example"}).json()["called"],
    )
    assert other == (200, "GET https://files-eu.team.example/things")
    assert call(scene, **{"Broker-Host": "files-us.team.example"}).status == 400


@requirement("VAL-03")
def test_a_sign_in_costs_one_request_for_it_and_nothing_later_does(scene: Scene) -> None:
    scene.redeem(scene.come_back())
    assert scene.player.count("metadata") == 1
    called(scene)
    scene.app.hand_out()
    scene.trial.shop.clock.advance(3700)
    scene.app.renew()
    scene.app.hand_out()
    scene.app.end(scene.app.hand_out()["connection_id"])
    assert scene.player.count("metadata") == 1
    assert [one for one in scene.asked() if "/token" in one] == ["POST accounts.team.example/token"] * 2
    assert "POST accounts.team.example/4711/revoke" in scene.asked()


@requirement("VAL-03")
def test_a_refresh_keeps_them_and_the_next_sign_in_replaces_them(scene: Scene) -> None:
    scene.redeem(scene.come_back())
    first = scene.connection()
    scene.trial.shop.clock.advance(3700)
    scene.app.renew()
    scene.player.metadata["center"] = "us"  # said by the refresh too, and not taken from it
    second = scene.connection()
    assert second.token_generation == first.token_generation + 1
    assert metadata_of(scene, second) == metadata_of(scene, first)
    assert second.sealed_metadata != first.sealed_metadata
    scene.player.metadata |= {"center": "eu", "company": "99"}
    scene.redeem(scene.come_back())
    assert metadata_of(scene, scene.connection())["company"] == "99"
    assert "/99/" in called(scene)


@requirement("VAL-03")
def test_no_row_says_them_and_a_value_of_another_row_does_not_open(scene: Scene) -> None:
    scene.redeem(scene.come_back())
    old = scene.connection()
    assert b"4711" not in old.sealed_metadata and b"accounts" not in old.sealed_metadata
    scene.trial.shop.clock.advance(3700)
    scene.app.renew()
    new = scene.connection()
    put_back(scene, new, sealed_metadata=old.sealed_metadata)
    before = len(scene.asked())
    answer = call(scene)
    assert (answer.status, answer.json()["error"]) == (500, "server_error")
    assert call(scene).json()["reason"] == "reauth_required"
    assert len(scene.asked()) == before


def put_back(scene: Scene, connection: Connection, **fields: Any) -> None:
    """As somebody with the table's keys could."""
    moved = msgspec.structs.replace(connection, **fields)
    scene.trial.shop.deployment.put_fields(connection_item_key(connection.connection_id), moved, *fields)


@requirement("VAL-02")
@pytest.mark.parametrize(
    "told",
    [
        "https://evil.example",
        "https://accounts.team.example.evil.example",
        "https://accounts.team.example@evil.example",
        "https://accounts.team.example/",
        "https://ACCOUNTS.team.example",
        "http://accounts.team.example",
        "accounts.team.example",
        "{company}",
        "//evil.example",
        "https://evil.example#https://accounts.team.example",
    ],
)
def test_a_callback_names_no_host_that_the_file_does_not_list(scene: Scene, told: str) -> None:
    answer = scene.come_back(**{"accounts-server": told})
    assert answer.status == 400 and not answer.location
    assert "metadata_accounts_refused" in reasons(scene)
    assert {one.endpoint for one in scene.player.requests} <= {"authorize"}


@requirement("VAL-02")
@pytest.mark.parametrize(
    "told", ["47/11", "..", "47 11", "4711?x=", "%2e%2e", "1" * 10, "1" * 999, "4711\n", "４７", None]
)
def test_a_callback_brings_no_more_into_a_path_than_its_pattern(scene: Scene, told: str | None) -> None:
    answer = scene.come_back(companyId=told)
    assert answer.status == 400 and {one.endpoint for one in scene.player.requests} <= {"authorize"}


@requirement("VAL-02")
def test_a_value_given_twice_is_refused(scene: Scene) -> None:
    callback = scene.app.person.decide(scene.leave()).location
    assert scene.app.person.get(callback + "&companyId=1").status == 400
    assert scene.player.count("token") == 0


@requirement("VAL-02")
def test_after_a_refused_callback_the_right_one_still_goes_on(scene: Scene) -> None:
    """Nothing was claimed: a stranger who made the browser open a wrong one has spoilt nothing."""
    callback = scene.app.person.decide(scene.leave()).location
    assert scene.app.person.get(callback.replace("companyId=4711", "companyId=x")).status == 400
    scene.redeem(scene.app.person.get(callback))
    assert scene.app.hand_out()["scope"] == "me write"


def test_a_listed_value_may_be_absent_where_the_file_has_a_default(stage: Stage) -> None:
    text = changed(CENTERS, ('default = "https://accounts.team.test"', 'default = "https://accounts.team.example"'))
    scene = stage(read(text), metadata={"company": "1"})
    scene.redeem(scene.come_back(**{"accounts-server": None}))
    assert "accounts" not in metadata_of(scene, scene.connection())
    assert "POST accounts.team.example/token" in scene.asked()


@requirement("VAL-02")
@pytest.mark.parametrize("said", ["asia", "us.evil.example", "", None, ["us"], {"a": 1}, True])
def test_a_token_answer_names_no_host_that_the_file_does_not_list(scene: Scene, said: Any) -> None:
    scene.player.metadata["center"] = said
    answer = scene.come_back()
    assert answer.status == 502 and "error=server_error" in answer.text
    assert {one.endpoint for one in scene.player.requests} <= {"authorize", "token", "revoke"}
    ended = [one.headers["host"] for one in scene.player.requests if one.endpoint == "revoke"]
    assert set(ended) == {"accounts.team.example"}, "what came is ended at a host that the file lists"
    assert scene.trial.shop.deployment.scan("CONNECTION#", Connection) == [] or not scene.app.tokens


@requirement("VAL-02")
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (json_answer({"error": "no sites"}, 403), 303),
        (json_answer([]), 303),
        (json_answer([{"id": ""}]), 303),
        (json_answer([{"id": "../x"}]), 502),
        (json_answer([{"id": 7}]), 502),
        (json_answer({"error": "later"}, 503), 502),
        (Answer(200, {"Content-Type": "text/html"}, b"<html>"), 502),
        (Answer(302, {"Location": "https://evil.example/"}, b""), 502),
    ],
)
def test_what_a_further_request_may_say(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, answer: Answer, status: int
) -> None:
    """Where nothing is said the default stands; what is said and does not fit ends the sign-in."""
    monkeypatch.setitem(profile_server._ANSWERS, "metadata", lambda *_: answer)
    came = scene.come_back()
    assert came.status == status
    if status == 303:
        scene.redeem(came)
        assert called(scene) == "https://eu.team.example/4711/none/things"


@requirement("VAL-03")
def test_tokens_of_one_place_never_go_with_the_values_of_another(stage: Stage) -> None:
    """The same user picks another company and ticks less: the wider tokens of the first one do not stay."""
    scene = stage(read(changed(CENTERS, ('kind = "rotating"', 'kind = "static"'))), metadata={"company": "1"})
    scene.redeem(scene.come_back())
    wide = scene.app.hand_out()
    scene.player.metadata["company"] = "2"
    scene.app.scope = "openid offline_access centers:me"
    scene.redeem(scene.come_back())
    narrow = scene.app.hand_out()
    assert narrow["connection_id"] == wide["connection_id"] and narrow["access_token"] != wide["access_token"]
    assert metadata_of(scene, scene.connection())["company"] == "2"


@requirement("VAL-03")
def test_a_connection_without_a_value_that_the_file_wants_has_to_be_made_anew(scene: Scene) -> None:
    """As after a change of the file, which has a further value now, or lists one no more."""
    scene.redeem(scene.come_back())
    connection = scene.connection()
    put_back(scene, connection, sealed_metadata=b"")
    answer = scene.app.ask_hand_out()
    said = answer.json()
    assert (answer.status, said["error"], said["reason"]) == (400, "invalid_grant", "reauth_required")
    assert said["retry"] == "after_connect" and said["connect_uri"]
    assert "company" in reasons(scene) or "center" in reasons(scene)
    ended = scene.app.end(connection.connection_id)
    assert ended["at_provider"] == "failed"


@requirement("VAL-03")
def test_a_job_ends_tokens_where_they_were_given(scene: Scene) -> None:
    """The call fails; until the job repeats it, the user has signed in again, for another company."""
    scene.redeem(scene.come_back())
    scene.player.faults.at, scene.player.faults.status = frozenset({"revoke"}), 503
    ended = scene.app.end(scene.app.hand_out()["connection_id"])
    assert ended["at_provider"] == "failed"
    scene.player.faults.reset()
    scene.player.metadata["company"] = "5"
    scene.trial.shop.clock.advance(5)
    scene.redeem(scene.come_back())
    before = len(scene.asked())
    scene.trial.shop.clock.advance(3600)
    run_due_jobs(scene.trial.broker)
    assert "POST accounts.team.example/4711/revoke" in scene.asked()[before:]


@requirement("VAL-03")
def test_tokens_of_an_erased_user_are_ended_where_they_were_given_and_then_no_value_is_left(scene: Scene) -> None:
    scene.redeem(scene.come_back())
    connection = scene.connection()
    scene.player.faults.at, scene.player.faults.status = frozenset({"revoke"}), 503
    erase_user(scene.trial.broker, connection.sub)
    scene.player.faults.reset()
    before = len(scene.asked())
    for _ in range(4):  # this user has connections of other tests too
        scene.trial.shop.clock.advance(7 * 3600)
        run_due_jobs(scene.trial.broker)
    assert "POST accounts.team.example/4711/revoke" in scene.asked()[before:]
    assert not any(family.refresh_token and not family.revoked for family in scene.player.grants.families)
    erase_user(scene.trial.broker, connection.sub)
    place = connection_item_key(connection.connection_id)
    left = scene.trial.broker.store.read(place).get(place)
    assert left is not None and left.sealed_metadata == b""


@requirement("VAL-02", "CB-09")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # Who the user is would be the browser's word: another company's user of the same number.
        (
            'source = "userinfo"\nissuer = "https://login.team.example"',
            'source = "userinfo"\nissuer = "https://login.team.example/{company}"',
            "identity.issuer: {company} is not filled in here",
        ),
        # Not known yet when it is needed: it would be asked as it stands.
        ('token_endpoint = "{accounts}/token"', 'token_endpoint = "https://{center}.team.example/token"', "{center}"),
        ('url = "https://{center}.team.example/sites"', 'url = "https://{center}.team.example/{site}"', "{site}"),
    ],
)
def test_a_file_may_use_a_value_only_where_it_is_known_and_vouched_for(old: str, new: str, said: str) -> None:
    with pytest.raises(InvalidDefinition, match=f"{re.escape(said)}.*"):
        read(changed(CENTERS, (old, new)))


@requirement("VAL-02")
def test_the_host_that_took_the_code_may_be_part_of_who_the_user_is() -> None:
    issuer = (
        'source = "userinfo"\nissuer = "https://login.team.example"',
        'source = "userinfo"\nissuer = "{accounts}"',
    )
    assert read(changed(CENTERS, issuer)).identity.issuer == "{accounts}"
    read(changed(CENTERS, (issuer[0], issuer[0].replace('example"', 'example/{center}"'))))
