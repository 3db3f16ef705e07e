"""One exchange per provider file, byte for byte: what we send, and what we make of the answers."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import fill
from chalicelib.upstream.authorization import build_authorization_url
from chalicelib.upstream.callback import callback_uri
from chalicelib.upstream.endpoints import read_discovery_response, static_endpoints
from chalicelib.upstream.granted_scopes import excess_scopes, missing_scopes
from chalicelib.upstream.http import (
    HttpRequest,
    HttpResponse,
    ProviderMisbehaved,
    ProviderRefused,
    ProviderUnavailable,
)
from chalicelib.upstream.identity import read_identity
from chalicelib.upstream.token import build_token_request, read_token_response
from tests.kit.requirement import requirement

CATALOG = load_catalog()
EXCHANGES = tomllib.loads((Path(__file__).parent / "exchanges.toml").read_text(encoding="utf-8"))
ANSWERS = [
    pytest.param(provider_id, answer, id=f"{provider_id}: {answer['name']}")
    for provider_id, exchange in EXCHANGES.items()
    for answer in exchange["token_answers"]
]
FAILURES = {"refused": ProviderRefused, "unavailable": ProviderUnavailable, "misbehaved": ProviderMisbehaved}
VERIFIER = "an-unguessable-verifier-of-43-characters-abc"


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


def test_every_provider_file_has_an_exchange():
    assert set(EXCHANGES) == CATALOG.ids


@requirement("CB-07")
@pytest.mark.parametrize("provider_id", EXCHANGES)
def test_what_we_send_is_what_is_written_down(provider_id):
    definition, exchange, endpoints = definition_of(provider_id), EXCHANGES[provider_id], endpoints_of(provider_id)
    ours = {"client_id": "our-client", "redirect_uri": callback_uri("https://broker.example", provider_id)}
    url = build_authorization_url(
        definition,
        endpoints,
        scopes=frozenset(exchange["scopes"]),
        state="STATE",
        nonce="NONCE",
        code_verifier=VERIFIER,
        **ours,
    )
    assert url == exchange["authorization_url"]
    request = build_token_request(
        definition, endpoints, client_secret="our-secret", code="CODE", code_verifier=VERIFIER, **ours
    )
    assert sent(request) == written(exchange, "token", url=endpoints.token_endpoint)
    assert request.headers["Accept"] == "application/json"


@requirement("CB-11")
@pytest.mark.parametrize(("provider_id", "answer"), ANSWERS)
def test_what_we_make_of_a_token_answer(provider_id, answer):
    definition, asked = definition_of(provider_id), frozenset(EXCHANGES[provider_id]["scopes"])
    came = response(answer["body"], status=answer.get("status", 200), content_type=answer["content_type"])
    if failures := {"refused", "unavailable", "misbehaved"} & answer.keys():
        with pytest.raises(FAILURES[failures.pop()]) as failure:
            read_token_response(definition, came, requested=asked, now=1000)
        assert getattr(failure.value, "code", None) == answer.get("refused")
        return
    tokens = read_token_response(definition, came, requested=asked, now=1000)
    assert tokens.granted == set(answer["granted"])
    assert tokens.expires_at == (1000 + answer["expires_in"] if "expires_in" in answer else None)
    said = 1000 + answer["refresh_expires_in"] if "refresh_expires_in" in answer else None
    assert tokens.refresh_expires_at == said
    needed = asked | frozenset(definition.sign_in_scopes)
    assert missing_scopes(definition, granted=tokens.granted, needed=needed) == set(answer.get("missing", ()))
    assert excess_scopes(definition, granted=tokens.granted, allowed=asked) == set()


@requirement("CB-09")
@pytest.mark.parametrize("provider_id", EXCHANGES)
def test_what_we_make_of_the_identity_answers(provider_id):
    expected = EXCHANGES[provider_id]["identity"]
    claims = msgspec.json.decode(expected["claims"]) if "claims" in expected else None
    answers = tuple(response(body) for body in expected["answers"])
    token_answer = msgspec.json.decode(expected.get("token_answer", "{}"))
    identity = read_identity(definition_of(provider_id), answers, claims, token_answer)
    assert (identity.issuer, identity.subject) == (expected["issuer"], expected["subject"])
    assert identity.profile == expected["profile"]
