"""One broker per test over shared parts: embedded AWS, gateway and demo provider live as long as the test process."""

import base64
import hashlib
import io
import itertools
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.aws.transport import Transport
from chalicelib.adapters.dynamodb.codec import encode_item
from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.adapters.kms.keys import PURPOSES
from chalicelib.composition import build_broker
from chalicelib.ports import Broker
from chalicelib.records.client import Client
from chalicelib.records.deployment import Deployment as DeploymentRecord
from chalicelib.records.item_keys import DEPLOYMENT, ItemKey, keyset_item_key
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import KeysetItem
from chalicelib.routes import create_app
from cli.deployment.operations import Deployment, create_client, init_keysets, set_provider
from local.fake.provider import RunningProvider
from local.fake.provider import start as start_provider
from local.stack.aws import EmbeddedAws, start_aws
from local.stack.gateway import Gateway
from local.stack.resources import create_tables
from tests.kit.described import Described
from tests.kit.faults import AT_ONCE
from tests.kit.http.assertions import KEY, prove
from tests.kit.http.browser import FORM, Answer, Browser, read_page, request
from tests.kit.wire import CountingTransport

APP = "https://app.example/callback"
SCOPE = "openid profile email offline_access demo:notes:read"
PROVIDER_SECRET = "canary-provider-client-secret-0123456789"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_numbers = itertools.count()


class MovableClock:
    """Stands still but for `advance`."""

    def __init__(self) -> None:
        self.time = int(time.time())

    def now(self) -> int:
        return self.time

    def advance(self, seconds: int) -> None:
        self.time += seconds


@dataclass
class Parts:
    """What is expensive to start."""

    aws: EmbeddedAws
    provider: RunningProvider
    gateway: Gateway = field(init=False)
    current: "Stack | None" = None

    def __post_init__(self) -> None:
        self.gateway = Gateway(Described(create_app(self._broker))).start()

    def _broker(self) -> Broker:
        assert self.current is not None, "no test has made a broker"
        return self.current.broker


def start_parts() -> Parts:
    """Called once per test process."""
    return Parts(start_aws(), start_provider(0, "127.0.0.2"))


@contextmanager
def own_parts() -> Iterator[Parts]:
    """The same for one module, which ends them."""
    parts = start_parts()
    try:
        yield parts
    finally:
        parts.gateway.stop()
        parts.provider.stop()
        parts.aws.stop()


@dataclass
class SignIn:
    """A finished way through the pages, and what the app remembers of it."""

    client: Client
    secret: str | None
    redirect_uri: str
    verifier: str
    state: str
    nonce: str
    browser: Browser
    answer: Answer
    callback: str = ""

    @property
    def code(self) -> str:
        """The code that the app got."""
        return self.answer.answered["code"]


