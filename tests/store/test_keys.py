"""Keysets by age: warm without a call, a while without KMS, never in the wrong context (GEN-13)."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.aws.transport import AwsRefusal, Transport
from chalicelib.adapters.kms.keys import OPEN_AGE, READ_AGE, KmsKeys, encryption_context
from chalicelib.ports import StoreUnavailable
from chalicelib.records.item_keys import keyset_item_key
from chalicelib.records.keyset import WrappedKey
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import KeysetItem
from cli.deployment.operations import Deployment, init_keysets, wrap_key
from tests.kit.faults import AT_ONCE, Fault, FaultyTransport
from tests.kit.requirement import requirement
from tests.kit.store_scene import NOW, make_store
from tests.store.still_clock import StillClock

ISSUER = "http://127.0.0.1:1"


@pytest.fixture
def clock() -> StillClock:
    """A clock of the test's own."""
    return StillClock()


@pytest.fixture(scope="module")
def deployment(transport: Transport, endpoint_url: str) -> Iterator[Deployment]:
    """Keysets as `broker init` makes them."""
    kms = SignedTransport("kms", endpoint_url=endpoint_url)
    made = Deployment(Settings(issuer=ISSUER), dynamodb=transport, kms=kms)
    init_keysets(made)
    yield made


def keys_behind(deployment: Deployment, clock: StillClock, *faults: Fault, kms: tuple[Fault, ...] = ()) -> tuple[
    KmsKeys, FaultyTransport, FaultyTransport
]:  # fmt: skip
    """Keysets over transports with faults, and both transports."""
    table, key_service = FaultyTransport(deployment.dynamodb, *faults), FaultyTransport(deployment.kms, *kms)
    keys = KmsKeys(make_store(table), key_service, clock, deployment="broker", key_id="alias/broker", pacing=AT_ONCE)
    return keys, table, key_service


@requirement("BUDGET")
def test_warm_there_is_no_call(deployment: Deployment, clock: StillClock) -> None:
    keys, table, kms = keys_behind(deployment, clock)
    keys.get("handle")
    keys.public_jwks()
    before = len(table.calls), len(kms.calls)
    clock.time += READ_AGE - 1
    keys.get("handle")
    keys.public_jwks()
    assert (len(table.calls), len(kms.calls)) == before


def test_it_is_read_again_after_60_s_and_opened_again_after_300_s(deployment: Deployment, clock: StillClock) -> None:
    keys, table, kms = keys_behind(deployment, clock)
    keys.get("handle")
    clock.time += READ_AGE
    keys.get("handle")
    assert (len(table.calls), len(kms.calls)) == (2, 1)
    clock.time += OPEN_AGE - READ_AGE
    keys.get("handle")
    assert (len(table.calls), len(kms.calls)) == (3, 2)


@requirement("VLT-20", "BUDGET")
def test_a_public_key_is_opened_once_in_the_life_of_a_process(deployment: Deployment, clock: StillClock) -> None:
    keys, _, kms = keys_behind(deployment, clock)
    shown = keys.public_jwks()
    clock.time += 3 * OPEN_AGE
    assert keys.public_jwks() == shown and len(kms.calls) == 1


