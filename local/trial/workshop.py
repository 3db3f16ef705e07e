"""What a trial needs and is started once: embedded AWS, keysets, and a gateway before a broker of one provider."""

import dataclasses
import io
import itertools
import time
from typing import Any

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.composition import build_broker
from chalicelib.ports import Broker
from chalicelib.providers.catalog import Catalog
from chalicelib.records.settings import Settings
from chalicelib.routes import create_app
from cli.deployment.operations import Deployment, init_keysets
from local.fake.profile.profile_server import RunningProfile
from local.stack.aws import start_aws
from local.stack.gateway import Gateway

_LONG = 400 * 86400
_numbers = itertools.count()


class Clock:
    """The wall clock, moved on by `advance`: a token that lives for months ends at once."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        """Epoch seconds."""
        return int(time.time()) + self.ahead

    def advance(self, seconds: int) -> None:
        """For the broker and for the provider."""
        self.ahead += seconds


class Workshop:
    """One embedded AWS and one gateway for any number of trials, one after the other."""

    def __init__(self) -> None:
        number = next(_numbers)  # moto's tables belong to the process, not to its server
        table, keys_table = f"trial-{number}", f"trial-keys-{number}"
        self.aws = start_aws(table=table, keys_table=keys_table)
        self.clock, self.log = Clock(), io.StringIO()
        self._broker: Broker | None = None
        self.app = create_app(self._current)
        self.gateway = Gateway(self.app).start()
        self.settings = Settings(
            issuer=self.gateway.url,
            endpoint_url=self.aws.endpoint_url,
            refresh_idle_seconds=_LONG,
            refresh_end_seconds=_LONG,
            table=table,
            keys_table=keys_table,
        )
        self._transports: dict[str, Any] = {
            name: SignedTransport(name, endpoint_url=self.aws.endpoint_url) for name in ("dynamodb", "kms")
        }
        self.deployment = Deployment(self.settings, **self._transports)
        init_keysets(self.deployment)

    @property
    def issuer(self) -> str:
        """Where the broker answers."""
        return self.settings.issuer

    def use(self, player: RunningProfile) -> Broker:
        """Make this provider the only one of the broker, at its simulated hosts."""
        self.log.truncate(0)
        broker = build_broker(
            self.settings, local_targets=player.targets, clock=self.clock, log_stream=self.log, **self._transports
        )
        player.grants.clock = self.clock.now
        self._broker = dataclasses.replace(broker, catalog=Catalog([player.file]))
        return self._broker

    def _current(self) -> Broker:
        if self._broker is None:
            raise RuntimeError("no provider is tried")
        return self._broker

    def close(self) -> None:
        """Stop listening."""
        self.gateway.stop()
        self.aws.stop()
