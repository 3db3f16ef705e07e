"""What an app sees of a user's connections, and how it takes them back (CONS-07, VLT-01, VLT-07)."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, provider_item_key
from chalicelib.records.revocation import Revocation
from tests.kit.http.browser import Answer, request
from tests.kit.http.sign_in_scene import connections, consents, only_written
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, change, read, refusal, sign, start_session
from tests.kit.requirement import requirement


def call(session: Session, method: str, path: str = "/connections", token: str = "") -> Answer:
    """As the app, with its access token."""
    headers = {"Authorization": f"Bearer {token or session.access}"}
    return request(session.stack.netloc, method, path, headers=headers)


def of(session: Session) -> str:
    """The id of its one connection."""
    return str(session.claims["connections"]["demo"])


def end(session: Session, connection_id: str = "") -> Answer:
    return call(session, "DELETE", f"/connections/{connection_id or of(session)}")


@requirement("CONS-07")
def test_the_list_names_what_this_app_has_of_this_user(stack: Stack) -> None:
    session = start_session(stack)
    answer = call(session, "GET")
    assert answer.status == 200 and answer.header("cache-control") == "no-store"
    (one,) = answer.json["connections"]
    assert one.pop("connected_at") <= stack.clock.now() < one.pop("access_expires_at")
    assert set(one.pop("scope").split()) >= {"notes:read"}
    one.pop("reauth_by", None)
    assert one == {
        "connection_id": of(session),
        "provider": "demo",
        "label": "alice",
        "status": "active",
        "default": True,
    }
    assert answer.json["ended"] == []


@requirement("CONS-07", "VLT-02")
def test_the_account_has_no_name_for_who_may_not_see_the_profile(stack: Stack) -> None:
    session = start_session(stack)
    change(stack, session.consent_place(), scopes=frozenset({"openid", "demo:notes:read"}))
    (one,) = call(session, "GET").json["connections"]
    assert "label" not in one and "alice" not in str(one)


@requirement("VLT-01")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, f"/connections/{each}") for method in ("GET", "DELETE") for each in ("0" * 32, "x", "demo")),
        *(("GET", path) for path in ("/connections", "/userinfo", "/proxy/none/x", "/proxy/NO.SUCH/x", "/register/x")),
    ],
)
def test_a_call_without_a_token_is_asked_for_one_whatever_it_names(stack: Stack, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer unknown-token"}):
        assert request(stack.netloc, method, path, headers=headers).status == 401, headers


@requirement("CONS-07", "VLT-01")
def test_another_users_or_apps_connection_reads_like_none(stack: Stack) -> None:
    session = start_session(stack)
    bob = start_session(stack, who="bob", client=(session.client, None))
    other_app = start_session(stack)
    for stranger in (bob, other_app):
        assert [one["connection_id"] for one in call(stranger, "GET").json["connections"]] == [of(stranger)]
        with only_written(stack):
            refused, absent = end(stranger, of(session)), end(stranger, "0" * 32)
        same = [{**answer.json, "error_id": ""} for answer in (refused, absent)]
        assert refused.status == absent.status == 404 and same[0] == same[1]
    assert read(stack, session.connection_place()).status == "active"
    for malformed in ("x", "0" * 31, "demo", "%00", of(session).upper()):
        assert end(session, malformed).status == 404


@requirement("CONS-07", "VLT-12")
def test_only_a_token_for_us_of_a_user_opens_the_list(stack: Stack) -> None:
    session = start_session(stack)
    elsewhere = sign(stack, {**session.claims, "aud": "https://api.example"})
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    own = stack.token(client, secret, grant_type="client_credentials").json["access_token"]
    for token in (elsewhere, own, "x", session.refresh_token):
        for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", "/" + of(session))):
            with only_written(stack):
                assert refusal(call(session, method, "/connections" + path, token)) == (401, "invalid_token")
    assert call(session, "GET", f"/connections?access_token={session.access}", "x").status in (400, 401)


@requirement("CONS-07", "REV-03", "VLT-07")
def test_ending_one_says_what_became_of_each_token_and_says_so_again(stack: Stack) -> None:
    session = start_session(stack)
    asked = stack.provider.count("revoke")
    first = end(session)
    assert first.status == 200
    assert (first.json["status"], first.json["at_provider"]) == ("revoked", "revoked")
    assert [(row["token"], row["result"]) for row in first.json["tokens"]] == [
        ("refresh_token", "revoked"),
        ("access_token", "revoked"),
    ]
    assert all(row["reason"] for row in first.json["tokens"])
    assert stack.provider.count("revoke") == asked + 1
    with only_written(stack):
        again = end(session)
    assert again.json == first.json and stack.provider.count("revoke") == asked + 1
    assert call(session, "GET").json == {"connections": [], "ended": []}
    assert refusal(session.exchange()) == (400, "invalid_target")
    assert session.userinfo().status == 200, "a grant outlives its connection"


@requirement("CONS-07", "VLT-07")
def test_what_still_lives_at_the_provider_is_listed_until_it_is_over(stack: Stack) -> None:
    session = start_session(stack)
    stack.provider.faults.at, stack.provider.faults.status = frozenset({"revoke"}), 503
    answer = end(session).json
    assert answer["at_provider"] == "failed" and {row["result"] for row in answer["tokens"]} == {"failed"}
    listed = call(session, "GET").json
    assert listed["connections"] == [] and listed["ended"] == [answer]
    assert end(session).json == answer
    assert session.userinfo().json == {"sub": session.claims["sub"]}, "it keeps what ends it, and says nothing of it"


@requirement("CONS-07", "CONS-01")
def test_the_next_sign_in_asks_again(stack: Stack) -> None:
    """Although the page would have been skipped: an app of the operator's, the same browser, the same access."""
    session = start_session(stack, **CONFIDENTIAL)
    browser, parameters = session.sign_in.browser, stack.authorize_parameters(session.client)
    assert "code=" in stack.authorize(parameters, browser).location
    end(session)
    assert [consent.scopes for consent in consents(stack)] == [frozenset(SCOPE.split()) - {"demo:notes:read"}]
    stack.clock.advance(1)
    page = stack.authorize(parameters, browser)
    assert page.status == 200 and "Continue with" in page.body
    again = start_session(stack, client=(session.client, session.sign_in.secret))
    assert again.exchange().status == 200 and of(again) == of(session)


