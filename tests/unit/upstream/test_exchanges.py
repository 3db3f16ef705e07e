"""One exchange per provider file, byte for byte: what we send, and what we make of the answers."""

import msgspec
import pytest

from chalicelib.upstream.authorization import build_authorization_url
from chalicelib.upstream.callback import callback_uri
from chalicelib.upstream.granted_scopes import excess_scopes, missing_scopes
from chalicelib.upstream.http import (
    ProviderMisbehaved,
    ProviderRefused,
    ProviderUnavailable,
)
from chalicelib.upstream.identity import read_identity
from chalicelib.upstream.token import build_token_request, read_token_response
from tests.kit.requirement import requirement
from tests.unit.upstream.recorded_exchange import (
    CATALOG,
    EXCHANGES,
    definition_of,
    endpoints_of,
    response,
    sent,
    written,
)

ANSWERS = [
    pytest.param(provider_id, answer, id=f"{provider_id}: {answer['name']}")
    for provider_id, exchange in EXCHANGES.items()
    for answer in exchange["token_answers"]
]
FAILURES = {"refused": ProviderRefused, "unavailable": ProviderUnavailable, "misbehaved": ProviderMisbehaved}
VERIFIER = "an-unguessable-verifier-of-43-characters-abc"


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
