"""The demo app: a single-page app that signs in at the demo's own providers, or at those that were asked for."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from local.demo.backend import Behind
from local.demo.parts import APP, OWN_SCOPES, PARTS, SCOPES, describe_providers, note_move
from local.demo.real import Real
from local.demo.simulated import FileProvider, Simulated, describe_simulated
from local.stack.ports import start_near

if TYPE_CHECKING:
    from chalicelib.records.client import Client
    from cli.deployment.operations import Deployment
    from local.demo.app_server import DemoServer
    from local.demo.controls import Played

APP_NAME = "Demo App"
_GRANT_TYPES = frozenset(
    {"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"}
)  # fmt: skip


def start_app(
    behind: Behind, named: tuple[FileProvider, ...], moved: list[str], *, free_ports: bool
) -> tuple["DemoServer", str]:
    """Start the app; with it, the id of a client for the demo's own providers that has the same redirect URI.

    named   where users sign in instead of at the demo's own providers, if there are any
    """
    from local.demo.app_server import start

    config = {"issuer": behind.broker.issuer, "client_id": "", **_describe(behind, named)}
    levers = _levers(behind)
    app = start_near(0 if free_ports else APP[1], lambda candidate: start(candidate, config, APP[0], levers))
    note_move(moved, "the app", APP[1], urlsplit(app.url).port or 0, free_ports)
    deployment, callback = behind.broker.deployment, f"{app.url}/callback"
    own = _register(deployment, _own_client(callback, frozenset(behind.providers)))
    app.config["client_id"] = _register(deployment, _client_of(callback, named)) if named else own
    return app, own


def _describe(behind: Behind, named: tuple[FileProvider, ...]) -> dict[str, Any]:
    """The providers of the app, for its config.json."""
    if not named:
        return {"providers": describe_providers(behind.providers)}
    told = [_describe_named(behind, part) for part in named]
    read = (f"{each['id']}:{each['scope']}" for each in told)
    return {
        "providers": told,
        "scope": " ".join((*OWN_SCOPES, *read)),
        "choose": True,
    }


def _describe_named(behind: Behind, part: FileProvider) -> dict[str, Any]:
    if isinstance(part, Real):
        return part.describe()
    if isinstance(part, Simulated):
        return describe_simulated(part, behind.simulated[part.provider_id])
    raise TypeError(type(part))


def _own_client(callback: str, providers: frozenset[str]) -> "Client":
    return replace(
        _build_client(callback),
        purpose="Shows what an app does with notes and a calendar of yours.",
        scopes=SCOPES,
        optional_scopes=frozenset({"email", *(part.scopes[1] for part in PARTS)}),
        providers=providers,
    )


def _client_of(callback: str, named: tuple[FileProvider, ...]) -> "Client":
    return replace(
        _build_client(callback),
        purpose="Shows what an app does with your accounts.",
        scopes=frozenset(OWN_SCOPES).union(*(part.scopes for part in named)),
        optional_scopes=frozenset({"email"}),
        providers=frozenset(part.provider_id for part in named),
    )


def _build_client(callback: str) -> "Client":
    """The demo app as a client: public, and it gets the providers' tokens."""
    from chalicelib.records.client import Client

    return Client(
        client_id="",
        client_name=APP_NAME,
        redirect_uris=(callback,),
        token_endpoint_auth_method="none",
        grant_types=_GRANT_TYPES,
        application_type="native",
        handout="token",
    )


def _register(deployment: "Deployment", client: "Client") -> str:
    """Its client_id. A client of an earlier start with the same purpose gets the present values."""
    from cli.deployment.operations import create_client, list_clients, update_client

    same = (one for one in list_clients(deployment) if (one.client_name, one.purpose) == (APP_NAME, client.purpose))
    before = next(same, None)
    if before is None:
        return create_client(deployment, client)[0].client_id
    fields = {name: getattr(client, name) for name in ("redirect_uris", "scopes", "optional_scopes", "providers")}
    if any(getattr(before, name) != value for name, value in fields.items()):
        update_client(deployment, before, **fields)
    return before.client_id


def _levers(behind: Behind) -> dict[str, "Played"]:
    from local.demo.controls import Played

    deployment = behind.broker.deployment
    return {name: Played(name, provider, deployment) for name, provider in behind.all_providers.items()}
