"""Pausing, ending in a day, allowing less: effective at the app's next request, and never more than before."""

from collections.abc import Callable

import pytest

from chalicelib.jobs.runner import run_due_jobs
from chalicelib.records.item_keys import client_item_key, grant_item_key
from tests.kit.http.account_page import PATH, Shown, enter, look, look_at_app, press, read_heading
from tests.kit.http.browser import Answer
from tests.kit.http.sign_in_scene import only_written
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, change, events, read, refusal, start_session
from tests.kit.requirement import requirement

DAY = 86400


def act(session: Session, name: str, *more: tuple[str, str], page: Answer | None = None) -> Answer:
    """A button of this app's row."""
    browser = session.sign_in.browser
    return press(browser, page or look(browser), f"{name} {session.client.client_id}", *more)


def done(answer: Answer) -> None:
    """Back to the app's page, so that reloading presses nothing."""
    assert (answer.status, f"{PATH}/apps/" in answer.location) == (303, True), (answer.status, answer.body[-500:])


def paused(session: Session) -> Session:
    done(act(session, "pause"))
    return session


@requirement("ACC-07", "REV-03")
def test_a_paused_app_gets_nothing_with_its_tokens_and_is_told_why(stack: Stack) -> None:
    session = paused(start_session(stack))
    assert session.userinfo().status == 401 and session.userinfo().json["reason"] == "paused"
    refreshed = session.refresh()
    assert (refusal(refreshed), refreshed.json["reason"]) == ((400, "invalid_grant"), "paused")
    assert session.exchange().status == 400
    headers = {"Authorization": f"Bearer {session.access}"}
    assert stack.get("/connections", **headers).status == 401


@requirement("ACC-07")
def test_when_it_is_resumed_everything_goes_on_with_what_the_app_has(stack: Stack) -> None:
    """The refresh token of before is good still, however often it was tried, and after any grace."""
    session = paused(start_session(stack))
    for _ in range(3):
        stack.clock.advance(60)
        assert session.refresh().status == 400
    assert session.grant().generation == 1
    shown = Shown(look_at_app(session.sign_in.browser))
    assert "Paused since" in shown.words and f"pause {session.client.client_id}" not in shown.acts
    done(act(session, "resume"))
    assert session.userinfo().status == 200 and session.exchange().status == 200
    assert session.refresh().status == 200
    assert "Paused since" not in Shown(look_at_app(session.sign_in.browser)).words


@requirement("ACC-07", "REF-03")
def test_a_replay_during_a_pause_ends_the_grant_all_the_same(stack: Stack) -> None:
    session = start_session(stack)
    assert session.refresh().status == 200
    paused(session)
    stack.clock.advance(60)
    assert session.refresh().status == 400
    assert session.grant().status == "revoked"


@requirement("ACC-07")
def test_a_grant_that_the_index_did_not_show_yet_meets_the_pause_too(stack: Stack) -> None:
    session = paused(start_session(stack))
    change(stack, grant_item_key(session.grant().grant_id), paused=False)
    assert session.refresh().json["reason"] == "paused"
    assert session.grant().status == "active"


@requirement("ACC-07", "CONS-01")
@pytest.mark.parametrize("fields", [{}, CONFIDENTIAL])
def test_no_sign_in_undoes_a_pause(stack: Stack, fields: dict[str, str]) -> None:
    session = paused(start_session(stack, **fields))
    browser = session.sign_in.browser
    page = stack.authorize(stack.authorize_parameters(session.client), browser)
    assert page.status == 200 and 'name="decision"' in page.body, "the page asks; what it leads to is refused"
    with_session = stack.sign_in(session.client, session.sign_in.secret, browser=browser).answer
    anew = stack.sign_in(session.client, session.sign_in.secret).answer
    for answer in (with_session, anew):
        assert (answer.status, read_heading(answer.body)) == (403, "You paused this app")
        assert f'href="{PATH}"' in answer.body
    assert read(stack, session.consent_place()).paused_at
    silent = stack.authorize(stack.authorize_parameters(session.client, prompt="none"), browser)
    assert "code" not in silent.answered


@requirement("ACC-07")
def test_pausing_one_app_leaves_the_others_and_other_users_alone(stack: Stack) -> None:
    session = start_session(stack)
    other, bob = start_session(stack), start_session(stack, who="bob", client=(session.client, None))
    paused(session)
    for going_on in (other, bob):
        assert going_on.userinfo().status == 200 and going_on.refresh().status == 200


@requirement("ACC-05", "ACC-07")
@pytest.mark.parametrize(("first", "again"), [("pause", "resume"), ("limit", "unlimit")])
def test_a_limit_that_is_pressed_twice_is_written_once(stack: Stack, first: str, again: str) -> None:
    session = start_session(stack)
    for name in (first, again):
        page = look(session.sign_in.browser)
        done(act(session, name, page=page))
        version = read(stack, session.consent_place()).version
        done(act(session, name, page=page))
        assert read(stack, session.consent_place()).version == version


