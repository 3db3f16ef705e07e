"""A standing grant ends with every cutoff, begins again as a new version, and brings back nothing that was removed."""

from collections.abc import Callable

import msgspec
import pytest

from chalicelib.protocol.handles import Handle, build_handle
from chalicelib.records.item_keys import (
    consent_item_key,
    grant_item_key,
    issuer_id,
    issuer_item_key,
    subject_item_key,
)
from chalicelib.records.revocation import Revocation
from cli.commands.kill import kill_client, kill_issuer, kill_user
from cli.deployment.issuers import forget_keys
from tests.kit.http.issuers import IssuerScene, public_jwk, start_issuer_scene
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import change, read, read_claims
from tests.kit.requirement import requirement

NAME = "https://idp.example/tenant-a/"


@pytest.fixture
def scene(stack: Stack) -> IssuerScene:
    return start_issuer_scene(stack)


def is_active(stack: Stack, scene: IssuerScene, token: str) -> bool:
    return bool(stack.post("/introspect", scene.client, scene.secret, token=token).json["active"])


@requirement("ISS-21", "STD-04", "STD-05", "STD-22")
def test_a_killed_issuer_opens_nothing_and_undo_brings_nothing_back(stack: Stack, scene: IssuerScene) -> None:
    foreign, token = scene.sign(), scene.exchange().json["access_token"]
    kill_issuer(stack.deployment, NAME, undo=False)
    assert scene.exchange(foreign).status == 400 and not is_active(stack, scene, token)
    undone = kill_issuer(stack.deployment, NAME, undo=True)
    refused = scene.exchange(foreign)
    assert refused.status == 400 and refused.json["retry"] == "with_new_token"
    assert not is_active(stack, scene, token)
    stack.clock.time = (undone.not_before or 0) + 60
    again = scene.exchange()
    assert again.status == 200, again.body
    claims = read_claims(again.json["access_token"])
    assert claims["grant_version"] == 1 and claims["grant_id"] == read_claims(token)["grant_id"]
    assert is_active(stack, scene, again.json["access_token"]) and not is_active(stack, scene, token)


@requirement("STD-05", "STD-19")
def test_a_token_from_before_a_cutoff_begins_nothing(stack: Stack, scene: IssuerScene) -> None:
    """Sixty seconds count as before: the issuer's clock may run ahead."""
    token = scene.exchange().json["access_token"]
    claims = read_claims(token)
    at = stack.clock.now()
    change(
        stack,
        consent_item_key(claims["sub"], scene.client.client_id),
        marks=Revocation(not_before=at + 1),
        version=2,
    )
    for seconds in (0, 30, 30):
        stack.clock.advance(seconds)
        assert scene.exchange().json["retry"] == "with_new_token"
    stack.clock.advance(1)
    assert scene.exchange().status == 200
    assert not is_active(stack, scene, token)


@requirement("STD-09")
def test_a_pause_outlasts_every_exchange(stack: Stack, scene: IssuerScene) -> None:
    claims = read_claims(scene.exchange().json["access_token"])
    place = consent_item_key(claims["sub"], scene.client.client_id)
    change(stack, place, paused_at=stack.clock.now(), version=2)
    answer = scene.exchange()
    assert answer.status == 400 and answer.json["reason"] == "paused"
    change(stack, place, paused_at=0, version=3)
    assert scene.exchange().status == 200


@requirement("STD-18")
def test_a_scope_that_the_user_removed_stays_removed(stack: Stack, scene: IssuerScene) -> None:
    first = read_claims(scene.exchange().json["access_token"])
    place = consent_item_key(first["sub"], scene.client.client_id)
    change(stack, place, withheld=frozenset({"orders:write"}), version=2)
    assert scene.exchange().json["scope"] == "openid orders:read"
    kill_client(stack.deployment, scene.client.client_id, undo=False)
    kill_client(stack.deployment, scene.client.client_id, undo=True)
    stack.clock.advance(80)
    stack.restart()
    again = scene.exchange()
    assert again.json["scope"] == "openid orders:read", again.body
    assert read_claims(again.json["access_token"])["grant_version"] == 1


@requirement("STD-10", "STD-05")
def test_a_killed_user_is_out_at_this_client_and_every_other(stack: Stack, scene: IssuerScene) -> None:
    token = scene.exchange().json["access_token"]
    kill_user(stack.deployment, read_claims(token)["sub"], undo=False)
    assert scene.exchange().status == 400 and not is_active(stack, scene, token)
    assert scene.exchange(scene.sign(sub="bob@idp")).status == 200


