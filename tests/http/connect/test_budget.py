"""How many calls a connect makes at the table and at KMS, warm, counted on the wire."""

from tests.kit.http.connect_links import ask, connect, link_of, press, to_callback
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session
from tests.kit.limits.call_budget import spends
from tests.kit.requirement import requirement


@requirement("BUDGET")
def test_a_link_its_page_the_decision_and_the_way_back(stack: Stack, session: Session) -> None:
    connect(session, provider="demo")
    browser = session.sign_in.browser
    with spends(stack, 0, "POST /connect"):
        assert ask(session).status == 200
    link = link_of(session)
    with spends(stack, 1, "GET /connect/{link}"):
        page = browser.get(link)
    with spends(stack, 1, "POST /connect/{link}"):
        left = press(browser, page)
    callback = stack.provider.sign_in(left.location, "alice")
    with spends(stack, 7, "session, claim, batch read, note, connection, consent, grant"):
        assert "connection_id" in browser.get(callback).answered
    assert [operation for operation, _ in stack.dynamodb.calls[-7:]] == [
        "BatchGetItem", "PutItem", "BatchGetItem", "UpdateItem", "PutItem", "PutItem", "UpdateItem"
    ]  # fmt: skip
    again = to_callback(session, link_of(session))
    with spends(stack, 5, "nothing new to allow, and a replaced token to clear"):
        assert "connection_id" in browser.get(again).answered


@requirement("BUDGET")
def test_another_account_of_a_provider_leaves_consent_and_grant_as_they_are(stack: Stack, session: Session) -> None:
    connect(session, who="alice")
    callback = to_callback(session, link_of(session), who="bob")
    with spends(stack, 5, "session, claim, batch read, note, connection"):
        assert "connection_id" in session.sign_in.browser.get(callback).answered


@requirement("BUDGET")
def test_where_nobody_is_signed_in_a_link_reads_nothing_before_the_user_comes_back(
    stack: Stack, session: Session
) -> None:
    link, browser = link_of(session), stack.browser()
    with spends(stack, 0, "GET and POST /connect/{link}"):
        left = press(browser, browser.get(link), "sign_in")
    callback = stack.provider.sign_in(left.location, "alice")
    with spends(stack, 4, "claim, the tokens that the user's connections hold (index, batch read), batch read"):
        assert browser.get(callback).status == 303


@requirement("BUDGET", "VLT-01")
def test_a_hand_out_reads_once_more_where_the_token_does_not_know_the_connection(
    stack: Stack, session: Session
) -> None:
    first = connect(session, who="alice").answered["connection_id"]
    second = connect(session, who="bob").answered["connection_id"]
    token = str(session.refresh().json["access_token"])
    for audience, calls in (("second", 2), (first, 2), (second, 3), ("demo", 2)):
        with spends(stack, calls, audience):
            assert session.exchange(token, audience=audience).status == 200
    older = session.access
    with spends(stack, 2, "refused: the token's scopes do not cover it"):
        assert session.exchange(older, audience=second).status == 400
