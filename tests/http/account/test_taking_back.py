"""Taking back: one connection, one app, everything; what became of each token; again, and from an old page."""

from collections.abc import Callable

import pytest

from chalicelib.records.item_keys import connection_item_key
from tests.kit.http.account_page import PATH, Shown, account_pages, age_session, enter, look, press, read_heading
from tests.kit.http.browser import Answer, Browser
from tests.kit.http.sign_in_scene import connections, only_written
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, change, events, read, refusal, start_session
from tests.kit.requirement import requirement


def connection_of(session: Session) -> str:
    return str(session.claims["connections"]["demo"])


def id_of_account(browser: Browser) -> str:
    """Of the page of the only connected account."""
    (path,) = account_pages(browser)
    return path.rpartition("/")[2]


def end(session: Session, page: Answer | None = None) -> Answer:
    browser = session.sign_in.browser
    return press(browser, page or look(browser), f"end_sure {connection_of(session)}")


def end_app(session: Session, page: Answer | None = None) -> Answer:
    browser = session.sign_in.browser
    return press(browser, page or look(browser), f"end_app_sure {session.client.client_id}")


@requirement("ACC-03", "REV-03", "VLT-07")
def test_one_connection_ends_here_and_at_the_provider(stack: Stack) -> None:
    session = start_session(stack)
    answer = end(session)
    assert (answer.status, read_heading(answer.body)) == (200, "Demo Notes is disconnected from Test App")
    assert "Demo Notes Ended" in Shown(answer).words
    assert stack.provider.grants.families[-1].revoked
    assert refusal(session.exchange()) == (400, "invalid_target")
    assert session.userinfo().status == 200, "the app is signed in still"
    assert [line["by"] for line in events(stack, "connection_ended")] == ["user"]


@requirement("ACC-03", "REV-03")
def test_an_app_loses_everything_at_its_next_request(stack: Stack) -> None:
    session, other = start_session(stack, client_name="Gone"), start_session(stack, client_name="Stays")
    answer = end_app(session)
    assert read_heading(answer.body) == "Gone has been removed"
    assert (session.userinfo().status, refusal(session.refresh())) == (401, (400, "invalid_grant"))
    assert read(stack, session.connection_place()).status == "revoked"
    assert (other.userinfo().status, other.exchange().status) == (200, 200)
    shown = Shown(look(session.sign_in.browser)).words
    assert "Gone" not in shown and "Stays" in shown


@requirement("ACC-03", "REV-03")
def test_everything_of_every_app_ends_and_nothing_of_another_user(stack: Stack) -> None:
    first, second = start_session(stack, client_name="First"), start_session(stack, client_name="Second")
    bob = start_session(stack, who="bob", client=(first.client, None))
    answer = press(first.sign_in.browser, look(first.sign_in.browser), "end_all_sure")
    assert read_heading(answer.body) == "All apps have been removed"
    for session in (first, second):
        assert session.userinfo().status == 401 and session.refresh().status == 400
    assert bob.userinfo().status == 200 and bob.exchange().status == 200
    told = {line["client_id"]: line["connections"] for line in events(stack, "access_ended")}
    assert told == {session.claims["client_id"]: 1 for session in (first, second)}
    assert "No app can act for you" in Shown(look(first.sign_in.browser)).words


@requirement("ACC-03", "VLT-07")
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            {"status": 503, "at": frozenset({"revoke"})},
            "Demo Notes Trying again alice · no answer yet. We keep trying for 3 days.",
        ),
        ({}, "Demo Notes Ended"),
    ],
)
def test_what_became_of_each_token_is_said_and_stays_on_the_page_while_something_lives(
    stack: Stack, fault: dict[str, object], said: str
) -> None:
    session = start_session(stack)
    for name, value in fault.items():
        setattr(stack.provider.faults, name, value)
    assert said in Shown(end(session)).words
    shown = Shown(look(session.sign_in.browser)).words
    assert ("Trying again" in shown) == bool(fault)


