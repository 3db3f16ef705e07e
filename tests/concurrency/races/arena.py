"""Two brokers on one store, grants made cheaply through the store's own verbs, and a crowd that asks at one moment."""

import base64
import hashlib
import http.client
import json
import select
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.endpoints.authorization.new_grant import build_exchanging_grant, build_grant
from chalicelib.ports import Written
from chalicelib.protocol.pkce import s256
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import grant_item_key
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.records.subject import Subject
from chalicelib.token_issuer import issue_code
from cli.deployment.local_environment import use_local_credentials
from cli.deployment.operations import Deployment, create_client, init_keysets, set_provider
from local.fake.provider import RunningProvider
from local.stack.resources import create_key, create_tables
from tests.kit.broker_process import PROVIDERS, targets_of

REDIRECT = "https://app.example/callback"
SCOPES = frozenset({"openid", "profile", "offline_access"})
SUB = "5" * 32
CROWD = 8


@dataclass(frozen=True)
class Ticket:
    """One grant whose code an app holds."""

    grant_id: str
    code: str
    verifier: str


class Arena:
    """The store with its keysets, one public client, one user; `broker` is the harness's own hand in the store."""

    def __init__(self, endpoint_url: str, *, issuer: str, provider: RunningProvider | None = None) -> None:
        use_local_credentials()
        create_tables(endpoint_url)
        create_key(endpoint_url)
        environ = {"ISSUER": issuer, "ENDPOINT_URL": endpoint_url, "PROVIDER_DIRS": str(PROVIDERS)}
        settings = read_settings({f"BROKER_{name}": value for name, value in environ.items()})
        self.endpoint_url, self.issuer = endpoint_url, issuer
        self.deployment = Deployment(settings)
        init_keysets(self.deployment)
        self.broker = build_broker(settings, local_targets=targets_of(provider.url) if provider else ())
        self.client, _ = create_client(
            self.deployment,
            Client(
                client_id="", client_name="Race", redirect_uris=(REDIRECT,), token_endpoint_auth_method="none",
                grant_types=frozenset({"authorization_code", "refresh_token"}), scopes=SCOPES,
                providers=frozenset({"*"}),
            ),
        )  # fmt: skip
        secret = "s" * 40
        if provider:
            provider.add_client("token-broker", secret, [f"{issuer}/callback/demo"])
        set_provider(
            self.deployment, "demo", client_id="token-broker", client_secret=secret, issuer=provider and provider.url
        )
        store, now = self.broker.store, self.broker.clock.now()
        store.put_subject(Subject(sub=SUB, session_salt=b"x" * 16, created_at=now))
        store.put_consent(
            Consent(sub=SUB, client_id=self.client.client_id, scopes=SCOPES, version=1), expected_version=0
        )

    def issue(self, **changed: Any) -> Ticket:
        """A grant as the callback leaves it: claimed, then issued."""
        broker, verifier = self.broker, _random(self.broker)
        secret, grant_id = broker.entropy.token_bytes(16), broker.entropy.token_bytes(16).hex()
        request = AuthorizationRequest(
            client_id=self.client.client_id, redirect_uri=REDIRECT, scopes=SCOPES, code_challenge=s256(verifier)
        )
        now = broker.clock.now()
        grant = build_grant(
            broker, request, grant_id=grant_id, code_secret=secret, decided_at=now, sub=SUB, provider_id="demo",
            connection_id="c" * 32, scopes=SCOPES, auth_time=None, acr="", client=self.client, sid="", now=now,
        )  # fmt: skip
        grant = _altered(grant, changed)
        assert isinstance(
            broker.store.claim_grant(build_exchanging_grant(broker, grant_id, self.client.client_id, now, now=now)),
            Written,
        )
        assert isinstance(broker.store.issue_grant(grant), Written)
        return Ticket(grant_id, issue_code(broker, grant, secret), verifier)

    def redemption(self, ticket: Ticket, **changed: str) -> dict[str, str]:
        """The form of a redemption with everything right, unless said."""
        return {
            "grant_type": "authorization_code", "client_id": self.client.client_id, "code": ticket.code,
            "redirect_uri": REDIRECT, "code_verifier": ticket.verifier, **changed,
        }  # fmt: skip

    def refresh(self, token: str) -> dict[str, str]:
        """The form of a refresh."""
        return {"grant_type": "refresh_token", "client_id": self.client.client_id, "refresh_token": token}

    def found(self, ticket: Ticket) -> Grant:
        """The item as it stands now."""
        place = grant_item_key(ticket.grant_id)
        grant = self.broker.store.read(place).get(place)
        assert grant is not None
        return grant


@dataclass
class Crowd:
    """Threads with a kept connection each, spread over the brokers; `ask` lets them all go at one moment.

    host    the issuer's, which both brokers answer to
    """

    urls: Sequence[str]
    host: str
    size: int = CROWD
    _pool: ThreadPoolExecutor = field(init=False)
    _local: threading.local = field(init=False, default_factory=threading.local)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.size)

    def ask(self, forms: Sequence[dict[str, str]]) -> list[tuple[int, dict[str, Any]]]:
        """One POST /token each, at one moment; (status, JSON) in the order of the forms."""
        gate = threading.Barrier(len(forms))
        asked = [
            self._pool.submit(self._post, gate, self.urls[number % len(self.urls)], form)
            for number, form in enumerate(forms)
        ]
        return [future.result(60) for future in asked]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _post(self, gate: threading.Barrier, url: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        connection = self._connection(url)
        gate.wait(30)
        return post(connection, form, host=self.host)

    def _connection(self, url: str) -> http.client.HTTPConnection:
        kept: dict[str, http.client.HTTPConnection] = self._local.__dict__.setdefault("kept", {})
        if url not in kept or _has_ended(kept[url]):  # a thread may meet the other broker for longer than one waits
            kept[url] = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
            kept[url].connect()
        return kept[url]


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """Between two requests there is nothing to read but the end."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])


def post(connection: http.client.HTTPConnection, form: dict[str, str], *, host: str) -> tuple[int, dict[str, Any]]:
    """One POST /token, under the issuer's name as behind one domain; `DPoP` among the fields is sent as the header."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Host": host}
    fields = {name: value for name, value in form.items() if name != "DPoP"}
    headers |= {"DPoP": form["DPoP"]} if "DPoP" in form else {}
    connection.request("POST", "/token", urlencode(fields), headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def _altered(grant: Grant, changed: dict[str, Any]) -> Grant:
    import msgspec

    return msgspec.structs.replace(grant, **changed)


def _random(broker: Any) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(broker.entropy.token_bytes(32)).digest()).rstrip(b"=").decode()


ISSUER = "http://127.0.0.1:65530"
"""The name of both brokers; nothing listens there, for nobody has to."""