@requirement("CONS-07", "REV-03", "OPS-02")
def test_all_access_of_an_app_ends_with_its_grants_and_connections(stack: Stack) -> None:
    session = start_session(stack)
    second = start_session(stack, client=(session.client, None))
    other_app = start_session(stack)
    stack.clock.advance(1)
    answer = call(session, "DELETE")
    assert answer.status == 200 and answer.json["status"] == "revoked"
    assert [(row["connection_id"], row["at_provider"]) for row in answer.json["connections"]] == [
        (of(session), "revoked")
    ]
    for ended in (session, second):
        assert ended.userinfo().status == 401 and ended.refresh().status == 400
    assert call(session, "DELETE").status == 401
    assert other_app.exchange().status == 200
    stack.clock.advance(2)
    again = start_session(stack, client=(session.client, None))
    assert again.exchange().status == 200


@requirement("CONS-07", "CONS-02")
def test_after_all_access_was_ended_the_page_is_shown(stack: Stack) -> None:
    session = start_session(stack, **CONFIDENTIAL)
    call(session, "DELETE")
    stack.clock.advance(2)
    assert stack.authorize(stack.authorize_parameters(session.client), session.sign_in.browser).status == 200


@requirement("CONS-07")
def test_a_connection_that_a_mark_has_ended_is_not_called_active(stack: Stack) -> None:
    session = start_session(stack)
    change(stack, session.connection_place(), connected_at=session.grant().decided_at - 100)
    change(stack, provider_item_key("demo"), marks=Revocation(not_before=session.grant().decided_at - 50))
    stack.restart()
    (one,) = call(session, "GET").json["connections"]
    assert one["status"] == "reauth_required"


@requirement("CONS-07", "VLT-01")
@pytest.mark.parametrize("field", ["sub", "client_id"])
def test_the_index_decides_nothing(stack: Stack, field: str) -> None:
    """An item that the index still lists under this user, but which is not theirs, is neither shown nor ended."""
    session = start_session(stack)
    foreign: dict[str, Any] = {"connection_id": "f" * 32, field: "0" * 32}
    kept: Connection = read(stack, session.connection_place())
    stack.deployment.put(connection_item_key("f" * 32), msgspec.structs.replace(kept, **foreign))
    assert [one["connection_id"] for one in call(session, "GET").json["connections"]] == [of(session)]
    assert end(session, "f" * 32).status == 404
    call(session, "DELETE")
    assert {one.connection_id: one.status for one in connections(stack)} == {of(session): "revoked", "f" * 32: "active"}


@requirement("CONS-07")
def test_a_long_list_is_whole(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    session = start_session(stack)
    kept: Connection = read(stack, session.connection_place())
    for number in range(150):
        copy = msgspec.structs.replace(kept, connection_id=f"{number:032x}")
        stack.deployment.put(connection_item_key(copy.connection_id), copy)
    assert len(call(session, "GET").json["connections"]) == 151