@requirement("ACC-03", "VLT-07")
@pytest.mark.parametrize(
    ("endings", "said"),
    [
        ({"refresh_token": "not_supported"}, "Demo Notes Still valid alice · it can’t be ended from here."),
        ({"refresh_token": "kept_shared"}, "Demo Notes Kept alice · another app of yours uses the same access."),
        ({"running_refresh": "pending"}, "Demo Notes Trying again"),
        ({"refresh_token": "failed", "access_token": "lost"}, "Demo Notes Trying again"),
        ({"refresh_token": "given_up"}, "Demo Notes May still be valid alice · we couldn’t end it."),
        (
            {"refresh_token": "revoked", "access_token": "not_supported"},
            "Refresh token: Ended Access token: Still valid",
        ),
        ({}, "Demo Notes Trying again"),
    ],
)
def test_each_result_has_plain_words(stack: Stack, endings: dict[str, str], said: str) -> None:
    session = start_session(stack)
    page = look(session.sign_in.browser)
    change(stack, session.connection_place(), status="revoked", revoked_at=stack.clock.now(), endings=endings)
    if endings:
        assert said in Shown(end(session, page)).words
    else:
        assert said in Shown(look(session.sign_in.browser)).words


@requirement("ACC-05")
@pytest.mark.parametrize("act", [end, end_app])
def test_pressing_twice_changes_nothing_and_reads_the_same(
    stack: Stack, act: Callable[[Session, Answer | None], Answer]
) -> None:
    session = start_session(stack)
    page = look(session.sign_in.browser)
    first = act(session, page)
    asked = stack.provider.count("revoke")
    with only_written(stack):
        second = act(session, page)
    assert (second.status, Shown(second).words) == (200, Shown(first).words)
    assert stack.provider.count("revoke") == asked


@requirement("ACC-05")
@pytest.mark.parametrize("act", ["end_sure", "end_app_sure", "end_all_sure", "end_account_sure"])
def test_an_old_page_ends_nothing_that_was_allowed_since(stack: Stack, act: str) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    page, account = look(browser), id_of_account(browser)
    end_app(session, page)
    stack.clock.advance(2)
    again = start_session(stack, client=(session.client, None))
    targets = {
        "end_sure": f"end_sure {connection_of(again)}",
        "end_app_sure": f"end_app_sure {again.client.client_id}",
        "end_account_sure": f"end_account_sure {account}",
    }
    with only_written(stack):
        answer = press(browser, page, targets.get(act, act))
    assert (answer.status, read_heading(answer.body)) == (403, "This page is out of date")
    assert f'href="{PATH}"' in answer.body
    assert again.exchange().status == 200


@requirement("ACC-05", "CONS-01")
def test_after_it_the_next_sign_in_asks_again(stack: Stack) -> None:
    session = start_session(stack, token_endpoint_auth_method="client_secret_basic")
    end_app(session)
    stack.clock.advance(2)
    page = stack.authorize(stack.authorize_parameters(session.client), session.sign_in.browser)
    assert page.status == 200 and 'name="decision"' in page.body


@requirement("ACC-03")
def test_a_connection_without_a_consent_can_be_taken_back_too(stack: Stack) -> None:
    """What a provider gave in part before the user decided what to do about it."""
    session = start_session(stack)
    place = session.consent_place()
    stack.deployment.dynamodb.call(
        "DeleteItem", {"TableName": stack.settings.table, "Key": {"pk": {"S": place.pk}, "sk": {"S": "#"}}}
    )
    shown = Shown(look(session.sign_in.browser))
    assert session.client.client_name in shown.words
    assert read_heading(end(session).body) == "Demo Notes is disconnected from Test App"
    (kept,) = connections(stack)
    assert read(stack, connection_item_key(kept.connection_id)).status == "revoked"


@requirement("ACC-06")
def test_ending_everything_wants_a_sign_in_of_the_last_minutes(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    age_session(stack, browser, 900)
    page = look(browser)
    for act in ("end_all", "end_all_sure"):
        with only_written(stack):
            answer = press(browser, page, act)
        assert read_heading(answer.body) == "Sign in again" and Shown(answer).acts == ["sign_in demo"]
    enter(stack, browser)
    assert read_heading(press(browser, page, "end_all_sure").body) == "All apps have been removed"
    assert session.userinfo().status == 401


@requirement("ACC-06")
def test_the_last_second_of_those_minutes_is_one_of_them(stack: Stack) -> None:
    session = start_session(stack)
    age_session(stack, session.sign_in.browser, 899)
    press(session.sign_in.browser, look(session.sign_in.browser), "end_all_sure")
    assert session.userinfo().status == 401
