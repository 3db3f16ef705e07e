"""Refreshing: one line of tokens, a short grace for lost answers, an end for what was stolen (RFC 9700 4.14.2)."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from chalicelib.records.item_keys import grant_item_key
from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.stack import SCOPE, SignIn, Stack
from tests.kit.http.tokens import (
    CONFIDENTIAL,
    Session,
    change,
    count_calls,
    events,
    mark,
    read_claims,
    refusal,
    respell,
    start_session,
)
from tests.kit.requirement import requirement

API = "https://api.example"
REFUSED = (400, "invalid_grant")
DAY = 86400


@pytest.fixture
def session(stack: Stack) -> Session:
    """A signed-in public client with a refresh token of generation 1."""
    return start_session(stack)


@requirement("REF-02", "REF-03", "REF-04")
def test_each_use_rotates_and_a_repeat_in_the_grace_gets_the_same_bytes(stack: Stack, session: Session) -> None:
    second = session.refresh().json["refresh_token"]
    assert second != session.refresh_token
    for seconds in (0, 10, 19):
        stack.clock.advance(seconds)
        answer = session.refresh()
        assert (answer.status, answer.json["refresh_token"]) == (200, second)
    third = session.refresh(second).json["refresh_token"]
    assert session.grant().generation == 3 and len({session.refresh_token, second, third}) == 3


@requirement("REF-04", "REF-05")
def test_the_grace_ends_and_then_the_used_token_ends_the_grant(stack: Stack, session: Session) -> None:
    second = session.refresh().json
    stack.clock.advance(30)
    assert refusal(session.refresh()) == REFUSED
    assert events(stack, "replay_detected")[0]["reason"] == "refresh_token_replayed"
    assert refusal(session.refresh(second["refresh_token"])) == REFUSED
    assert stack.userinfo(second["access_token"]).status == 401
    assert session.exchange(second["access_token"]).status == 400


@requirement("REF-04")
def test_the_one_before_the_last_is_refused_in_its_own_grace_and_ends_the_grant_after_it(
    stack: Stack, session: Session
) -> None:
    second = session.refresh().json["refresh_token"]
    stack.clock.advance(20)
    third = session.refresh(second).json["refresh_token"]
    stack.clock.advance(9)
    assert refusal(session.refresh()) == REFUSED
    assert session.grant().status == "active" and session.refresh(second).json["refresh_token"] == third
    stack.clock.advance(1)
    assert refusal(session.refresh()) == REFUSED
    assert session.grant().status == "revoked" and refusal(session.refresh(third)) == REFUSED


@requirement("REF-04", "REF-05")
def test_anything_older_ends_the_grant_even_inside_every_grace(stack: Stack, session: Session) -> None:
    token = session.refresh_token
    for _ in range(3):
        token = session.refresh(token).json["refresh_token"]
    assert refusal(session.refresh()) == REFUSED
    assert session.grant().status == "revoked" and refusal(session.refresh(token)) == REFUSED


@requirement("REF-04", "REF-05")
def test_without_a_grace_any_repeat_ends_the_grant(make_stack: Callable[..., Stack]) -> None:
    session = start_session(make_stack(refresh_grace_seconds=0))
    second = session.refresh().json["refresh_token"]
    assert session.refresh(second).status == 200
    assert refusal(session.refresh(second)) == REFUSED
    assert session.grant().status == "revoked"


@requirement("REF-04", "REV-03")
def test_without_a_grace_a_mark_set_between_the_first_read_and_the_advance_ends_the_grant(
    make_stack: Callable[..., Stack],
) -> None:
    session = start_session(make_stack(refresh_grace_seconds=0))
    session.stack.restart(dynamodb=MarksBeforeUpdate(session), refresh_grace_seconds=0)
    assert refusal(session.refresh()) == REFUSED
    assert session.grant().status == "revoked"


class MarksBeforeUpdate:
    """A store in front of which the user withdraws consent, just before the grant is advanced."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "UpdateItem":
            mark(self._session.stack, self._session.consent_place())
        return self._session.stack.dynamodb.call(operation, payload)


@requirement("REF-01")
def test_a_refresh_token_is_bound_to_its_client(stack: Stack) -> None:
    client = stack.client(**CONFIDENTIAL)
    session = start_session(stack, client=client)
    for other in (stack.client(), stack.client(**CONFIDENTIAL)):
        thief = SignIn(**{**vars(session.sign_in), "client": other[0], "secret": other[1]})
        assert refusal(stack.refresh(thief, session.refresh_token)) == REFUSED
    wrong = SignIn(**{**vars(session.sign_in), "secret": "0" * 64})
    assert refusal(stack.refresh(wrong, session.refresh_token)) == (401, "invalid_client")
    assert session.refresh().status == 200


@requirement("REF-01", "REF-05")
def test_another_clients_use_of_an_old_token_ends_nothing(stack: Stack, session: Session) -> None:
    second = session.refresh().json["refresh_token"]
    stack.clock.advance(3600)
    thief = SignIn(**{**vars(session.sign_in), "client": stack.client()[0]})
    assert refusal(stack.refresh(thief, session.refresh_token)) == REFUSED
    assert session.refresh(second).status == 200


