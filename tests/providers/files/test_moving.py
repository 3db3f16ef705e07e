"""A provider whose operator names other hosts: tokens of before are for the hosts of before, and shown to nobody."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.jobs.user_erasure import erase_user
from chalicelib.provider_client import load_provider
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.item_keys import connection_item_key
from chalicelib.upstream.http import HttpRequest, HttpResponse
from chalicelib.vault.journal_recovery import recover_journal
from chalicelib.vault.outbox import enqueue_orphan_revocation
from chalicelib.vault.rules.revocation_results import result_of
from cli.deployment.operations import set_provider
from tests.kit.provider_files import TENANTS, changed, read
from tests.kit.providers.provider_scene import Scene
from tests.kit.requirement import requirement

Stage = Callable[..., Scene]
US, EU = {"region": "us", "tenant": "acme"}, {"region": "eu", "tenant": "acme"}
# Whose account it is does not hang on the region.
GLOBAL = changed(
    TENANTS,
    ('source = "userinfo"\nissuer = "https://{region}', 'source = "userinfo"\nissuer = "https://all'),
)


def move(scene: Scene, variables: dict[str, str]) -> None:
    """As `broker provider set ... --ends-connections` does it."""
    scene.trial.shop.deployment.clock = scene.trial.shop.clock
    made = set_provider(
        scene.trial.shop.deployment,
        "team",
        client_id=scene.record.client_id,
        client_secret=scene.player.grants.clients[scene.record.client_id].client_secret,
        variables=variables,
        moves=scene.record,
    )
    assert made.variables == variables and made.moved_at
    scene.trial.shop.clock.advance(30)  # older than any cache


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every URL that anything is sent to."""
    urls: list[str] = []
    honest = GuardedFetcher.fetch

    def fetch(fetcher: GuardedFetcher, request: HttpRequest, **limits: Any) -> HttpResponse:
        urls.append(request.url)
        return honest(fetcher, request, **limits)

    monkeypatch.setattr(GuardedFetcher, "fetch", fetch)
    return urls


def stored(scene: Scene, connection: Connection) -> Connection:
    place = connection_item_key(connection.connection_id)
    found = scene.trial.broker.store.read(place).get(place)
    assert found is not None
    return found


@requirement("FETCH-01", "CB-04")
def test_neither_token_nor_code_goes_to_the_hosts_of_today(stage: Stage, asked: list[str]) -> None:
    scene = stage(read(TENANTS), US)
    scene.app.sign_in()
    connection, url = scene.connection(), scene.leave()
    move(scene, EU)
    del asked[:]
    assert scene.app.ask_hand_out().status == 400
    assert scene.app.person.get(scene.app.person.decide(url).location).status in (400, 403)
    erase_user(scene.trial.broker, connection.sub)
    assert asked == []
    assert result_of(stored(scene, connection)) == "failed"
    scene.trial.shop.clock.advance(30)  # whom the next test meets is somebody else by then


@requirement("FETCH-01", "VLT-09")
def test_a_duty_of_before_asks_nobody_either_and_says_so(stage: Stage, asked: list[str]) -> None:
    scene = stage(read(TENANTS), US)
    scene.app.sign_in()
    connection = scene.connection()
    scene.player.faults.at, scene.player.faults.status = frozenset({"revoke"}), 503
    assert scene.app.end(connection.connection_id)["at_provider"] == "failed"
    enqueue_orphan_revocation(
        scene.trial.broker, load_provider(scene.trial.broker, scene.record), (("of-nobody", "refresh_token"),)
    )
    move(scene, EU)
    del asked[:]
    assert "done" in [one.outcome for one in run_due_jobs(scene.trial.broker)]
    assert asked == []
    assert set(stored(scene, connection).endings.values()) == {"given_up"}


@requirement("FETCH-01")
def test_an_answer_that_an_operator_brings_back_is_of_no_use_there(stage: Stage, asked: list[str]) -> None:
    scene = stage(read(TENANTS), US)
    scene.app.sign_in()
    connection = scene.connection()
    lost = Recovery(connection_id=connection.connection_id, generation=9, line=1, epoch=connection.epoch)
    assert recover_journal(scene.trial.broker, lost) == "superseded"
    move(scene, EU)
    del asked[:]
    assert recover_journal(scene.trial.broker, lost) == "gone" and asked == []


@requirement("FETCH-01")
def test_a_later_sign_in_replaces_what_was_and_shows_none_of_it(stage: Stage, asked: list[str]) -> None:
    scene = stage(read(GLOBAL), US)
    scene.app.sign_in()
    before = scene.connection()
    there = stage(read(GLOBAL), EU)
    move(there, EU)
    scene.app.person = there.player.person()
    del asked[:]
    scene.app.sign_in()
    after = scene.connection()
    assert after.connection_id == before.connection_id and after.token_generation > before.token_generation
    assert after.outgoing == () and asked and not any("revoke" in url for url in asked)
