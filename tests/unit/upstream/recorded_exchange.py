"""Recorded exchanges with providers."""

import tomllib
from pathlib import Path

from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import fill
from chalicelib.upstream.endpoints import read_discovery_response, static_endpoints
from chalicelib.upstream.http import (
    HttpRequest,
    HttpResponse,
)

CATALOG = load_catalog()
EXCHANGES = tomllib.loads((Path(__file__).parent / "exchanges.toml").read_text(encoding="utf-8"))


def response(body: str, *, status: int = 200, content_type: str = "application/json") -> HttpResponse:
    return HttpResponse(status=status, headers={"content-type": content_type}, body=body.encode())


def definition_of(provider_id: str):
    """The file with the values that its exchange names: the operator's, and what is kept of the sign-in."""
    exchange = EXCHANGES[provider_id]
    return fill(CATALOG.get(provider_id), {**exchange.get("variables", {}), **exchange.get("kept", {})})


def endpoints_of(provider_id: str):
    definition, exchange = definition_of(provider_id), EXCHANGES[provider_id]
    if "metadata" not in exchange:
        return static_endpoints(definition)
    return read_discovery_response(definition, definition.issuer or exchange["issuer"], response(exchange["metadata"]))


def sent(request: HttpRequest) -> tuple[str, str, str]:
    return request.method, request.url, request.body.decode()


def written(exchange: dict, step: str, *, url: str) -> tuple[str, str, str]:
    """What the exchange has of one step; the parameters of a GET stand in its query."""
    method, url = exchange.get(f"{step}_method", "POST"), exchange.get(f"{step}_url", url)
    parameters = exchange[f"{step}_request"]
    return (method, f"{url}?{parameters}", "") if method == "GET" else (method, url, parameters)
