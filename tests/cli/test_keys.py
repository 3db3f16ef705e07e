"""`broker keys`: what the operator sees and types, from a published key to one that is gone."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.config import read_settings
from chalicelib.records.item_keys import keyset_item_key
from cli.deployment.operations import Deployment
from tests.kit.cli.operator import Done, Operator
from tests.kit.requirement import requirement

DAY = 86400


@pytest.fixture(scope="module", autouse=True)
def deployment(broker: Operator) -> Deployment:
    broker.made("init")
    return Deployment(read_settings({name: value for name, value in broker.environ.items() if name[:7] == "BROKER_"}))


@pytest.fixture
def keys(typed: Callable[..., Done]) -> Callable[..., Any]:
    """The document of a command that must succeed; what it logs goes to standard error."""

    def run(*words: str) -> Any:
        done = typed("keys", *words, "--json")
        assert done.code == 0, (words, done.out, done.err)
        return done.json

    return run


def age(deployment: Deployment, purpose: str, seconds: int) -> None:
    """As if every version had been in its state so much longer."""
    place = keyset_item_key(purpose)
    item = deployment.store.read(place).get(place)
    assert item is not None
    older = tuple(replace(key, since=(key.since or key.created_at) - seconds) for key in item.keys)
    deployment.put(place, replace(item, keys=older))


def rows(keys: Callable[..., Any], purpose: str) -> list[tuple[int, str, str | None]]:
    return [(row["version"], row["state"], row["next"]) for row in keys("list") if row["purpose"] == purpose]


@requirement("KEY-01")
def test_the_list_says_what_comes_next_and_when(keys: Callable[..., Any]) -> None:
    listed = {row["purpose"]: row for row in keys("list")}
    assert listed["signing"]["next"] == "a new key is published" and listed["signing"]["next_at"] > "20"
    for purpose in ("identity", "pepper", "audit"):
        assert (listed[purpose]["next"], listed[purpose]["next_at"]) == (None, None)


@requirement("META-04", "KEY-01")
def test_a_signing_key_goes_its_way_by_one_word_typed_again(
    keys: Callable[..., Any], typed: Callable[..., Done], deployment: Deployment
) -> None:
    begun = keys("rotate", "signing")
    assert (begun["version"], begun["done"], begun["next_version"]) == (2, "published", 2)
    assert rows(keys, "signing") == [(1, "signing", None), (2, "published", "in use from then on")]
    typed("keys", "rotate", "signing").refused("already published", begun["next_at"])
    typed("keys", "destroy", "signing", "2").refused("is published")
    age(deployment, "signing", 2 * DAY)
    assert keys("rotate", "signing")["done"] == "used"
    typed("keys", "destroy", "signing", "1").refused("a process may still encrypt under it")
    age(deployment, "signing", 7200)
    typed("keys", "destroy", "signing", "1").refused("may still be valid")
    age(deployment, "signing", DAY)
    assert rows(keys, "signing") == [(1, "retiring", "destroyed from then on"), (2, "signing", None)]
    assert [row["done"] for row in keys("rotate")] == ["gone"]
    assert rows(keys, "signing") == [(2, "signing", "a new key is published")]


@requirement("KEY-03")
def test_an_emergency_is_asked_about_and_is_for_signing_alone(
    broker: Operator, keys: Callable[..., Any], typed: Callable[..., Done]
) -> None:
    broker("keys", "rotate", "signing", "--emergency", typed="no\n").refused("nothing was changed")
    typed("keys", "rotate", "handle", "--emergency").refused("only for the keyset signing")
    rolled = keys("rotate", "signing", "--emergency", "--yes")
    assert rolled["done"] == "rolled" and rows(keys, "signing") == [
        (rolled["version"], "signing", "a new key is published")
    ]


@requirement("KEY-01")
def test_a_pepper_goes_only_when_no_client_secret_needs_it(
    broker: Operator, keys: Callable[..., Any], typed: Callable[..., Done], deployment: Deployment
) -> None:
    create = ("client", "create", "--name", "Old", "--redirect-uri", "https://app.example/cb", "--json")
    client = typed(*create, "--auth-method", "client_secret_basic").json
    keys("rotate", "pepper")
    age(deployment, "pepper", DAY)
    assert keys("rotate", "pepper")["done"] == "used"
    age(deployment, "pepper", DAY)
    typed("keys", "destroy", "pepper", "1").refused("1 client secrets", "secret rotate")
    typed("client", "secret", "rotate", client["client_id"], "--overlap", "0")
    assert keys("destroy", "pepper", "1")["done"] == "gone"
    assert rows(keys, "pepper") == [(2, "current", None)]


@requirement("KEY-01")
def test_what_is_not_there_or_is_never_turned_is_said(typed: Callable[..., Done]) -> None:
    typed("keys", "rotate", "identity").refused("change every sub")
    typed("keys", "destroy", "handle", "7").refused("has no version 7")
    typed("keys", "destroy", "handle", "1").refused("is current")
    for purpose in ("identity", "audit"):
        assert typed("keys", "destroy", purpose, "1").code == 2


@requirement("SWITCH-01", "OPS-02")
def test_a_switch_says_what_it_did_and_how_it_is_undone(broker: Operator, typed: Callable[..., Done]) -> None:
    create = ("client", "create", "--name", "Killed", "--redirect-uri", "https://app.example/cb", "--json")
    client_id = typed(*create).json["client_id"]
    done = typed("kill", "client", client_id, "--json")
    assert done.code == 0 and '"event":"killed"' in done.err
    assert done.json["void"] == {"grants": 0, "connections": 0, "users": 0}
    assert (
        done.json["disabled"] is True and done.json["undo"] == f"python3 dev.py broker kill client {client_id} --undo"
    )
    assert {row["seconds"] for row in done.json["lives_on"]} == {600, None, 10}
    undone = typed(*done.json["undo"].removeprefix("python3 dev.py broker ").split(), "--json").json
    assert undone["disabled"] is False and undone["void_before"] > "20"
    broker("kill", "everything", typed="no\n").refused("nothing was changed")
    assert typed("kill", "everything", "--yes", "--no-count", "--json").json["void"] is None
    assert typed("kill", "everything", "--undo", "--json").json["disabled"] is False
    typed("kill", "provider", "demo").refused("not enabled")
    typed("kill", "user").refused("name the user")
    assert typed("kill", "planet").code == 2


@requirement("KEY-01")
def test_a_vault_whose_next_key_is_only_published_says_from_when_on_it_is_used(
    keys: Callable[..., Any], typed: Callable[..., Done]
) -> None:
    before = typed("vault", "reseal", "--json").json
    assert (before["state"], before["next"]) == (
        "nothing_to_do",
        "run python3 dev.py broker keys rotate vault to rotate the key",
    )
    published = keys("rotate", "vault")
    told = typed("vault", "reseal", "--json").json
    assert told["state"] == "nothing_to_do"
    assert f"version {published['version']} is published and is used from {published['next_at']}" in told["next"]
