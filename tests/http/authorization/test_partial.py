"""A provider that gives less than was required: go on with less, try again, or cancel (CB-11)."""

import pytest

from chalicelib.records.item_keys import consent_item_key
from tests.kit.http.browser import Answer, read_page
from tests.kit.http.sign_in_scene import assert_page, change, connections, consents, grants, only_written
from tests.kit.http.stack import APP, SCOPE, SignIn, Stack
from tests.kit.requirement import requirement

ALL = SCOPE + " demo:notes:write"
LESS = frozenset(SCOPE.split())


@pytest.fixture
def short(stack: Stack) -> SignIn:
    """At the page: notes may be read, not written."""
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    client, _ = stack.client(scopes=frozenset(ALL.split()), optional_scopes=frozenset({"email"}))
    sign_in = stack.sign_in(client, scope=ALL)
    assert sign_in.answer.status == 200, sign_in.answer.body[-500:]
    return sign_in


def press(stack: Stack, sign_in: SignIn, decision: str) -> Answer:
    sign_in.answer = stack.decide(sign_in.browser, sign_in.answer, decision)
    return sign_in.answer


@requirement("CB-11")
def test_less_than_required_ends_this_grant_and_asks(stack: Stack, short: SignIn) -> None:
    assert "allowed less than" in short.answer.body and "add and change your notes" in short.answer.body
    assert short.answer.header("location") is None and short.answer.location == ""
    assert [grant.status for grant in grants(stack)] == ["revoked"]
    assert [connection.status for connection in connections(stack)] == ["partial"]
    assert consents(stack) == []
    assert_page(short.browser.get(short.callback), says="This sign-in has expired")


@requirement("CB-11")
def test_going_on_with_less_is_a_new_grant_of_less(stack: Stack, short: SignIn) -> None:
    page = short.answer
    assert press(stack, short, "continue").location.startswith(APP)
    assert short.answer.answered["state"] == short.state
    tokens = stack.redeem(short).json
    assert set(tokens["scope"].split()) == LESS
    assert [consent.scopes for consent in consents(stack)] == [LESS]
    assert stack.exchange(short, tokens["access_token"]).status == 200
    assert stack.exchange(short, tokens["access_token"], scope="notes:write").status == 400
    with only_written(stack, "GRANT"):
        assert_page(stack.decide(short.browser, page, "continue"), says="This sign-in has expired")


@requirement("CB-11")
def test_trying_again_goes_to_the_provider_with_all_of_it(stack: Stack, short: SignIn) -> None:
    stack.provider.faults.reset()
    url = press(stack, short, "retry").location
    assert url.startswith(stack.provider.url) and "notes:write" in short.answer.answered["scope"].split()
    short.answer = short.browser.get(stack.provider.sign_in(url))
    assert set(stack.redeem(short).json["scope"].split()) == set(ALL.split())
    assert [connection.status for connection in connections(stack)] == ["active"]


@requirement("CB-11", "CONS-06")
def test_cancel_takes_back_what_was_given(stack: Stack, short: SignIn) -> None:
    asked = stack.provider.count("revoke")
    press(stack, short, "cancel")
    assert short.answer.answered["error"] == "access_denied" and short.answer.answered["state"] == short.state
    assert [connection.status for connection in connections(stack)] == ["revoked"]
    assert stack.provider.count("revoke") == asked + 1
    assert stack.provider.requests[-1].form["token_type_hint"] == "refresh_token"
    assert stack.provider.grants.families[-1].revoked
    assert consents(stack) == []


@requirement("CB-11", "GEN-13")
def test_cancel_holds_even_where_the_provider_does_not_answer(stack: Stack, short: SignIn) -> None:
    stack.provider.faults.at, stack.provider.faults.lose_answer = frozenset({"revoke"}), True
    assert press(stack, short, "cancel").answered["error"] == "access_denied"
    assert [connection.status for connection in connections(stack)] == ["revoked"]


@requirement("CB-11", "CONS-04")
def test_trying_again_asks_only_for_what_was_left_ticked(stack: Stack) -> None:
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    client, _ = stack.client(scopes=frozenset(ALL.split()), optional_scopes=frozenset({"demo:notes:read"}))
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, scope=ALL), browser)
    fields = [pair for pair in read_page(page.body).fields if pair[0] == "request"]
    left = browser.post("/signin", [*fields, ("provider", "demo"), ("decision", "allow")])
    assert "notes:read" not in left.answered["scope"].split()
    partial = browser.get(stack.provider.sign_in(left.location))
    again = stack.decide(browser, partial, "retry")
    assert "notes:read" not in again.answered["scope"].split()
    stack.provider.faults.reset()
    done = browser.get(stack.provider.sign_in(stack.decide(browser, partial, "retry").location))
    assert "code" in done.answered
    assert [consent.scopes for consent in consents(stack)] == [frozenset(ALL.split()) - {"demo:notes:read"}]


