"""`dev.py demo`: embedded AWS, broker, two providers and the demo app in one process, to click through in a browser."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.demo_parts import APP, BROKER, PARTS, PROVIDER_ID, SCOPES, describe_providers, note_move, start_provider
from local.listening import bind, bind_near, port_of, start_near
from local.stack import RunningBroker, broker_environ, start_broker
from local.state import FOLDER
from local.stopping import StopSignal
from local.terminal import Terminal

if TYPE_CHECKING:
    from chalicelib.adapters.https import LocalTarget
    from demo.server import DemoServer
    from local.playing import Played
    from local.provider import RunningProvider

CLIENT_AT_PROVIDER = "token-broker"
DEMO_LOG = FOLDER.parent / "demo.log"


@dataclass
class DemoStack:
    """Everything that runs; `moved` says in words which port was taken and what is used instead.

    providers   by their ids; `provider` is the one to sign in at
    """

    broker: RunningBroker
    providers: dict[str, "RunningProvider"]
    app: "DemoServer"
    client_id: str
    moved: list[str]

    @property
    def provider(self) -> "RunningProvider":
        """The first one."""
        return self.providers[PROVIDER_ID]

    def places(self) -> dict[str, str]:
        """The addresses."""
        others = {name: each.url for name, each in self.providers.items() if name != PROVIDER_ID}
        return {"issuer": self.broker.issuer, "app": self.app.url, "provider": self.provider.url, **others}

    def stop(self) -> None:
        """Stop everything; the app and the providers end with their threads."""
        self.broker.stop()
        self.app.stop()
        for provider in self.providers.values():
            provider.stop()


def main(arguments: list[str] | None = None) -> int:
    """Run the demo until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON when ready, nothing else")
    options = parser.parse_args(arguments)
    stop = StopSignal()
    DEMO_LOG.parent.mkdir(parents=True, exist_ok=True)
    with DEMO_LOG.open("w", buffering=1) as log:
        stack = start_demo(log)
        with stack.broker.as_running("demo", log=(DEMO_LOG,)):
            if options.json:
                stop.announce(stack.places(), as_json=True)
            else:
                _print_table(stack)
            stop.wait()
        stack.broker.stop()
    return 0


def start_demo(
    log: IO[str],
    *,
    free_ports: bool = False,
    settings: Mapping[str, str] | None = None,
    reachable: tuple["LocalTarget", ...] = (),
) -> DemoStack:
    """Start all parts; a taken port is worked round.

    free_ports   take any free ports, as a second stack beside a running demo does
    settings     laid over those of the demo
    reachable    further places on this machine that the broker may call
    """
    moved: list[str] = []
    listener = bind(BROKER[0], 0) if free_ports else bind_near(*BROKER)
    note_move(moved, "the broker", BROKER[1], port_of(listener), free_ports)
    issuer = f"http://{BROKER[0]}:{port_of(listener)}"
    providers = {part.provider_id: start_provider(part, moved, free_ports) for part in PARTS}
    targets = tuple(_target(provider) for provider in providers.values())
    environ = _settings(issuer, settings or {})
    broker = start_broker(environ, listener=listener, local_targets=(*targets, *reachable), log_stream=log)  # type: ignore[arg-type]
    for provider_id, provider in providers.items():
        _introduce(broker, provider_id, provider)
    app, client_id = _start_app(broker, providers, 0 if free_ports else APP[1])
    note_move(moved, "the app", APP[1], urlsplit(app.url).port or 0, free_ports)
    return DemoStack(broker, providers, app, client_id, moved)


def _settings(issuer: str, more: Mapping[str, str]) -> dict[str, str]:
    """Registration is open, so that any OAuth client can be tried against it at once; only on loopback, only here."""
    return broker_environ(
        {
            "issuer": issuer,
            "open_registration": "true",
            "client_id_documents": "true",
            "open_registration_scopes": " ".join(sorted(SCOPES)),
            "open_registration_handout": "token",
            "provider_dirs": str(Path(__file__).parent / "providers"),
            **more,
        }
    )


def _target(provider: "RunningProvider") -> Any:
    """A place on loopback that this broker may call; said in code, since no setting can."""
    from chalicelib.adapters.https import LocalTarget

    host = urlsplit(provider.url).hostname or ""
    return LocalTarget(host=host, port=provider.port, address=host)


def _introduce(broker: RunningBroker, provider_id: str, provider: "RunningProvider") -> None:
    """Register the broker at the provider, and say so to the broker."""
    import secrets

    from cli.operations import set_provider

    secret = secrets.token_hex(32)
    callback = f"{broker.issuer}/callback/{provider_id}"
    provider.add_client(CLIENT_AT_PROVIDER, secret, [callback], name="Token Broker")
    set_provider(
        broker.deployment, provider_id, client_id=CLIENT_AT_PROVIDER, client_secret=secret, issuer=provider.url
    )


def _start_app(broker: RunningBroker, providers: dict[str, "RunningProvider"], port: int) -> tuple["DemoServer", str]:
    """The single-page app, registered as a public client: it holds no secret."""
    from chalicelib.records.client import Client
    from cli.operations import create_client
    from demo.server import start

    config = {"issuer": broker.issuer, "client_id": "", "providers": describe_providers(providers)}
    levers = _levers(broker, providers)
    app = start_near(port, lambda candidate: start(candidate, config, APP[0], levers))
    client = Client(
        client_id="",
        client_name="Demo App",
        redirect_uris=(f"{app.url}/callback",),
        token_endpoint_auth_method="none",
        grant_types=frozenset(
            {"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"}
        ),
        application_type="native",
        scopes=SCOPES,
        optional_scopes=frozenset({"email", *(part.scopes[1] for part in PARTS)}),
        providers=frozenset(providers),
        handout="token",
    )
    created, _ = create_client(broker.deployment, client)
    app.config["client_id"] = created.client_id
    return app, created.client_id


def _levers(broker: RunningBroker, providers: dict[str, "RunningProvider"]) -> dict[str, "Played"]:
    from local.playing import Played

    return {name: Played(name, provider, broker.deployment) for name, provider in providers.items()}


def _print_table(stack: DemoStack) -> None:
    terminal = Terminal(sys.stdout)
    for line in stack.moved:
        terminal.note(line)
    issuer = stack.broker.issuer
    terminal.heading("Token Broker demo")
    terminal.table(
        [
            ("Demo app", stack.app.url, "start here: sign in, connect both providers, read them, take it back"),
            ("Broker", issuer, "the authorization server; its metadata is under /.well-known/openid-configuration"),
            *(
                (part.site.name, stack.providers[part.provider_id].url, "a third party with two users, alice and bob")
                for part in PARTS
            ),
            ("Embedded AWS", stack.broker.endpoint_url, "DynamoDB and KMS in memory"),
            ("Log", _short(DEMO_LOG), ""),
        ]
    )
    terminal.text("Any OAuth client may register itself here. Another terminal: python3 dev.py broker client list")
    terminal.text("Ctrl-C ends it, and only the log is kept.")


def _short(path: Path) -> str:
    """As seen from where the command runs."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    raise SystemExit(main())