@requirement("ACC-08", "REV-03")
def test_everything_ends_by_itself_in_a_day_here_and_at_the_provider(stack: Stack) -> None:
    session = start_session(stack)
    done(act(session, "limit"))
    assert "Ends in 24 hours" in Shown(look(session.sign_in.browser)).words
    assert "Access ends on" in Shown(look_at_app(session.sign_in.browser)).words
    stack.clock.advance(DAY - 1)
    assert session.refresh().status == 200
    run_due_jobs(stack.broker)
    assert read(stack, session.connection_place()).status == "active"
    stack.clock.advance(1)
    assert session.refresh().status == 400
    assert session.grant().status == "revoked"
    assert [one.outcome for one in run_due_jobs(stack.broker) if one.job.kind == "time_up"] == ["done"]
    connection = read(stack, session.connection_place())
    assert (connection.status, set(connection.endings.values())) == ("revoked", {"revoked"})
    assert [line["by"] for line in events(stack, "connection_ended")] == ["time"]


@requirement("ACC-08")
def test_an_access_token_of_before_is_over_at_that_second(stack: Stack) -> None:
    session = start_session(stack)
    now = stack.clock.now()
    change(stack, session.consent_place(), ends_at=now + 5)
    stack.clock.advance(4)
    assert session.userinfo().status == 200 and session.exchange().status == 200
    stack.clock.advance(1)
    assert session.userinfo().status == 401 and session.exchange().status == 400


@requirement("ACC-08")
def test_who_changes_their_mind_keeps_everything(stack: Stack) -> None:
    session = start_session(stack)
    done(act(session, "limit"))
    done(act(session, "unlimit"))
    stack.clock.advance(DAY)
    run_due_jobs(stack.broker)
    assert read(stack, session.connection_place()).status == "active" and session.refresh().status == 200


@requirement("ACC-08", "CONS-01")
def test_what_is_allowed_anew_after_the_end_is_not_ended_with_it(stack: Stack) -> None:
    session = start_session(stack)
    change(stack, session.consent_place(), ends_at=stack.clock.now() + 5)
    stack.clock.advance(6)
    again = start_session(stack, client=(session.client, None))
    assert read(stack, session.consent_place()).ends_at == 0
    assert again.userinfo().status == 200 and session.userinfo().status == 401


@requirement("ACC-08", "VLT-10")
def test_what_is_unticked_is_allowed_no_more(stack: Stack) -> None:
    session = start_session(stack)
    page = look(session.sign_in.browser)
    done(act(session, "narrow", ("scope", "profile"), ("scope", "offline_access"), page=page))
    assert read(stack, session.consent_place()).scopes == {"openid", "profile", "offline_access"}
    assert "email" not in session.userinfo().json and session.exchange().status == 400
    assert "demo:notes:read" not in session.refresh().json["scope"]
    assert "read your notes" not in Shown(look_at_app(session.sign_in.browser)).words


@requirement("ACC-08", "VLT-10")
def test_a_tick_adds_nothing_and_who_an_app_has_before_it_stays(stack: Stack) -> None:
    session = start_session(stack)
    change(stack, session.consent_place(), scopes=frozenset({"openid", "email"}))
    page = look(session.sign_in.browser)
    with only_written(stack):
        done(act(session, "narrow", *(("scope", one) for one in (*SCOPE.split(), "demo:notes:write")), page=page))
    done(act(session, "narrow", page=page))
    assert read(stack, session.consent_place()).scopes == {"openid"}


@requirement("ACC-04", "ACC-05")
@pytest.mark.parametrize("name", ["pause", "resume", "limit", "unlimit", "narrow"])
def test_no_button_is_about_what_is_anothers_has_ended_or_is_newer(stack: Stack, name: str) -> None:
    session, theirs = start_session(stack), start_session(stack, who="bob")
    page = look(session.sign_in.browser)
    refused: list[Callable[[], Answer]] = [
        lambda: press(session.sign_in.browser, page, f"{name} {theirs.client.client_id}"),
        lambda: press(session.sign_in.browser, page, f"{name} " + "0" * 32),
    ]
    for attempt in refused:
        with only_written(stack):
            answer = attempt()
        assert (answer.status, read_heading(answer.body)) == (403, "This page is out of date")
    change(stack, session.consent_place(), decided_at=stack.clock.now() + 1)
    with only_written(stack):
        assert act(session, name, page=page).status == 403
    act(session, "end_app_sure", page=look(enter(stack)))
    assert act(session, name).status == 403


@requirement("ACC-08")
def test_a_change_of_the_app_does_not_lift_an_end_that_is_ahead(stack: Stack) -> None:
    """A consent that begins anew before the time is up keeps that time."""
    session = start_session(stack)
    done(act(session, "limit"))
    ends_at = read(stack, session.consent_place()).ends_at
    change(stack, client_item_key(session.client.client_id), revision=7)
    stack.restart()
    start_session(stack, client=(session.client, None))
    assert (read(stack, session.consent_place()).client_revision, read(stack, session.consent_place()).ends_at) == (
        *(7, ends_at),
    )