@requirement("CB-11", "CB-02")
def test_going_on_counts_only_for_the_user_who_came_back(stack: Stack, short: SignIn) -> None:
    """Somebody else has signed in at this browser since: their connection is not what the page spoke of."""
    stack.provider.faults.reset()
    parameters = stack.authorize_parameters(short.client, scope=ALL, prompt="login")
    left = stack.decide(short.browser, stack.authorize(parameters, short.browser), provider="demo")
    assert "code" in short.browser.get(stack.provider.sign_in(left.location, "bob")).answered
    answer = press(stack, short, "continue")
    assert "code" not in answer.answered


@requirement("CB-11", "CONS-04")
def test_the_page_is_bound_like_the_first_one(stack: Stack, short: SignIn) -> None:
    fields = dict(read_page(short.answer.body).fields)
    with only_written(stack):
        assert_page(stack.browser().post("/signin", {**fields, "decision": "continue"}), 403)
        foreign = short.browser.post("/signin", {**fields, "decision": "cancel"}, Origin="https://attacker.example")
        assert_page(foreign, 403)
        assert_page(short.browser.post("/signin", {**fields, "provider": "demo", "decision": "allow"}), 400)
        stack.clock.advance(600)
        assert_page(short.browser.post("/signin", {**fields, "decision": "continue"}), 403)
    assert [connection.status for connection in connections(stack)] == ["partial"]


@requirement("CB-11")
def test_an_optional_scope_that_is_not_given_is_left_out_without_a_page(stack: Stack) -> None:
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    client, _ = stack.client(scopes=frozenset(ALL.split()), optional_scopes=frozenset({"demo:notes:write"}))
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, scope=ALL), browser)
    fields = [pair for pair in read_page(page.body).fields if pair[0] == "request"]
    ticked = [("scope", "demo:notes:write"), ("provider", "demo"), ("decision", "allow")]
    left = browser.post("/signin", [*fields, *ticked])
    assert "notes:write" in left.answered["scope"].split()
    assert "code" in browser.get(stack.provider.sign_in(left.location)).answered
    assert [set(grant.scopes) for grant in grants(stack)] == [LESS]
    assert [connection.status for connection in connections(stack)] == ["active"]


@requirement("CB-11")
def test_cancel_leaves_a_connection_alone_that_was_whole_before(stack: Stack) -> None:
    client, _ = stack.client(scopes=frozenset(ALL.split()))
    whole = stack.sign_in(client, scope=ALL)
    tokens = stack.redeem(whole).json
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    other = stack.sign_in(client, browser=stack.browser(), scope=ALL)
    assert other.answer.status == 200
    (consent,) = consents(stack)  # which would keep it as well, did it name it
    change(stack, consent_item_key(consent.sub, consent.client_id), default_connections={})
    press(stack, other, "cancel")
    assert [connection.status for connection in connections(stack)] == ["active"]
    assert stack.exchange(whole, tokens["access_token"], scope="notes:write").status == 200


@requirement("CB-11", "OPS-02")
def test_what_was_decided_before_a_cancel_does_not_undo_it(stack: Stack, short: SignIn) -> None:
    tab = stack.to_callback(short.client, browser=stack.browser(), scope=SCOPE)
    press(stack, short, "cancel")
    answer = tab.browser.get(tab.callback)
    assert_page(answer, answer.status, says="This sign-in has expired")
    assert [connection.status for connection in connections(stack)] == ["revoked"]
    stack.clock.advance(1)
    later = stack.sign_in(short.client, browser=stack.browser(), scope=SCOPE)
    assert "code" in later.answer.answered
    assert [connection.status for connection in connections(stack)] == ["active"]


@requirement("CB-11", "CONS-06")
def test_cancel_keeps_the_connection_that_an_earlier_decision_goes_on_with(stack: Stack) -> None:
    """Notes may be read since long; writing was asked, not given, and then no longer wanted."""
    client, _ = stack.client(scopes=frozenset(ALL.split()))
    earlier = stack.sign_in(client)
    tokens = stack.redeem(earlier).json
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    stack.clock.advance(1)
    short = stack.sign_in(client, browser=stack.browser(), scope=ALL)
    assert "allowed less than" in short.answer.body
    assert press(stack, short, "cancel").answered["error"] == "access_denied"
    assert [connection.status for connection in connections(stack)] == ["partial"]
    assert stack.exchange(earlier, tokens["access_token"]).status == 200
