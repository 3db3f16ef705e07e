"""All of it at once: as a file, or erased; and an account connected again."""

import json
from typing import Any

import pytest

from chalicelib.encryption import open_user_key
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.item_keys import client_item_key, subject_item_key, user_key_item_key
from tests.kit.http.account_page import PATH, Shown, age_session, arrive, enter, look, look_at_app, press, read_heading
from tests.kit.http.browser import Answer
from tests.kit.http.connect_links import press as press_link
from tests.kit.http.sign_in_scene import only_written
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, change, read, start_session
from tests.kit.requirement import requirement
from tests.kit.table_dump import haystack, search


def act(session: Session, name: str, page: Answer | None = None) -> Answer:
    browser = session.sign_in.browser
    return press(browser, page or look(browser), name)


def erase(session: Session) -> Answer:
    """Both buttons."""
    asked = act(session, "erase")
    assert read_heading(asked.body) == "Delete all your data?"
    return act(session, "erase_for_good", asked)


@requirement("ACC-10")
def test_the_file_holds_all_of_this_user_and_nothing_of_another(stack: Stack) -> None:
    session, bob = start_session(stack), start_session(stack, who="bob", client_name="Bob's")
    session.exchange()
    bob.exchange()
    answer = act(session, "download")
    assert answer.status == 200 and answer.header("content-type") == "application/json"
    assert answer.header("content-disposition") == 'attachment; filename="my-access.json"'
    assert answer.header("cache-control") == "no-store"
    told = answer.json
    assert (told["user"]["sub"], told["user"]["signed_in_with"]) == (session.claims["sub"], "demo")
    assert [one["name"] for one in told["apps"]] == ["Test App"]
    (connection,), (grant,), (use,) = told["connections"], told["sign_ins"], told["uses"]
    assert connection["profile"]["email"] == "alice@demo.example" and "notes:read" in connection["scopes"]
    assert grant["status"] == "active" and "demo:notes:read" in grant["scopes"]
    assert use["what"] == "handout" and told["uses_are_whole"] is True
    assert "bob" not in answer.body and bob.client.client_id not in answer.body


@requirement("ACC-10", "VLT-02")
def test_no_secret_is_in_the_file(stack: Stack) -> None:
    session = start_session(stack)
    handed = session.exchange().json["access_token"]
    body = act(session, "download").body
    family = stack.provider.grants.families[-1]
    for secret in (handed, family.refresh_token, session.access, session.refresh_token, session.sign_in.code):
        assert secret and secret not in body
    for name in ("sealed", "secret", "salt", "hash", "token_id", "jkt"):
        assert name not in body, name


