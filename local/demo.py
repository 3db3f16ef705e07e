"""`dev.py demo`: embedded AWS, broker, demo provider and demo app in one process, to click through in a browser."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.listening import bind, bind_near, find_port, port_of
from local.stack import RunningBroker, broker_environ, start_broker
from local.state import FOLDER
from local.stopping import StopSignal
from local.terminal import Terminal

if TYPE_CHECKING:
    from demo.server import DemoServer
    from local.provider import RunningProvider

# Cookies do not separate ports, so each part lives under a host of its own.
BROKER, APP, PROVIDER = ("127.0.0.1", 8080), ("localhost", 8081), ("127.0.0.2", 8082)
PROVIDER_ID = "demo"
SCOPES = frozenset({"openid", "profile", "email", "offline_access", "demo:notes:read", "demo:notes:write"})
CLIENT_AT_PROVIDER = "token-broker"
DEMO_LOG = FOLDER.parent / "demo.log"


@dataclass
class DemoStack:
    """Everything that runs; `moved` says in words which port was taken and what is used instead."""

    broker: RunningBroker
    provider: "RunningProvider"
    app: "DemoServer"
    client_id: str
    moved: list[str]

    def places(self) -> dict[str, str]:
        """The three addresses."""
        return {"issuer": self.broker.issuer, "app": self.app.url, "provider": self.provider.url}

    def stop(self) -> None:
        """Stop everything; the app and the provider end with their threads."""
        self.broker.stop()
        self.app.stop()
        self.provider.stop()


def main(arguments: list[str] | None = None) -> int:
    """Run the demo until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON when ready, nothing else")
    options = parser.parse_args(arguments)
    stop = StopSignal()
    DEMO_LOG.parent.mkdir(parents=True, exist_ok=True)
    with DEMO_LOG.open("w", buffering=1) as log:
        stack = start_demo(log)
        with stack.broker.as_running("demo"):
            if options.json:
                stop.announce(stack.places(), as_json=True)
            else:
                _print_table(stack)
            stop.wait()
        stack.broker.stop()
    return 0


def start_demo(log: IO[str], *, free_ports: bool = False) -> DemoStack:
    """Start all parts; a taken port is worked round.

    free_ports   take any free ports, as a second stack beside a running demo does
    """
    moved: list[str] = []
    listener = bind(BROKER[0], 0) if free_ports else bind_near(*BROKER)
    _note_move(moved, "broker", BROKER[1], port_of(listener), free_ports)
    issuer = f"http://{BROKER[0]}:{port_of(listener)}"
    provider = _start_provider(moved, free_ports)
    broker = start_broker(_settings(issuer), listener=listener, local_targets=_targets(provider), log_stream=log)  # type: ignore[arg-type]
    _introduce(broker, provider)
    app_port = 0 if free_ports else find_port(*APP)
    app, client_id = _start_app(broker, provider, app_port)
    _note_move(moved, "app", APP[1], urlsplit(app.url).port or 0, free_ports)
    return DemoStack(broker, provider, app, client_id, moved)


def _settings(issuer: str) -> dict[str, str]:
    """Registration is open, so that any OAuth client can be tried against it at once; only on loopback, only here."""
    return broker_environ(
        {
            "issuer": issuer,
            "open_registration": "true",
            "open_registration_scopes": " ".join(sorted(SCOPES)),
            "open_registration_handout": "token",
            "provider_dirs": str(Path(__file__).parent / "providers"),
        }
    )


def _start_provider(moved: list[str], free_ports: bool) -> "RunningProvider":
    from local.provider import start

    host, port = PROVIDER
    try:
        bind(host, 0).close()
    except OSError:  # some systems answer on 127.0.0.1 alone
        host = BROKER[0]
        moved.append(f"{PROVIDER[0]} is not an address of this machine: the provider shares {host} with the broker")
    provider = start(0 if free_ports else find_port(host, port), host)
    _note_move(moved, "provider", port, provider.port, free_ports)
    return provider


def _targets(provider: "RunningProvider") -> tuple[Any, ...]:
    """The one place on loopback that this broker may call; said in code, since no setting can."""
    from chalicelib.adapters.https import LocalTarget

    host = urlsplit(provider.url).hostname or ""
    return (LocalTarget(host=host, port=provider.port, address=host),)


def _introduce(broker: RunningBroker, provider: "RunningProvider") -> None:
    """Register the broker at the provider, and say so to the broker."""
    import secrets

    from cli.operations import set_provider

    secret = secrets.token_hex(32)
    callback = f"{broker.issuer}/callback/{PROVIDER_ID}"
    provider.add_client(CLIENT_AT_PROVIDER, secret, [callback], name="Token Broker")
    set_provider(
        broker.deployment, PROVIDER_ID, client_id=CLIENT_AT_PROVIDER, client_secret=secret, issuer=provider.url
    )


def _start_app(broker: RunningBroker, provider: "RunningProvider", port: int) -> tuple["DemoServer", str]:
    """The single-page app, registered as a public client: it holds no secret."""
    from chalicelib.records.client import Client
    from cli.operations import create_client
    from demo.server import start

    config = {"issuer": broker.issuer, "provider": PROVIDER_ID, "provider_api": f"{provider.url}/api"}
    app = start(port, {**config, "client_id": "", "provider_name": "Demo Notes"}, APP[0])
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
        optional_scopes=frozenset({"email", "demo:notes:write"}),
        providers=frozenset({PROVIDER_ID}),
        handout="token",
    )
    created, _ = create_client(broker.deployment, client)
    app.config["client_id"] = created.client_id
    return app, created.client_id


def _note_move(moved: list[str], part: str, wanted: int, got: int, free_ports: bool) -> None:
    if not free_ports and wanted != got:
        moved.append(f"port {wanted} is taken: the {part} uses {got}")


def _print_table(stack: DemoStack) -> None:
    terminal = Terminal(sys.stdout)
    for line in stack.moved:
        terminal.note(line)
    issuer = stack.broker.issuer
    terminal.heading("Token Broker demo")
    terminal.table(
        [
            ("Demo app", stack.app.url, "start here: sign in, see the claims, call the provider's API"),
            ("Broker", issuer, "the authorization server; its metadata is under /.well-known/openid-configuration"),
            ("Demo provider", stack.provider.url, "a third party with two users, alice and bob"),
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