class Stack:
    """A broker with tables of its own, and everything to sign in with."""

    def __init__(
        self, parts: Parts, *, dynamodb: Transport | None = None, kms: Transport | None = None, **settings: Any
    ) -> None:
        number = next(_numbers)
        self.parts, self.provider, self.netloc = parts, parts.provider, parts.gateway.url.removeprefix("http://")
        self.clock, self.log = MovableClock(), io.StringIO()
        self.targets = [LocalTarget(host="127.0.0.2", port=self.provider.port, address="127.0.0.2")]
        self.settings = Settings(
            **{
                "issuer": parts.gateway.url,
                "table": f"broker-{number}",
                "keys_table": f"broker-keys-{number}",
                "endpoint_url": parts.aws.endpoint_url,
                "provider_dirs": ("local/providers",),
                **settings,
            }
        )
        create_tables(parts.aws.endpoint_url, self.settings.table, self.settings.keys_table)
        self.dynamodb = CountingTransport(_shared("dynamodb", parts))
        self.kms = CountingTransport(_shared("kms", parts))
        self.deployment = Deployment(self.settings, dynamodb=_shared("dynamodb", parts), kms=_shared("kms", parts))
        give_keysets(self.deployment)
        self.register_provider()
        self.broker = self.build(dynamodb=dynamodb, kms=kms)
        parts.current = self

    def build(self, *, dynamodb: Transport | None = None, kms: Transport | None = None, **changed: Any) -> Broker:
        """Another broker process on the same tables, or the same one with other settings."""
        settings = msgspec.structs.replace(self.settings, **changed)
        return build_broker(
            settings,
            local_targets=tuple(self.targets),
            dynamodb=dynamodb or self.dynamodb,
            kms=kms or self.kms,
            clock=self.clock,
            log_stream=self.log,
            pacing=AT_ONCE,
        )

    def restart(self, **changed: Any) -> None:
        """A fresh process: empty caches, perhaps other settings."""
        self.broker = self.build(**changed)

    def drop(self) -> None:
        """Nobody needs its tables any more: thousands of them would fill the embedded AWS."""
        for name in (self.settings.table, self.settings.keys_table):
            self.deployment.dynamodb.call("DeleteTable", {"TableName": name})

    def register_provider(self, provider_id: str = "demo") -> None:
        """Our app at the demo provider."""
        self.provider.faults.reset()
        self.provider.add_client("broker-at-demo", PROVIDER_SECRET, [f"{self.settings.issuer}/callback/{provider_id}"])
        set_provider(
            self.deployment,
            provider_id,
            client_id="broker-at-demo",
            client_secret=PROVIDER_SECRET,
            issuer=self.provider.url,
        )

    def client(self, **fields: Any) -> tuple[Client, str | None]:
        """A registered app: public, native, may have the demo provider's tokens, unless said otherwise.

        One that proves itself with a key has that of tests.kit.http.assertions, unless said otherwise.
        """
        values: dict[str, Any] = {
            "client_id": "",
            "client_name": "Test App",
            "redirect_uris": (APP,),
            "token_endpoint_auth_method": "none",
            "grant_types": frozenset({"authorization_code", "refresh_token", EXCHANGE}),
            "scopes": frozenset(SCOPE.split()),
            "providers": frozenset({"*"}),
            "handout": "token",
            **fields,
        }
        if values["token_endpoint_auth_method"] == "private_key_jwt" and not values.get("jwks_uri"):
            values.setdefault("jwks", (KEY.public,))
        return create_client(self.deployment, Client(**values))

    def browser(self) -> Browser:
        """A browser that has never been here."""
        return Browser(self.netloc)

    def authorize_parameters(self, client: Client, **more: str | None) -> dict[str, str]:
        """A right authorization request; None leaves a parameter out."""
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uris[0],
            "scope": SCOPE,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge_method": "S256",
            "code_challenge": challenge("v" * 43),
            **more,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def authorize(self, parameters: dict[str, str], browser: Browser | None = None) -> Answer:
        """GET /authorize."""
        return (browser or self.browser()).get("/authorize?" + urlencode(parameters))

    def decide(self, browser: Browser, page: Answer, decision: str = "allow", **more: str) -> Answer:
        """Press a button on the page: to allow with one of several providers, that provider's own."""
        shown = read_page(page.body)
        fields = [(name, value) for name, value in shown.fields if name not in more]
        chosen = decision == "allow" and ("provider", more.get("provider", "")) in shown.buttons
        return browser.post("/signin", [*fields, *more.items(), *(() if chosen else (("decision", decision),))])

    def to_callback(
        self,
        client: Client,
        secret: str | None = None,
        *,
        browser: Browser | None = None,
        who: str = "alice",
        **more: str,
    ) -> SignIn:
        """From /authorize to just before our callback: `callback` is where the provider sends the browser."""
        browser = browser or self.browser()
        verifier = secrets.token_urlsafe(32)
        parameters = self.authorize_parameters(client, code_challenge=challenge(verifier), **more)
        page = self.authorize(parameters, browser)
        assert page.status == 200, (page.status, page.body[-500:], self.log.getvalue()[-500:])
        left = self.decide(browser, page, provider="demo")
        assert left.status == 200, (left.status, left.body[-800:], self.log.getvalue()[-500:])
        back = left.location
        if back.startswith(self.provider.url):
            back = self.provider.sign_in(back, who)
        return SignIn(
            client,
            secret,
            parameters["redirect_uri"],
            verifier,
            parameters["state"],
            parameters["nonce"],
            browser,
            left,
            back,
        )

    def sign_in(self, client: Client, secret: str | None = None, **more: Any) -> SignIn:
        """The whole way to the code."""
        sign_in = self.to_callback(client, secret, **more)
        if sign_in.callback.startswith(self.settings.issuer):
            sign_in.answer = sign_in.browser.get(sign_in.callback)
        return sign_in

    def token(self, client: Client, secret: str | None = None, **fields: str | None) -> Answer:
        """POST /token as this client."""
        return self.post("/token", client, secret, **fields)

    def post(
        self,
        path: str,
        client: Client,
        secret: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **fields: str | None,
    ) -> Answer:
        """POST a form as this client, by its registered method, perhaps with further headers."""
        form = {name: value for name, value in fields.items() if value is not None}
        headers = {"Content-Type": FORM, **(headers or {})}
        if client.token_endpoint_auth_method == "client_secret_basic":
            pair = f"{client.client_id}:{secret}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        elif client.token_endpoint_auth_method == "private_key_jwt" and "client_assertion" not in form:
            form |= prove(self.settings.issuer, client, self.clock.now())
        else:
            form["client_id"] = client.client_id
            if secret:
                form["client_secret"] = secret
        return request(self.netloc, "POST", path, body=urlencode(form), headers=headers)

    def redeem(self, sign_in: SignIn, **changed: str | None) -> Answer:
        """Exchange the code."""
        fields: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": sign_in.code,
            "redirect_uri": sign_in.redirect_uri,
            "code_verifier": sign_in.verifier,
            **changed,
        }
        return self.token(sign_in.client, sign_in.secret, **fields)

    def refresh(self, sign_in: SignIn, token: str, **changed: str | None) -> Answer:
        """Use a refresh token."""
        return self.token(sign_in.client, sign_in.secret, grant_type="refresh_token", refresh_token=token, **changed)

    def exchange(self, sign_in: SignIn, token: str, **changed: str | None) -> Answer:
        """Ask for the provider's token."""
        fields: dict[str, str | None] = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": "demo",
            **changed,
        }
        return self.token(sign_in.client, sign_in.secret, **fields)

    def get(self, path: str, **headers: str) -> Answer:
        """GET without cookies."""
        return request(self.netloc, "GET", path, headers=headers)

    def userinfo(self, token: str) -> Answer:
        """GET /userinfo."""
        return self.get("/userinfo", Authorization=f"Bearer {token}")


