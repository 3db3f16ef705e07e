"""One store on the embedded AWS, and grants in it that are made through its own verbs."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.aws.transport import Pacing, Transport
from chalicelib.adapters.dynamodb.store import DynamoStore
from chalicelib.adapters.process.system import SystemEntropy
from chalicelib.ports import Advance, DeviceDecision, DevicePoll, Redemption, Refused, Written
from chalicelib.protocol.grant_refusals import CodeRequest, RefreshRequest
from chalicelib.protocol.handles import Handle, secret_hash, successor_secret
from chalicelib.records.grant import DeviceRequest, Grant
from chalicelib.records.item_keys import grant_item_key
from local.stack.aws import start_aws
from tests.kit.faults import AT_ONCE

NOW = 1_800_000_000
CLIENT = "c" * 32
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw_cM"
REDIRECT = hashlib.sha256(b"https://app.example/callback").hexdigest()
API = "https://api.example"


def make_store(transport: Transport, pacing: Pacing = AT_ONCE) -> DynamoStore:
    """The real adapter over any transport."""
    return DynamoStore(transport, table="broker", keys_table="broker-keys", entropy=SystemEntropy(), pacing=pacing)


def boto(endpoint_url: str) -> SignedTransport:
    """The real transport."""
    return SignedTransport("dynamodb", endpoint_url=endpoint_url)


@pytest.fixture(scope="session")
def endpoint_url() -> Iterator[str]:
    """Both tables and the key on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        running = start_aws()
        yield running.endpoint_url
        running.stop()


@pytest.fixture(scope="session")
def transport(endpoint_url: str) -> object:
    """The real transport to it."""
    made = boto(endpoint_url)
    made.prepare()
    return made


@dataclass
class Story:
    """One grant with the secrets that its honest client holds; every step goes through a verb of the store."""

    store: DynamoStore
    grant_id: str = field(default_factory=lambda: SystemEntropy().token_bytes(16).hex())
    code_secret: bytes = b"c" * 16
    salt: bytes = b"s" * 16
    client_id: str = CLIENT

    def record(self, status: str, *, now: int = NOW, decided_at: int = NOW, **more: object) -> Grant:
        """The grant as the callback writes it."""
        fields: dict[str, object] = {
            "grant_id": self.grant_id, "status": status, "client_id": self.client_id, "decided_at": decided_at,
            "expires_at": now + 60, "purge_at": now + 900, "written_by": "-", "sub": "s" * 32, "provider_id": "demo",
            "secret_hash": secret_hash(self.code_secret), "key_version": 1, "redirect_hash": REDIRECT,
            "code_challenge": CHALLENGE, "scopes": frozenset({"openid", "offline_access", "profile"}),
            "resources": (API,), "ends_at": now + 30 * 86400, "idle_seconds": 14 * 86400, "grace_seconds": 30,
        }  # fmt: skip
        return Grant(**{**fields, **more})  # type: ignore[arg-type]

    def claim(self, **more: object) -> Written[Grant] | Refused[Grant]:
        """(nothing) -> exchanging."""
        return self.store.claim_grant(self.record("exchanging", **more))  # type: ignore[arg-type]

    def issue(self, **more: object) -> Written[Grant] | Refused[Grant]:
        """exchanging -> issued."""
        return self.store.issue_grant(self.record("issued", **more))  # type: ignore[arg-type]

    def redemption(self, **more: object) -> Redemption:
        """What the honest client presents with its code."""
        fields: dict[str, object] = {
            "grant_id": self.grant_id, "client_id": self.client_id, "secret_hash": secret_hash(self.code_secret),
            "code_challenge": CHALLENGE, "redirect_hash": REDIRECT, "resource": None,
            "successor_hash": secret_hash(self.refresh_secret), "successor_salt": self.salt, "key_version": 1,
            "epoch": 0, "now": NOW,
        }  # fmt: skip
        return Redemption(**{**fields, **more})  # type: ignore[arg-type]

    def start_device(self, **more: object) -> Written[Grant] | Refused[Grant]:
        """(nothing) -> device_pending: a device has asked."""
        device = DeviceRequest(
            round=1, ends_at=NOW + 600, asked_at=NOW, client_revision=1, poll_interval=5, asked_from="192.0.2.1"
        )
        fields = {
            "decided_at": 0, "expires_at": NOW + 600, "sub": "", "redirect_hash": "", "code_challenge": "",
            "ends_at": 0, "idle_seconds": 0, "device": device,
        }  # fmt: skip
        return self.store.claim_grant(self.record("device_pending", **{**fields, **more}))  # type: ignore[arg-type]

    def decided(self, **more: object) -> DeviceDecision:
        """What the browser that decides holds."""
        fields: dict[str, object] = {
            "grant_id": self.grant_id, "client_id": self.client_id, "round": 1, "decision": b"d" * 32,
            "decided_at": NOW + 9, "now": NOW + 9,
        }  # fmt: skip
        return DeviceDecision(**{**fields, **more})  # type: ignore[arg-type]

    def poll(self, **more: object) -> DevicePoll:
        """What the device asks while it waits."""
        fields: dict[str, object] = {
            "grant_id": self.grant_id, "client_id": self.client_id, "secret_hash": secret_hash(self.code_secret),
            "epoch": 0, "now": NOW,
        }  # fmt: skip
        return DevicePoll(**{**fields, **more})  # type: ignore[arg-type]

    def device_redemption(self, **more: object) -> Redemption:
        """What the device presents once its user has allowed it."""
        return self.redemption(**{"code_challenge": None, "redirect_hash": None, **more})

    def advance(self, generation: int, **more: object) -> Advance:
        """What the honest client presents with refresh token `generation`."""
        fields: dict[str, object] = {
            "grant_id": self.grant_id, "client_id": self.client_id, "generation": generation,
            "secret_hash": secret_hash(self.refresh_secret), "scopes": frozenset(), "resource": None,
            "key_version": 1, "epoch": 0, "now": NOW,
        }  # fmt: skip
        return Advance(**{**fields, **more})  # type: ignore[arg-type]

    @property
    def refresh_secret(self) -> bytes:
        """The secret of every refresh token of this grant."""
        return successor_secret(self.code_secret, self.salt)

    def handle(self, generation: int, secret: bytes | None = None) -> Handle:
        """The parsed handle of a generation."""
        known = self.code_secret if generation == 0 else self.refresh_secret
        return Handle(
            kind="code" if generation == 0 else "refresh", key_version=1, region_letter="a", grant_id=self.grant_id,
            secret=known if secret is None else secret, generation=generation,
        )  # fmt: skip

    def code_request(self, **more: object) -> CodeRequest:
        """The same bindings for the pure function that explains a refusal."""
        fields = {"client_id": self.client_id, "epoch": 0, "code_challenge": CHALLENGE, "redirect_hash": REDIRECT}
        return CodeRequest(**{**fields, **more})  # type: ignore[arg-type]

    def refresh_request(self, **more: object) -> RefreshRequest:
        """The same for a refresh."""
        return RefreshRequest(**{"client_id": self.client_id, "epoch": 0, **more})  # type: ignore[arg-type]

    def found(self) -> Grant | None:
        """The item as it stands."""
        place = grant_item_key(self.grant_id)
        return self.store.read(place).get(place)
