"""The same exchanges, after the sign-in: a second exchange, a refresh, a revocation.

Each step has STEP_request, a body or for STEP_method = "GET" a query, STEP_url where it is another address than the
file's, and STEP_answers (in_doubt: the refresh may have been carried out). A revocation says method, url, body, and by
what it is proven: basic, bearer, post or none.
"""

import pytest

from chalicelib.upstream.callback import callback_uri
from chalicelib.upstream.http import ProviderRefused
from chalicelib.upstream.refresh import Ended, NotDone, Renewed, Unknown, Unread, read_refresh_response
from chalicelib.upstream.revocation import build_revocation_request, read_revocation_response
from chalicelib.upstream.token import build_exchange_request, build_refresh_request, read_token_response
from tests.kit.requirement import requirement
from tests.unit.upstream.recorded_exchange import EXCHANGES, definition_of, endpoints_of, response, sent, written

OURS = {"client_id": "our-client", "client_secret": "our-secret"}


def having(key: str) -> list[str]:
    return [provider_id for provider_id, exchange in EXCHANGES.items() if key in exchange]


def answers(key: str) -> list:
    return [
        pytest.param(provider_id, answer, id=f"{provider_id}: {answer['name']}")
        for provider_id in having(key)
        for answer in EXCHANGES[provider_id][key]
    ]


def came(answer: dict):
    return response(answer["body"], status=answer.get("status", 200), content_type=answer["content_type"])


def test_what_a_file_can_do_after_the_sign_in_is_written_down():
    for provider_id, exchange in EXCHANGES.items():
        definition = definition_of(provider_id)
        assert ("exchange_request" in exchange) == (definition.exchange is not None), provider_id
        assert "refresh_request" not in exchange or definition.refresh.kind != "none", provider_id
        assert "revocation_request" not in exchange or definition.revocation.kind != "none", provider_id


@requirement("CB-07")
@pytest.mark.parametrize("provider_id", having("exchange_request"))
def test_the_step_after_the_code(provider_id):
    definition = definition_of(provider_id)
    rules = definition.exchange
    request = build_exchange_request(definition, rules, token="ACCESS", **OURS)
    assert sent(request) == written(EXCHANGES[provider_id], "exchange", url=rules.endpoint)


@requirement("CB-11")
@pytest.mark.parametrize(("provider_id", "answer"), answers("exchange_answers"))
def test_what_we_make_of_its_answer(provider_id, answer):
    definition, asked = definition_of(provider_id), frozenset(EXCHANGES[provider_id]["scopes"])
    tokens = read_token_response(definition, came(answer), requested=asked, now=1000)
    assert (tokens.granted, tokens.expires_at) == (set(answer["granted"]), 1000 + answer["expires_in"])


@requirement("CB-07")
@pytest.mark.parametrize("provider_id", having("refresh_request"))
def test_a_refresh(provider_id):
    definition, exchange = definition_of(provider_id), EXCHANGES[provider_id]
    request = build_refresh_request(
        definition,
        endpoints_of(provider_id),
        refresh_token="REFRESH",
        redirect_uri=callback_uri("https://broker.example", provider_id),
        scopes=frozenset(exchange["scopes"]),
        **OURS,
    )
    assert sent(request) == written(exchange, "refresh", url=endpoints_of(provider_id).token_endpoint)


@requirement("CB-11")
@pytest.mark.parametrize(("provider_id", "answer"), answers("refresh_answers"))
def test_what_we_make_of_a_refresh(provider_id, answer):
    definition = definition_of(provider_id)
    granted = frozenset(EXCHANGES[provider_id]["scopes"]) | frozenset(definition.sign_in_scopes)
    read = read_refresh_response(definition, came(answer), granted=granted, now=1000)
    if "refused" in answer:
        ends = answer["refused"] in definition.refresh.terminal_errors
        assert isinstance(read, (Unknown, Unread) if answer.get("in_doubt") else Ended if ends else NotDone)
        assert read.reason.startswith(f"token_{answer['refused']}")
        return
    assert isinstance(read, Renewed)
    assert read.tokens.granted == set(answer["granted"])
    assert read.tokens.expires_at == (1000 + answer["expires_in"] if "expires_in" in answer else None)
    said = 1000 + answer["refresh_expires_in"] if "refresh_expires_in" in answer else None
    assert read.tokens.refresh_expires_at == said


@pytest.mark.parametrize("provider_id", having("revocation_request"))
def test_a_revocation(provider_id):
    expected = EXCHANGES[provider_id]["revocation_request"]
    refreshes = "REFRESH" in expected["body"]
    request = build_revocation_request(
        definition_of(provider_id),
        endpoints_of(provider_id),
        token="REFRESH" if refreshes else "ACCESS",
        kind="refresh_token" if refreshes else "access_token",
        **OURS,
    )
    assert request is not None
    assert sent(request) == (expected["method"], expected["url"], expected["body"])
    proof = request.headers.get("Authorization", "")
    ways = {"basic": proof.startswith("Basic "), "bearer": proof == "Bearer ACCESS"}
    assert ways.get(expected["authorization"], not proof)


@pytest.mark.parametrize(("provider_id", "answer"), answers("revocation_answers"))
def test_what_we_make_of_a_revocation(provider_id, answer):
    definition = definition_of(provider_id)
    if answer["ended"]:
        assert read_revocation_response(definition, came(answer)) in ("revoked", "already_over")
        return
    with pytest.raises(ProviderRefused):
        read_revocation_response(definition, came(answer))
