"""A broker on this machine: its AWS, its keysets, its gateway. `serve`, `demo` and `tour` are made of it.

boto3 and the broker's rooms are imported on use, so that a wrong option is answered at once.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from cli.deployment.local_environment import is_loopback_url, use_local_credentials
from cli.deployment.running_stack import RunningStack
from local.stack.gateway import Gateway
from local.stack.machine import LocalMachine
from local.stack.schedule import LocalSchedule
from local.stack.subscribers import Unwatched, Watch

if TYPE_CHECKING:
    from chalicelib.adapters.http.guarded_fetcher import LocalTarget
    from cli.deployment.operations import Deployment
    from local.stack.aws import EmbeddedAws
    from local.stack.journal.journal import Journal


@dataclass
class RunningBroker:
    """A broker that listens.

    environ   its settings as BROKER_... names
    aws       None where its AWS is another process's, or the account's
    schedule  does in a thread what a function of its own does when deployed
    machine   what its pages may say about this machine
    """

    issuer: str
    endpoint_url: str | None
    environ: dict[str, str]
    deployment: "Deployment"
    gateway: Gateway
    aws: "EmbeddedAws | None"
    schedule: LocalSchedule
    machine: LocalMachine

    def as_running(self, kind: str, *, log: tuple[Path, ...] = ()) -> RunningStack:
        """What another terminal needs to find it."""
        return RunningStack(
            kind=kind,
            endpoint_url=self.endpoint_url,
            issuer=self.issuer,
            settings=self.environ,
            log=list(map(str, log)),
        )

    def stop(self) -> None:
        """Stop listening, and do nothing more."""
        self.gateway.stop()
        self.schedule.stop()
        if self.aws:
            self.aws.stop()


def start_broker(
    settings_environ: Mapping[str, str],
    *,
    listener: socket.socket,
    endpoint_url: str | None = None,
    local_targets: tuple["LocalTarget", ...] = (),
    doors: Mapping[str, str] | None = None,
    log_stream: TextIO | None = None,
    stage_prefix: str = "",
    remap_authenticate: bool = True,
    watch: Watch | None = None,
    journal: "Journal | None" = None,
    in_account: bool = False,
    creates_tables: bool = False,
) -> RunningBroker:
    """Start one on a bound socket, with an embedded AWS unless an endpoint is given.

    settings_environ   BROKER_... names alone
    doors              provider id -> where a browser finds the provider, if it is simulated from its file
    watch              who listens to its requests, its calls to AWS and its log
    journal            where the embedded AWS has its state; None: in memory only
    in_account         use the AWS account of this process's credentials, and create nothing there
    creates_tables     create tables and key at an endpoint on another machine, too

    Raises ConfigurationError before anything is started.
    """
    from chalicelib.adapters.aws.signed_transport import SignedTransport
    from chalicelib.composition import build_broker
    from chalicelib.config import read_catalog, read_settings
    from cli.deployment.operations import Deployment, init_keysets
    from local.stack.doors import DirectoryWithDoors

    read_catalog(read_settings(settings_environ))
    environ, aws = dict(settings_environ), None
    if not in_account:
        aws, endpoint_url = _reach_aws(endpoint_url, settings_environ, journal)
        environ["BROKER_ENDPOINT_URL"] = endpoint_url
        if creates_tables or is_loopback_url(endpoint_url):
            _create_resources(read_settings(environ))
    settings = read_settings(environ)
    watch = watch or Unwatched()
    log_stream = watch.log(log_stream) if log_stream else None
    dynamodb, kms = (watch.transport(SignedTransport(name, endpoint_url=endpoint_url)) for name in ("dynamodb", "kms"))
    deployment = Deployment(settings, dynamodb=dynamodb, kms=kms)
    if in_account:
        Deployment(settings).keys.public_jwks()  # tables, keys and KMS answer; the SDK's errors say why not
    else:
        init_keysets(deployment)
    broker = build_broker(settings, local_targets=local_targets, dynamodb=dynamodb, kms=kms, log_stream=log_stream)
    machine = LocalMachine(deployment, broker.catalog, simulated=frozenset(doors or ()))
    broker = replace(broker, machine=machine)
    if doors:
        broker = replace(broker, directory=DirectoryWithDoors(broker.directory, doors))
    from chalicelib.routes import create_app

    app = create_app(lambda: broker)
    gateway = Gateway(
        app,
        listener=listener,
        stage_prefix=stage_prefix,
        remap_authenticate=remap_authenticate,
        watch=watch,
    )
    schedule = LocalSchedule(broker).start()
    return RunningBroker(settings.issuer, endpoint_url, environ, deployment, gateway.start(), aws, schedule, machine)


def broker_environ(overrides: Mapping[str, str]) -> dict[str, str]:
    """The BROKER_... names of this process's environment with others laid over them; setting name -> text."""
    inherited = {name: value for name, value in os.environ.items() if name.startswith("BROKER_")}
    return inherited | {f"BROKER_{name.upper()}": value for name, value in overrides.items()}


def _reach_aws(
    endpoint_url: str | None, settings_environ: Mapping[str, str], journal: "Journal | None"
) -> tuple[Any, str]:
    from chalicelib.config import read_settings

    endpoint_url = endpoint_url or settings_environ.get("BROKER_ENDPOINT_URL")
    if endpoint_url is not None:
        if is_loopback_url(endpoint_url):
            use_local_credentials()
        return None, endpoint_url
    from local.stack.aws import start_aws

    settings = read_settings(settings_environ)
    aws = start_aws(table=settings.table, keys_table=settings.keys_table, journal=journal)
    return aws, aws.endpoint_url


def _create_resources(settings: Any) -> None:
    """Only at a stand-in: in an account, tables come with their backups from infra/, and from nowhere else."""
    from local.stack.resources import create_key, create_tables

    create_tables(settings.endpoint_url, settings.table, settings.keys_table)
    create_key(settings.endpoint_url, settings.kms_key)
