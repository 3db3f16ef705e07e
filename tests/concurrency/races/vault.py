"""One connection at a running provider, two broker processes of one store, and those who ask them for its token."""

import contextlib
import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from chalicelib.encryption import USER_KEY_BYTES, encryption_context_of, seal_user_key, seal_value
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import client_item_key, connection_item_key, consent_item_key
from local.fake.grants import Family
from local.fake.people import USERS
from local.fake.provider import RunningProvider, start
from tests.concurrency.races.arena import ISSUER, SCOPES, SUB, Arena, Crowd, post
from tests.kit.broker_process import PROVIDERS
from tests.kit.processes import Process, start_module

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
WITH_NOTES = SCOPES | {"demo:notes:read"}


@dataclass
class Vault:
    """One connection at a running provider, whose app holds an access token of ours."""

    arena: Arena
    provider: RunningProvider
    crowd: Crowd
    brokers: list[Process]
    connection_id: str = "c" * 32

    def connect(self) -> None:
        """The connection as a sign-in leaves it; the provider rotates, and reuse ends everything."""
        broker, now = self.arena.broker, self.arena.broker.clock.now()
        family = Family(
            client_id="token-broker", user=USERS["alice"], scopes=frozenset({"openid", "profile", "notes:read"}),
            openid=True, offline=True, nonce=None, redirect_uri="", challenge=None, code="-", code_expires_at=0,
            auth_time=now, redeemed=True,
        )  # fmt: skip
        self.provider.grants.families.append(family)
        tokens = self.provider.grants.issue(family)
        user_key = broker.entropy.token_bytes(USER_KEY_BYTES)
        sealed = seal_user_key(broker.keys.get("vault"), user_key, sub=SUB, salt=broker.entropy.token_bytes(32))
        broker.store.put_user_key(SUB, sealed)
        connection = Connection(
            connection_id=self.connection_id, sub=SUB, client_id=self.arena.client.client_id, provider_id="demo",
            status="active", token_generation=1, line=1, connected_at=now, connected_by="-", granted=family.scopes,
            access_expires_at=now, tokens_at=now - 120,
        )  # fmt: skip
        values = {
            f"sealed_{name}": seal_value(
                user_key,
                str(tokens[name]).encode(),
                name,
                place=encryption_context_of(connection),
                salt=broker.entropy.token_bytes(32),
            )
            for name in ("access_token", "refresh_token")
        }  # fmt: skip
        broker.store.put_connection(replace(connection, **values))
        client = replace(
            self.arena.client,
            handout="token",
            scopes=WITH_NOTES,
            grant_types=self.arena.client.grant_types | {EXCHANGE},
        )
        self.arena.deployment.put(client_item_key(client.client_id), client)
        consent = Consent(sub=SUB, client_id=client.client_id, scopes=WITH_NOTES, version=2)
        self.arena.deployment.put(consent_item_key(SUB, client.client_id), consent)

    def access_token(self) -> str:
        """A fresh one of ours."""
        ticket = self.arena.issue(scopes=WITH_NOTES, connections={"demo": self.connection_id})
        ((status, body),) = self.crowd.ask([self.arena.redemption(ticket)])
        assert status == 200, body
        return str(body["access_token"])

    @property
    def connection(self) -> Connection:
        place = connection_item_key(self.connection_id)
        found = self.arena.broker.store.read(place).get(place)
        assert found is not None
        return found

    def expire(self) -> None:
        """The stored access token is over."""
        now = self.arena.broker.clock.now()
        ended = replace(self.connection, access_expires_at=now - 1, tokens_at=now - 121)
        self.arena.deployment.put(connection_item_key(self.connection_id), ended)

    def form(self, token: str) -> dict[str, str]:
        """Of a hand-out."""
        return {
            "grant_type": EXCHANGE, "client_id": self.arena.client.client_id, "subject_token": token,
            "subject_token_type": ACCESS_TOKEN, "audience": "demo",
        }  # fmt: skip

    def ask(self, token: str) -> list[tuple[int, dict[str, Any]]]:
        """Everybody at one moment."""
        return self.crowd.ask([self.form(token)] * self.crowd.size)

    def ask_one(self, broker: Process, token: str) -> tuple[int, dict[str, Any]]:
        """One caller of one broker."""
        connection = http.client.HTTPConnection(urlsplit(broker.said["url"]).netloc, timeout=60)
        try:
            return post(connection, self.form(token), host=urlsplit(ISSUER).netloc)
        finally:
            connection.close()

    def end_lease(self) -> None:
        """As if the holder's fifteen seconds were over."""
        ended = replace(self.connection, lease_until=self.arena.broker.clock.now() - 1)
        self.arena.deployment.put(connection_item_key(self.connection_id), ended)


@contextlib.contextmanager
def open_vault(endpoint_url: str, *, callers: int, provider_dir: Path = PROVIDERS) -> Iterator[Vault]:
    """A provider, two broker processes of one store, and so many callers.

    provider_dir   where the brokers find the provider's file
    """
    provider = start(0, "127.0.0.2")
    arena = Arena(endpoint_url, issuer=ISSUER, provider=provider)
    options = ("--issuer", ISSUER, "--endpoint-url", endpoint_url, "--provider", provider.url)
    more = (*options, "--provider-dir", str(provider_dir))
    brokers = [start_module("tests.kit.broker_process", *more) for _ in range(2)]
    crowd = Crowd([broker.said["url"] for broker in brokers], urlsplit(ISSUER).netloc, size=callers)
    made = Vault(arena, provider, crowd, brokers)
    try:
        made.connect()
        yield made
    finally:
        crowd.close()
        for broker in brokers:
            broker.stop()
        provider.stop()
