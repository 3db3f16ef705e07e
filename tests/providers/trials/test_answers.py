"""Answers that deviate: what of them is believed, and what a key can not make believed."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib.providers.definition import InvalidDefinition, ProviderDefinition, RevocationRules
from chalicelib.upstream.endpoints import static_endpoints
from chalicelib.upstream.granted_scopes import excess_scopes, missing_scopes
from chalicelib.upstream.http import HttpResponse, ProviderMisbehaved, ProviderRefused
from chalicelib.upstream.identity import build_userinfo_requests, read_identity
from chalicelib.upstream.revocation import build_revocation_request, read_revocation_response
from chalicelib.upstream.token import ProviderTokens, read_token_response
from tests.kit.providers.team_provider import team
from tests.kit.requirement import requirement


def answer(document: object, *, status: int = 200, kind: str = "application/json") -> HttpResponse:
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return HttpResponse(status=status, headers={"content-type": kind}, body=body)


def tokens(
    definition: ProviderDefinition, document: object, *, asked: tuple[str, ...] = (), kind: str = "application/json"
) -> ProviderTokens:
    return read_token_response(definition, answer(document, kind=kind), requested=frozenset(asked), now=1000)


def test_all_of_an_answer_is_read_in_one_place_of_it() -> None:
    slack = team('[token]\nwithin = ["user", ""]\ntoken_types = ["user"]\n')
    both = {"access_token": "bot", "refresh_token": "bots", "token_type": "bot", "user": {"access_token": "u"}}
    read = tokens(slack, both)
    assert (read.access_token, read.refresh_token) == ("u", None)
    later = tokens(slack, {"access_token": "top", "refresh_token": "r", "token_type": "USER", "user": {"id": "7"}})
    assert (later.access_token, later.refresh_token) == ("top", "r")


def test_a_token_of_a_kind_that_the_file_does_not_name_is_not_used() -> None:
    named = team('[token]\ntoken_types = ["user"]\n')
    for wrong in ("bearer", "bot", 7):
        with pytest.raises(ProviderMisbehaved, match="token_type_unknown"):
            tokens(named, {"access_token": "t", "token_type": wrong})


@pytest.mark.parametrize(("error", "code"), [(190, "invalid_grant"), (191, "other"), (True, "other"), ("x", "other")])
def test_numbers_are_words_too(error: object, code: str) -> None:
    numbered = team('[token]\nerror_path = "error.code"\nerrors = { "190" = "invalid_grant" }\n')
    with pytest.raises(ProviderRefused) as refused:
        tokens(numbered, {"error": {"code": error}, "access_token": "t"})
    assert refused.value.code == code
    assert tokens(numbered, {"error": {"code": 0}, "access_token": "t"}).access_token == "t"


def test_json_under_another_type_is_json_only_where_the_file_says_so() -> None:
    document, kind = {"access_token": "t"}, "text/javascript"
    named = team('[token]\njson_types = ["text/javascript"]\n')
    assert tokens(named, document, kind=kind + "; charset=UTF-8").access_token == "t"
    with pytest.raises(ProviderMisbehaved, match="token_not_json"):
        tokens(team(), document, kind=kind)
    for never in ("text/html", "application/x-www-form-urlencoded", "json"):
        with pytest.raises(InvalidDefinition, match="json_types"):
            team(f'[token]\njson_types = ["{never}"]\n')


@requirement("CB-11", "VLT-10")
def test_where_the_provider_knows_no_scopes_everything_is_granted_whatever_it_says() -> None:
    whole = team("[authorization]\nsends_scope = false\n")
    read = tokens(whole, {"access_token": "t", "scope": ""}, asked=("me",))
    assert read.granted == {"me", "write"}
    assert excess_scopes(whole, granted=read.granted, allowed=frozenset({"me"})) == {"write"}


@requirement("CB-11")
def test_what_an_answer_never_names_was_granted_only_if_it_was_asked_for() -> None:
    silent = team('[token]\nunnamed_scopes = ["write"]\n')
    document = {"access_token": "t", "scope": "me"}
    assert tokens(silent, document, asked=("me", "write")).granted == {"me", "write"}
    assert tokens(silent, document, asked=("me",)).granted == {"me"}
    assert missing_scopes(team(), granted=tokens(team(), document).granted, needed=frozenset({"write"})) == {"write"}


@requirement("VLT-10")
def test_what_the_provider_adds_by_itself_exceeds_nothing_and_nothing_else_is_let_through() -> None:
    adding = team(implied_scopes='["added"]')
    granted = frozenset({"me", "added", "more"})
    assert excess_scopes(adding, granted=granted, allowed=frozenset()) == {"more"}
    assert excess_scopes(team(), granted=granted, allowed=frozenset()) == {"added", "more"}


@requirement("VLT-03")
def test_a_token_stands_in_one_place_of_a_request_alone() -> None:
    asks = team(
        '[identity]\nsource = "userinfo"\nissuer = "i"\nmethod = "POST"\nbody = { t = "{token}" }\n'.replace(
            '"i"', '"https://i.example"'
        )
    )
    (request,) = build_userinfo_requests(asks, static_endpoints(asks), "secret&token", client_id="us")
    assert request.body == b"t=secret%26token"
    assert "secret" not in str(request.headers) + request.url


@requirement("CB-09")
def test_the_token_answer_names_the_account_and_no_other_answer_can() -> None:
    named = team(
        '[identity]\nsource = "token"\nissuer = "https://login.team.example"\nsubject = ["team.id", "id"]\n'
        'userinfo = true\nclaims = { name = "name" }\n'
    )
    userinfo = answer({"team": {"id": "X"}, "id": "Y", "name": "Alice"})
    identity = read_identity(named, (userinfo,), None, {"team": {"id": 7}, "id": "a:b"})
    assert (identity.subject, identity.profile) == ("7:a%3Ab", {"name": "Alice"})
    assert read_identity(named, (answer({}, status=503),), None, {"team": {"id": 7}, "id": "u"}).profile == {}
    empty: list[dict[str, object]] = [{}, {"team": {"id": 7}}, {"team": {"id": True}, "id": "u"}]
    for nobody in empty:
        with pytest.raises(ProviderMisbehaved, match="identity_subject_malformed"):
            read_identity(named, (userinfo,), None, nobody)
    with pytest.raises(ProviderMisbehaved, match="identity_token_missing"):
        read_identity(named, (userinfo,), None, None)


def revoking(**rules: Any) -> ProviderDefinition:
    return replace(team(), revocation=RevocationRules(kind="request", url="https://a.example/{token}", **rules))


@requirement("VLT-09")
@pytest.mark.parametrize(
    ("status", "document", "outcome"),
    [
        (200, {"ok": True}, "revoked"),
        (200, {"ok": False, "error": "token_revoked"}, "already_over"),
        (400, {"error": 190}, "already_over"),
        (404, {}, "already_over"),
        (200, {"ok": False, "error": "internal"}, None),
        (200, {"ok": "true"}, None),
        (200, b"<html>", None),
        (403, {"ok": True}, None),
    ],
)
def test_a_token_is_over_only_if_the_answer_says_so(status: int, document: object, outcome: str | None) -> None:
    definition = revoking(success_member="ok", gone=(404,), gone_errors=("token_revoked", "190"))
    response = answer(document, status=status, kind="text/javascript")
    if outcome is None:
        with pytest.raises(ProviderRefused):
            read_revocation_response(definition, response)
    else:
        assert read_revocation_response(definition, response) == outcome


def test_a_token_in_a_url_is_one_segment_and_nothing_in_it_is_filled_in() -> None:
    definition = revoking(method="GET", auth="none")
    values: Any = {"client_id": "us", "client_secret": "s", "kind": "access_token"}
    request = build_revocation_request(definition, static_endpoints(definition), token="a/../{client_id}?x", **values)
    assert request is not None
    assert (request.url, request.body) == ("https://a.example/a%2F..%2F%7Bclient_id%7D%3Fx", b"")
