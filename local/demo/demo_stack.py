"""Everything that runs in the demo."""

from dataclasses import dataclass
from typing import Protocol

from local.demo.app_server import DemoServer
from local.demo.backend import Behind
from local.demo.parts import PROVIDER_ID
from local.demo.real import Real


class LiveView(Protocol):
    """The running live view."""

    @property
    def url(self) -> str:
        """Its origin."""

    def stop(self) -> None:
        """End serving and free the port."""


@dataclass(kw_only=True)
class DemoStack(Behind):
    """Everything that runs; `moved` says in words which port was taken and what is used instead.

    client_id   a client of the app that signs in at the demo's own providers
    """

    app: DemoServer
    client_id: str
    moved: list[str]
    real: tuple[Real, ...] = ()
    live: LiveView | None = None

    def places(self) -> dict[str, str]:
        """The addresses."""
        others = {name: each.url for name, each in self.all_providers.items() if name != PROVIDER_ID}
        live = {"live": self.live.url} if self.live else {}
        return {"issuer": self.broker.issuer, "app": self.app.url, "provider": self.provider.url, **others, **live}

    def stop(self) -> None:
        """The same, and what stands before it."""
        if self.live:
            self.live.stop()
        self.app.stop()
        super().stop()