@requirement("REF-01", "REF-07")
def test_scope_shrinks_for_the_access_token_alone(stack: Stack, session: Session) -> None:
    narrow = session.refresh(scope="openid email").json
    assert narrow["scope"] == "email openid" and read_claims(narrow["access_token"])["scope"] == "email openid"
    wide = session.refresh(narrow["refresh_token"]).json
    assert wide["scope"] == " ".join(sorted(SCOPE.split()))


@requirement("REF-01", "REF-07")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": "openid demo:notes"}, "invalid_scope"),
        ({"scope": "openid  email"}, "invalid_scope"),
        ({"scope": 'openid "x"'}, "invalid_scope"),
        ({"resource": API}, "invalid_target"),
        ({"resource": "urn:x"}, "invalid_target"),
    ],
)
def test_asking_for_more_leaves_the_token_good(
    stack: Stack, session: Session, changed: dict[str, str], error: str
) -> None:
    assert refusal(session.refresh(**changed)) == (400, error)
    second = session.refresh().json["refresh_token"]
    assert refusal(session.refresh(**changed)) == (400, error)
    stack.clock.advance(3600)
    assert refusal(session.refresh(**changed)) == (400, error)
    assert session.grant().generation == 2 and session.refresh(second).status == 200


@requirement("REF-01")
def test_a_granted_resource_or_our_issuer_may_be_chosen_and_nothing_else(stack: Stack) -> None:
    for uri in (API, API + "/other"):
        create_resource(stack.deployment, Resource(audience=uri, scopes=frozenset({"orders:read"})))
    scope = "openid offline_access orders:read demo:notes:read"
    client = stack.client(resources=frozenset({API, API + "/other"}), scopes=frozenset(scope.split()))
    sign_in = stack.sign_in(*client, scope=scope, resource=API)
    token = stack.redeem(sign_in).json["refresh_token"]
    for resource, audience in ((None, API), (stack.settings.issuer, stack.settings.issuer), (API, API)):
        answer = stack.refresh(sign_in, token, resource=resource).json
        assert read_claims(answer["access_token"])["aud"] == audience
        token = answer["refresh_token"]
    assert refusal(stack.refresh(sign_in, token, resource=API + "/other")) == (400, "invalid_target")
    assert stack.refresh(sign_in, token).status == 200


@requirement("REF-06")
def test_the_idle_end_moves_and_the_absolute_end_does_not(stack: Stack, session: Session) -> None:
    token = session.refresh_token
    for days in (13, 13):
        stack.clock.advance(days * DAY)
        token = session.refresh(token).json["refresh_token"]
    stack.clock.advance(4 * DAY - 1)
    answer = session.refresh(token).json
    assert answer["expires_in"] == 1
    assert read_claims(answer["access_token"])["exp"] == session.grant().ends_at
    stack.clock.advance(1)
    assert refusal(session.refresh(answer["refresh_token"])) == REFUSED
    assert stack.userinfo(answer["access_token"]).status == 401


@requirement("REF-06", "GEN-14")
def test_an_unused_token_ends_after_the_idle_time_however_long_the_table_keeps_it(
    stack: Stack, session: Session
) -> None:
    stack.clock.advance(14 * DAY)
    assert refusal(session.refresh()) == REFUSED
    assert session.grant().status == "active"


@requirement("REF-08")
def test_a_grant_without_an_item_or_with_a_broken_end_is_refused_without_a_fault(
    stack: Stack, session: Session
) -> None:
    place = grant_item_key(session.grant().grant_id)
    kept = session.grant()
    for ends in (0, stack.clock.now() - 1, stack.clock.now()):
        change(stack, place, ends_at=ends)
        assert refusal(session.refresh()) == REFUSED
    stack.deployment.put(place, msgspec.structs.replace(kept, expires_at=stack.clock.now()))
    assert refusal(session.refresh()) == REFUSED
    stack.deployment.delete(place)
    assert refusal(session.refresh()) == REFUSED and session.userinfo().status == 401


@requirement("REF-08", "REV-03")
def test_a_revocation_survives_a_restart(stack: Stack, session: Session) -> None:
    assert stack.post("/revoke", session.client, token=session.refresh_token).status == 200
    stack.restart()
    assert refusal(session.refresh()) == REFUSED and session.userinfo().status == 401


@requirement("REF-05")
def test_a_handle_from_the_future_raises_an_alarm_and_changes_nothing(stack: Stack, session: Session) -> None:
    """Whoever holds the handle key and one refresh token can write the next: the table never issued it."""
    ahead = respell(stack, session.refresh_token, "refresh", generation=2)
    assert refusal(session.refresh(ahead)) == REFUSED
    (alarm,) = events(stack, "alarm")
    assert (alarm["kind"], alarm["grant_id"]) == ("handle_from_the_future", session.grant().grant_id)
    assert session.refresh().status == 200


@requirement("REF-01")
@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: t + "A", lambda t: t[:12] + t[12:].swapcase()])
def test_a_refresh_token_that_is_not_exactly_ours_is_refused_unread(
    stack: Stack, session: Session, spoil: Callable[[str], str]
) -> None:
    before = count_calls(stack)
    assert refusal(session.refresh(spoil(session.refresh_token))) == REFUSED
    assert count_calls(stack) == before
    forged = respell(stack, session.refresh_token, "refresh", secret=b"x" * 16)
    assert refusal(session.refresh(forged)) == REFUSED and session.refresh().status == 200