@requirement("GEN-13")
def test_use_does_not_make_a_key_younger(deployment: Deployment, clock: StillClock) -> None:
    keys, _, kms = keys_behind(deployment, clock)
    for _ in range(OPEN_AGE // 50 + 1):
        keys.get("handle")
        clock.time += 50
    assert len(kms.calls) == 2


@requirement("GEN-13")
@pytest.mark.parametrize("mode", ["B", "A", "T"])
def test_without_kms_a_warm_process_goes_on_for_300_s_and_a_cold_one_refuses(
    deployment: Deployment, clock: StillClock, mode: str
) -> None:
    away = Fault(mode=mode, first=1, times=1000)  # type: ignore[arg-type]
    keys, _, _ = keys_behind(deployment, clock, kms=(away,))
    known = keys.get("handle")
    clock.time += OPEN_AGE - 1
    assert keys.get("handle") == known
    clock.time += 1
    with pytest.raises(StoreUnavailable):
        keys.get("handle")
    with pytest.raises(StoreUnavailable):
        keys.get("pepper")


@requirement("GEN-13")
def test_without_the_table_a_warm_process_goes_on_and_a_cold_one_refuses(
    deployment: Deployment, clock: StillClock
) -> None:
    away = Fault(mode="B", first=1, times=1000)
    keys, _, _ = keys_behind(deployment, clock, away)
    known = keys.get("handle")
    clock.time += OPEN_AGE - 1
    assert keys.get("handle") == known
    clock.time += 2
    with pytest.raises(StoreUnavailable):
        keys.get("handle")
    with pytest.raises(StoreUnavailable):
        keys_behind(deployment, clock, Fault(mode="B", times=1000))[0].get("handle")


@requirement("GEN-13", "OPS-03")
@pytest.mark.parametrize("context", [{"purpose": "cookie"}, {"version": 2}, {"deployment": "another"}], ids=str)
def test_a_key_wrapped_for_another_deployment_purpose_or_version_does_not_open(
    deployment: Deployment, clock: StillClock, context: dict[str, object]
) -> None:
    name = str(context.get("deployment", "broker"))
    elsewhere = Deployment(
        replace(deployment.settings, deployment=name), dynamodb=deployment.dynamodb, kms=deployment.kms
    )
    purpose, version = str(context.get("purpose", "user_code")), int(str(context.get("version", 1)))
    wrapped = wrap_key(elsewhere, purpose, version, b"k" * 32)
    item = KeysetItem(
        purpose="user_code", keys=(WrappedKey(version=1, state="current", created_at=NOW, wrapped=wrapped),)
    )
    place = keyset_item_key("user_code")
    kept = deployment.store.read(place).get(place)
    deployment.put(place, item)
    try:
        with pytest.raises(StoreUnavailable):
            keys_behind(deployment, clock)[0].get("user_code")
    finally:
        assert kept is not None
        deployment.put(place, kept)


@requirement("OPS-03")
def test_a_key_that_another_kms_key_wrapped_does_not_open(deployment: Deployment, clock: StillClock) -> None:
    """KMS reads in the ciphertext which key it is of: whoever could write the item would choose the key."""
    other = deployment.kms.call("CreateKey", {"Description": "another"})["KeyMetadata"]["KeyId"]
    context = encryption_context("broker", "user_code", 1)
    sealed = deployment.kms.call("Encrypt", {"KeyId": other, "Plaintext": b"k" * 32, "EncryptionContext": context})
    wrapped = WrappedKey(version=1, state="current", created_at=NOW, wrapped=bytes(sealed["CiphertextBlob"]))
    place = keyset_item_key("user_code")
    kept = deployment.store.read(place).get(place)
    assert kept is not None
    deployment.put(place, KeysetItem(purpose="user_code", keys=(wrapped,)))
    try:
        with pytest.raises(StoreUnavailable):
            keys_behind(deployment, clock)[0].get("user_code")
    finally:
        deployment.put(place, kept)


@requirement("GEN-24")
def test_kms_is_asked_again_when_its_key_is_away_for_a_moment(deployment: Deployment, clock: StillClock) -> None:
    """KMS says KeyUnavailableException, "You can retry the request"."""

    class Away:
        tries = 0

        def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
            self.tries += 1
            if self.tries < 3:
                raise AwsRefusal("KeyUnavailableException")
            return deployment.kms.call(operation, payload)

    away = Away()
    keys = KmsKeys(deployment.store, away, clock, deployment="broker", key_id="alias/broker", pacing=AT_ONCE)
    assert keys.get("handle") == keys_behind(deployment, clock)[0].get("handle")
    assert away.tries == 3


@requirement("GEN-12", "GEN-13")
def test_no_keyset_is_made_on_a_request(transport: Transport, deployment: Deployment, clock: StillClock) -> None:
    place = keyset_item_key("nonce")
    kept = deployment.store.read(place).get(place)
    deployment.delete(place)
    try:
        with pytest.raises(StoreUnavailable):
            keys_behind(deployment, clock)[0].get("nonce")
        assert deployment.store.read(place).get(place) is None
    finally:
        assert kept is not None
        deployment.put(place, kept)


@requirement("META-03", "META-04")
def test_published_and_retiring_keys_are_shown_and_only_the_signing_one_signs(
    deployment: Deployment, clock: StillClock
) -> None:
    place = keyset_item_key("signing")
    kept = deployment.store.read(place).get(place)
    assert kept is not None
    (first,) = kept.keys
    from chalicelib.protocol.own_jwt import new_signing_key, public_jwk

    def made(version: int, state: str) -> WrappedKey:
        plain = new_signing_key()
        wrapped = wrap_key(deployment, "signing", version, plain)
        return WrappedKey(
            version=version, state=state, created_at=NOW, wrapped=wrapped, public_jwk=public_jwk(plain)  # type: ignore[arg-type]
        )  # fmt: skip

    rolled = (made(2, "retired"), made(3, "retiring"), made(4, "published"))
    deployment.put(place, KeysetItem(purpose="signing", keys=(first, *rolled)))
    try:
        keys, _, _ = keys_behind(deployment, clock)
        assert keys.get("signing").current.version == first.version
        shown = {jwk["kid"] for jwk in keys.public_jwks()}
        assert shown == {key.public_jwk["kid"] for key in (first, rolled[1], rolled[2]) if key.public_jwk}
        assert all("d" not in jwk for jwk in keys.public_jwks())
    finally:
        deployment.put(place, kept)
