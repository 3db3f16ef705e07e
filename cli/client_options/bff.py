"""Options of `broker client` about browser sessions (/bff): which pages may use one, and which API they call."""

import argparse
from typing import Any

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.redirect_uri import check_registrable, is_loopback
from chalicelib.protocol.registration_uris import check_callable
from chalicelib.records.client import BffApi, Client
from cli.client_options.same_site import find_fault
from cli.deployment.operations import Deployment, OperationError, list_resources

ORIGIN_HELP = (
    'origin of pages that use a cookie instead of tokens, of the same site as the issuer; may repeat; "" removes all'
)
API_HELP = 'your API that receives calls to /bff/CLIENT_ID/api; "" removes it'
RESOURCE_HELP = "the audience of that API, as given to `broker resource create` (default: the address itself)"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to create and update; None if an option is not given."""
    parser.add_argument("--bff-origin", action="append", metavar="ORIGIN", help=ORIGIN_HELP)
    parser.add_argument("--bff-api", metavar="URL", help=API_HELP)
    parser.add_argument("--bff-api-resource", metavar="URI", help=RESOURCE_HELP)


def read_fields(deployment: Deployment, client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """The changed fields of a client, checked. Raises OperationError.

    Users are asked for consent again: they return to another page, or more is called for them.
    """
    fields: dict[str, Any] = {}
    if options.bff_origin is not None:
        fields["bff_origins"] = _read_origins(deployment, options.bff_origin)
    if options.bff_api is not None:
        fields["bff_api"] = _read_api(deployment, options.bff_api, options.bff_api_resource)
    elif options.bff_api_resource is not None:
        raise OperationError("--bff-api-resource goes with --bff-api", "--bff-api https://api.example.com")
    if not fields:
        return {}
    if client.registered_by != "operator":
        raise OperationError("this client registered itself", "broker client create --bff-origin ORIGIN ...")
    if fields.get("bff_api"):
        fields["resources"] = client.resources | {fields["bff_api"].resource}
    if fields.get("bff_api", client.bff_api) and not fields.get("bff_origins", client.bff_origins):
        raise OperationError("no page could call that API", "--bff-origin https://app.example.com in the same command")
    return {**fields, "revision": client.revision + 1}


def _read_origins(deployment: Deployment, origins: list[str]) -> tuple[str, ...]:
    origins = [origin for origin in dict.fromkeys(origins) if origin]
    if origins and deployment.settings.is_fapi2:
        said = "BROKER_PROFILE=fapi2 does not allow browser sessions: tokens must be bound to a key of the client"
        raise OperationError(said, "leave --bff-origin out")
    for origin in origins:
        fault = find_fault(origin, deployment.settings.issuer)
        if fault is not None:
            raise OperationError(*fault)
    return tuple(origins)


def _read_api(deployment: Deployment, url: str, resource: str | None) -> BffApi | None:
    if not url:
        return None
    address, audience = url.rstrip("/"), resource or url
    try:
        check_registrable(url, application_type="web")
        if not (deployment.settings.is_loopback and is_loopback(url)):
            check_callable(url)
    except OAuthError as error:
        raise OperationError(
            f"the broker cannot call {url}: {error.reason}", "use an https address with the default port"
        ) from None
    if "?" in url:
        raise OperationError(f"{url} has a query", "give origin and path only: the path of each call is appended")
    known = {one.audience for one in list_resources(deployment)}
    if audience not in known and audience.rstrip("/") in known:
        audience = audience.rstrip("/")
    if audience not in known:
        raise OperationError(f"no such resource: {audience}", f"broker resource create --audience {audience}")
    return BffApi(resource=audience, url=address)
