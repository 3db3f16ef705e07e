"""Which answers to a refresh leave the refresh token unused, and which to a revocation end one, for every file."""

import json

import pytest
from msgspec.structs import replace

from chalicelib.providers.definition import InvalidDefinition, ProviderDefinition, parse_definition
from chalicelib.providers.definition.error_words import REFUSALS, REGISTERED_ERRORS
from chalicelib.upstream.http import HttpResponse, ProviderRefused
from chalicelib.upstream.refresh import Ended, NotDone, Unknown, Unread, read_refresh_response
from chalicelib.upstream.revocation import OTHER_CAUSES, read_revocation_response
from tests.kit import ROOT
from tests.kit.requirement import requirement

FILES = sorted((ROOT / "chalicelib" / "providers").glob("*.toml"))
DEFINITIONS = {path.stem: parse_definition(path.read_text(), source=path.name) for path in FILES}
JSON = "application/json"
# A proxy, a firewall or a gateway may send each of these after the provider has carried the request out.
IN_DOUBT = [
    *((status, "text/html", "<h1>Blocked</h1>") for status in (400, 401, 403, 404, 408, 409, 421, 422, 425, 499)),
    *((status, JSON, "{}") for status in (400, 403, 408, 499)),
    *((400, JSON, json.dumps({"error": word})) for word in ("server_error", "fatal_error", "internal_error", "", 7)),
    (400, JSON, "[]"),
    (302, "text/html", ""),
    (502, "text/html", "<h1>Bad Gateway</h1>"),
]


def put(definition: ProviderDefinition, word: object) -> str:
    """An error answer of this provider, its word at the path that its file names."""
    value: object = word
    for step in reversed(definition.token.error_path.split(".")):
        value = {step: value}
    return json.dumps(value)


def read(definition: ProviderDefinition, status: int, kind: str, body: str) -> object:
    response = HttpResponse(status=status, headers={"content-type": kind}, body=body.encode())
    return read_refresh_response(definition, response, granted=frozenset(), now=1000)


def test_every_file_of_ours_is_looked_at() -> None:
    assert len(DEFINITIONS) == 39


@requirement("VLT-13")
@pytest.mark.parametrize("provider_id", DEFINITIONS)
def test_an_answer_that_neither_the_standard_nor_the_file_defines_is_in_doubt(provider_id: str) -> None:
    definition = DEFINITIONS[provider_id]
    for status, kind, body in IN_DOUBT:
        assert isinstance(read(definition, status, kind, body), Unknown), (status, kind, body)
    for word in ("server_error", "internal_error", "fatal_error", "no such word", 2, True):
        assert isinstance(read(definition, 400, JSON, put(definition, word)), Unknown), word


@requirement("VLT-13")
@pytest.mark.parametrize("provider_id", DEFINITIONS)
def test_a_code_of_the_standard_a_word_of_the_file_and_429_say_that_nothing_has_happened(provider_id: str) -> None:
    definition = DEFINITIONS[provider_id]
    for word in {*REFUSALS, *definition.token.errors}:
        code = definition.token.errors.get(word, word)
        expected = Ended if code in definition.refresh.terminal_errors else NotDone
        assert isinstance(read(definition, 400, JSON, put(definition, word)), expected), word
    assert isinstance(read(definition, 429, "text/html", "<h1>Slow down</h1>"), NotDone)


@requirement("VLT-13")
def test_a_refusal_that_brings_tokens_is_no_refusal() -> None:
    body = json.dumps({"access_token": "a", "refresh_token": "r", "error": "invalid_request"})
    assert isinstance(read(DEFINITIONS["oidc"], 200, JSON, body), Unread)


@requirement("VLT-13")
@pytest.mark.parametrize("word", ["access_denied", "temporarily_unavailable"])
def test_a_registered_word_outside_the_standards_list_counts_only_where_the_file_names_it(word: str) -> None:
    plain = DEFINITIONS["oidc"]
    named = replace(plain, token=replace(plain.token, errors={word: word}))
    body = json.dumps({"error": word})
    assert isinstance(read(plain, 400, JSON, body), Unknown) and isinstance(read(named, 400, JSON, body), NotDone)


@requirement("VLT-13")
def test_a_file_that_translates_into_no_registered_code_is_refused() -> None:
    text = FILES[[path.stem for path in FILES].index("slack")].read_text()
    broken = text.replace('ratelimited = "temporarily_unavailable"', 'ratelimited = "slow_down"')
    with pytest.raises(InvalidDefinition, match="slow_down"):
        parse_definition(broken, source="slack.toml")
    assert {code for one in DEFINITIONS.values() for code in one.token.errors.values()} <= REGISTERED_ERRORS


@requirement("VLT-14")
@pytest.mark.parametrize("provider_id", [name for name, one in DEFINITIONS.items() if one.revocation.gone])
def test_a_status_that_says_gone_says_so_only_where_nothing_else_is_named_as_the_cause(provider_id: str) -> None:
    definition = DEFINITIONS[provider_id]
    (status, *_) = definition.revocation.gone
    for kind, body in (("text/html", "<h1>Blocked</h1>"), *((JSON, put(definition, word)) for word in OTHER_CAUSES)):
        response = HttpResponse(status=status, headers={"content-type": kind}, body=body.encode())
        with pytest.raises(ProviderRefused):
            read_revocation_response(definition, response)
    gone = HttpResponse(status=status, headers={"content-type": JSON}, body=put(definition, "invalid_token").encode())
    assert read_revocation_response(definition, gone) == "already_over"