@requirement("STD-10")
def test_after_an_erasure_the_same_account_is_somebody_else(stack: Stack, scene: IssuerScene) -> None:
    claims, before = read_claims(scene.exchange().json["access_token"]), scene.sign()
    subject = read(stack, subject_item_key(claims["sub"]))
    stack.broker.store.erase_subject(subject, now=stack.clock.now())
    assert scene.exchange(before).status == 400
    stack.clock.advance(62)
    later = scene.exchange()
    assert later.status == 200, later.body
    assert read_claims(later.json["access_token"])["sub"] != claims["sub"]


@requirement("STD-21")
def test_a_restored_table_voids_the_grant(stack: Stack, scene: IssuerScene) -> None:
    token = scene.exchange().json["access_token"]
    stack.restart(epoch=1)
    assert not is_active(stack, scene, token)
    assert read_claims(scene.exchange().json["access_token"])["grant_version"] == 1


@requirement("STD-03")
def test_nothing_redeems_a_standing_grant(stack: Stack, scene: IssuerScene) -> None:
    claims = read_claims(scene.exchange().json["access_token"])
    grant = read(stack, grant_item_key(claims["grant_id"]))
    handle = stack.broker.keys.get("handle")
    for kind in ("code", "refresh", "device", "bff"):
        forged = build_handle(
            Handle(
                kind=kind,
                key_version=handle.current.version,
                region_letter=stack.settings.region_letter,
                grant_id=grant.grant_id,
                secret=b"\0" * 32,
                generation=0,
            ),
            handle,
            epoch=0,
        )
        answer = stack.token(scene.client, scene.secret, grant_type="refresh_token", refresh_token=forged)
        assert (answer.status, answer.json["error"]) == (400, "invalid_grant"), kind
    assert read(stack, grant_item_key(claims["grant_id"])) == grant


@requirement("ISS-32")
def test_keys_from_before_forget_keys_decide_nothing(stack: Stack, scene: IssuerScene) -> None:
    """The record names the same key; a process that still has the older record is corrected by the read."""
    assert scene.exchange().status == 200
    issuer = forget_keys(stack.deployment, NAME)
    assert issuer.keys_after > 0
    place = issuer_item_key(issuer_id(NAME))
    changed = msgspec.structs.replace(issuer, jwks=(public_jwk("another"),))
    assert stack.deployment.put_fields(place, changed, "jwks") is not None
    assert scene.exchange().status == 400


@requirement("STD-04")
def test_a_version_that_was_altered_in_the_table_opens_nothing(stack: Stack, scene: IssuerScene) -> None:
    """A writer to the table would let tokens of a removed version live again."""
    token = scene.exchange().json["access_token"]
    claims = read_claims(token)
    marks = Revocation(not_before=stack.clock.now() + 1)
    change(stack, consent_item_key(claims["sub"], scene.client.client_id), marks=marks, version=2)
    stack.clock.advance(61)
    assert scene.exchange().status == 200
    change(stack, grant_item_key(claims["grant_id"]), version=0)
    assert not is_active(stack, scene, token)


@requirement("STD-12")
def test_the_idle_end_moves_once_in_half_of_its_time(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(connection_unused_days=10, refresh_end_seconds=90 * 86400)
    scene = start_issuer_scene(stack)
    place = grant_item_key(read_claims(scene.exchange().json["access_token"])["grant_id"])
    first = read(stack, place).expires_at
    stack.clock.advance(5 * 86400 - 10)
    assert scene.exchange().status == 200 and read(stack, place).expires_at == first
    stack.clock.advance(11)
    assert scene.exchange().status == 200
    assert read(stack, place).expires_at == stack.clock.now() + 10 * 86400


@requirement("STD-23")
def test_one_client_cannot_fill_the_table_with_users(stack: Stack, scene: IssuerScene) -> None:
    assert scene.exchange().status == 200
    for _ in range(600):
        stack.broker.limiter.spend(f"new-users#{scene.client.client_id}", limit=600, now=stack.clock.now())
    refused = scene.exchange(scene.sign(sub="one-too-many"))
    assert refused.status == 429 and int(refused.header("retry-after") or 99) <= 60
    assert scene.exchange().status == 200
    stack.clock.advance(60)
    assert scene.exchange(scene.sign(sub="one-too-many")).status == 200