@requirement("ACC-10")
def test_many_uses_come_page_by_page_and_a_cut_is_said(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    session = start_session(stack)
    for _ in range(3):
        session.exchange()
    monkeypatch.setattr("chalicelib.adapters.dynamodb.store.LOOKED_AT", 1)
    assert len(act(session, "download").json["uses"]) == 3
    monkeypatch.setattr("chalicelib.endpoints.account.export_erase.MOST_EVENTS", 2)
    told = act(session, "download").json
    assert (len(told["uses"]), told["uses_are_whole"]) == (2, False)


@requirement("ACC-06")
@pytest.mark.parametrize("name", ["download", "erase", "erase_for_good"])
def test_all_of_it_wants_a_sign_in_of_the_last_minutes(stack: Stack, name: str) -> None:
    session = start_session(stack)
    age_session(stack, session.sign_in.browser, 900)
    with only_written(stack):
        answer = act(session, name)
    assert read_heading(answer.body) == "Sign in again" and "alice@" not in answer.body
    assert session.userinfo().status == 200


@requirement("ACC-11")
def test_nothing_is_erased_before_the_second_button(stack: Stack) -> None:
    session = start_session(stack)
    with only_written(stack):
        asked = act(session, "erase")
    assert Shown(asked).acts == ["erase_for_good"] and session.userinfo().status == 200


@requirement("ACC-11", "REV-03")
def test_from_that_moment_nothing_of_this_user_goes_on(stack: Stack) -> None:
    session, bob = start_session(stack), start_session(stack, who="bob")
    browser = session.sign_in.browser
    other = enter(stack)
    answer = erase(session)
    assert (answer.status, read_heading(answer.body)) == (200, "Your data has been deleted")
    assert "tb_session" not in browser.cookies
    assert session.userinfo().status == 401 and session.refresh().status == 400 and session.exchange().status == 400
    assert Shown(other.get(PATH)).acts == ["sign_in demo"], "other browsers too"
    assert bob.userinfo().status == 200


@requirement("ACC-11", "VLT-08")
def test_the_schedule_ends_tokens_at_the_provider_and_destroys_the_key(stack: Stack) -> None:
    session = start_session(stack)
    kept = read(stack, user_key_item_key(session.claims["sub"]))
    family = stack.provider.grants.families[-1]
    vault = stack.broker.keys.get("vault")
    assert open_user_key(vault, kept.sealed, sub=kept.sub)
    erase(session)
    assert [(one.job.kind, one.outcome) for one in run_due_jobs(stack.broker)] == [("erase", "done")]
    assert family.revoked and read(stack, user_key_item_key(session.claims["sub"])).sealed == b""
    with pytest.raises(DecryptionFailed):
        open_user_key(vault, read(stack, user_key_item_key(kept.sub)).sealed, sub=kept.sub)
    found = search(haystack(stack), {"refresh token": family.refresh_token or "", "mail": "alice@demo.example"})
    assert found == []


@requirement("ACC-11")
def test_who_presses_twice_or_comes_back_is_told_the_same_or_is_somebody_new(stack: Stack) -> None:
    session = start_session(stack)
    asked = act(session, "erase")
    act(session, "erase_for_good", asked)
    assert act_without_session(session, asked).status == 403
    run_due_jobs(stack.broker)
    stack.clock.advance(2)
    assert arrive(stack, stack.browser()).status == 403, "nothing is kept for this account"
    again = start_session(stack, client=(session.client, None))
    assert again.claims["sub"] != session.claims["sub"]
    assert "Test App" in Shown(look(again.sign_in.browser)).words


def act_without_session(session: Session, page: Answer) -> Answer:
    return press(session.sign_in.browser, page, "erase_for_good")


@requirement("ACC-11")
def test_a_request_that_dies_after_the_duty_is_finished_by_it(stack: Stack) -> None:
    session = start_session(stack)
    asked = act(session, "erase")
    before = stack.broker.store.erase_subject

    def die(*_: Any, **__: Any) -> None:
        raise ConnectionError

    object.__setattr__(stack.broker.store, "erase_subject", die)
    assert act(session, "erase_for_good", asked).status >= 500
    object.__setattr__(stack.broker.store, "erase_subject", before)
    run_due_jobs(stack.broker)
    assert read(stack, subject_item_key(session.claims["sub"])).marks.disabled
    assert read(stack, user_key_item_key(session.claims["sub"])).sealed == b""


@requirement("ACC-09", "CB-03")
def test_an_account_is_connected_again_from_the_page(stack: Stack) -> None:
    session = start_session(stack)
    place = session.connection_place()
    change(stack, place, status="reauth_required")
    browser = session.sign_in.browser
    answer = act(session, f"reconnect {session.claims['connections']['demo']}")
    assert (answer.status, "/connect/" in answer.location) == (303, True)
    page = browser.get(answer.location)
    assert "Connect <bdi>" in page.body and "read your notes" in page.body
    left = press_link(browser, page)
    done = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert "Connected" in done.body, done.body[-500:]
    assert read(stack, place).status == "active" and session.exchange().status == 200


@requirement("ACC-09", "ACC-04")
def test_an_account_that_no_app_could_be_led_to_has_no_such_button(stack: Stack) -> None:
    session, theirs = start_session(stack), start_session(stack, who="bob")
    button = f"reconnect {session.claims['connections']['demo']}"
    page = look(session.sign_in.browser)
    assert button in Shown(look_at_app(session.sign_in.browser)).acts
    assert act(session, f"reconnect {theirs.claims['connections']['demo']}", page).status == 403
    stack.post("/revoke", session.client, token=session.refresh_token)
    with only_written(stack):
        assert act(session, button, page).status == 403
    assert button not in Shown(look_at_app(session.sign_in.browser)).acts
    none = start_session(stack, client_name="None")
    change(stack, client_item_key(none.client.client_id), handout="none")
    assert not [one for one in Shown(look_at_app(none.sign_in.browser, "None")).acts if one.startswith("reconnect")]


@requirement("ACC-10")
def test_what_has_ended_is_in_the_file_too(stack: Stack) -> None:
    session = start_session(stack)
    act(session, f"end_app_sure {session.client.client_id}")
    told = json.loads(act(session, "download").body)
    assert told["apps"] == [] and told["connections"][0]["status"] == "revoked"
    assert set(told["connections"][0]["at_provider"].values()) == {"revoked"}