def give_keysets(deployment: Deployment) -> None:
    """As `init_keysets` leaves the table, in one call: all brokers of this process have the same keys.

    They open in any table: what KMS binds them to is the deployment's name, their purpose and version.
    """
    settings = deployment.settings
    name = f"{settings.endpoint_url} {settings.kms_key} {settings.deployment}"
    if name not in _keysets:
        init_keysets(deployment)
        places = [keyset_item_key(purpose) for purpose in PURPOSES]
        there = deployment.store.read(*places)
        _keysets[name] = {place: found for place in places if (found := there.get(place))}
        return
    now = deployment.clock.now()
    records: dict[ItemKey[Any], Any] = {DEPLOYMENT: DeploymentRecord()}
    for place, keyset in _keysets[name].items():
        keys = tuple(msgspec.structs.replace(key, created_at=now) for key in keyset.keys)
        records[place] = msgspec.structs.replace(keyset, keys=keys)
    puts = [{"PutRequest": {"Item": encode_item(place.pk, record)}} for place, record in records.items()]
    deployment.dynamodb.call("BatchWriteItem", {"RequestItems": {settings.table: puts}})


def challenge(verifier: str) -> str:
    """S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


_keysets: dict[str, dict[ItemKey[Any], KeysetItem]] = {}
_transports: dict[tuple[str, int], SignedTransport] = {}


def _shared(service: str, parts: Parts) -> SignedTransport:
    """One boto client per service for the whole process: making one costs more than a sign-in."""
    key = (service, parts.aws.port)
    if key not in _transports:
        _transports[key] = SignedTransport(service, endpoint_url=parts.aws.endpoint_url)
    return _transports[key]
