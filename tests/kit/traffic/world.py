"""What the soak runs on: a database that can be killed, keys that cannot, two brokers, a provider, apps and people."""

import contextlib
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.ports import Broker
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.records.client import Client
from cli.deployment.operations import Deployment, create_client, init_keysets, set_provider
from local.fake.people import USERS, User
from local.fake.provider import RunningProvider
from local.fake.provider import start as start_provider
from local.stack.aws import EmbeddedAws, start_aws
from local.stack.ports import find_port
from local.stack.stack import broker_environ
from tests.concurrency.soak.broker import WITHOUT_LIMITS, Faults
from tests.kit.broker_process import targets_of
from tests.kit.connection_scene import PROFILES, write_profile
from tests.kit.http.stack import EXCHANGE
from tests.kit.processes import Process, start_module

HOST = "127.0.0.1:65530"
"""The issuer's name, which both brokers answer to; nothing listens there."""
ISSUER = f"http://{HOST}"
APP = "https://app.example/callback"
SCOPE = "openid profile email offline_access demo:notes:read"
TOKEN_SECONDS = 20
"""What the provider says of its access tokens, so that many hand-outs need a refresh; they really live 120 s."""
SECRET = "s" * 40


@dataclass
class World:
    """Processes by name, and the hands of an operator."""

    folder: Path
    people: int
    kms: EmbeddedAws
    provider: RunningProvider
    brokers: list[Process] = field(default_factory=list)
    down: set[int] = field(default_factory=set)
    apps: list[tuple[Client, str | None]] = field(default_factory=list)
    names: tuple[str, ...] = ()
    up_since: float | None = None

    def __post_init__(self) -> None:
        self.ports = [find_port("127.0.0.1") for _ in range(2)]
        self.database_port = find_port("127.0.0.1")
        write_profile(self.folder, PROFILES["grace"])
        self.provider.faults.normal |= PROFILES["grace"].does | {"expires_in": TOKEN_SECONDS}
        self.provider.faults.reset()
        self.names = tuple(f"person-{number}" for number in range(self.people))
        for number, name in enumerate(self.names):
            USERS[name] = User(name, f"demo-{name}", 9000 + number, f"Name of {name}", f"{name}@demo.example", (), ())
        for number in range(2):
            self.plan(number)
        self.start_database()
        self.settings = read_settings(broker_environ(self._environ()))
        transports: dict[str, Any] = {
            "dynamodb": SignedTransport("dynamodb", endpoint_url=self.endpoint_url),
            "kms": SignedTransport("kms", endpoint_url=self.kms.endpoint_url),
        }
        self.deployment = Deployment(self.settings, **transports)
        self._transports = transports
        self.register()

    @property
    def endpoint_url(self) -> str:
        """Of the database; the same after each of its lives."""
        return f"http://127.0.0.1:{self.database_port}"

    def _environ(self) -> dict[str, str]:
        named = {"issuer": ISSUER, "endpoint_url": self.endpoint_url, "provider_dirs": str(self.folder)}
        return {**named, **WITHOUT_LIMITS}

    def register(self) -> None:
        """Keys, the provider, and apps of three kinds."""
        init_keysets(self.deployment)
        self.provider.add_client("broker-at-demo", SECRET, [f"{ISSUER}/callback/demo"])
        known = {"client_id": "broker-at-demo", "client_secret": SECRET, "issuer": self.provider.url}
        set_provider(self.deployment, "demo", **known)
        common: dict[str, Any] = {
            "client_id": "", "redirect_uris": (APP,), "scopes": frozenset(SCOPE.split()), "handout": "token",
            "providers": frozenset({"*"}),
        }  # fmt: skip
        browser = frozenset({"authorization_code", "refresh_token", EXCHANGE})
        for name, method, grants in (
            ("Public", "none", browser),
            ("Confidential", "client_secret_post", browser),
            ("Device", "client_secret_post", browser | {DEVICE_CODE}),
        ):
            serves = frozenset({ISSUER}) if method != "none" else frozenset[str]()
            kind = {"client_name": name, "token_endpoint_auth_method": method, "grant_types": grants, "serves": serves}
            self.apps.append(create_client(self.deployment, Client(**common, **kind)))

    def start_database(self) -> None:
        """With all that it had answered for; `up_since` says since when there is one, on the monotonic clock."""
        journal = str(self.folder / "journal")
        self.database = start_module(
            "tests.concurrency.soak.database", "--port", str(self.database_port), "--journal", journal
        )
        self.up_since = time.monotonic()

    def kill_database(self) -> None:
        """SIGKILL, in the middle of whatever it does; then another one on the same journal."""
        self.up_since = None
        self.database.kill()
        self.start_database()

    def start_broker(self, number: int) -> None:
        """The first or the second one."""
        options = ("--endpoint-url", self.endpoint_url, "--kms-url", self.kms.endpoint_url, "--issuer", ISSUER)
        more = ("--port", str(self.ports[number]), "--provider", self.provider.url)
        plan = ("--provider-dir", str(self.folder), "--plan", str(self._plan(number)))
        started = start_module("tests.concurrency.soak.broker", *options, *more, *plan)
        self.brokers[number : number + 1] = [started]
        self.down.discard(number)

    def kill_broker(self, number: int) -> None:
        """SIGKILL, with requests on their way."""
        self.down.add(number)
        self.brokers[number].kill()

    def plan(self, *numbers: int, **faults: Any) -> None:
        """What goes wrong in these brokers from now on; without faults nothing."""
        for number in numbers:
            fresh = self.folder / f"plan-{number}.new"
            fresh.write_bytes(msgspec.json.encode(Faults(**faults)))
            fresh.replace(self._plan(number))

    def _plan(self, number: int) -> Path:
        return self.folder / f"plan-{number}.json"

    def choose(self) -> str:
        """A broker that is up, by its host and port: as a load balancer would."""
        up = [port for number, port in enumerate(self.ports) if number not in self.down]
        return f"127.0.0.1:{random.choice(up or self.ports)}"

    def rss(self, number: int) -> float:
        """Resident memory of a broker in MiB."""
        pages = int(Path(f"/proc/{self.brokers[number].said['pid']}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 2**20

    def later_broker(self, seconds: int) -> Broker:
        """A broker in this process whose clock is so far ahead: what a later run of the schedule does."""

        class Later:
            def now(self) -> int:
                return int(time.time()) + seconds

        return build_broker(
            self.settings,
            **self._transports,
            clock=Later(),
            local_targets=targets_of(self.provider.url),
            log_stream=open(os.devnull, "w"),
        )

    def stop(self) -> None:
        """End what was started here."""
        for broker in self.brokers:
            broker.stop()
        self.database.stop()
        self.provider.stop()
        self.kms.stop()


@contextlib.contextmanager
def open_world(folder: Path, *, people: int) -> Iterator[World]:
    """Everything up."""
    world = World(folder, people, start_aws(), start_provider(0, "127.0.0.2"))
    try:
        for number in range(2):
            world.start_broker(number)
        yield world
    finally:
        world.stop()


__all__ = ["APP", "HOST", "ISSUER", "SCOPE", "World", "open_world"]
