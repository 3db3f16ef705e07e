"""What the page shows: this user's apps, agents and accounts, nobody else's, and no stranger's markup."""

from datetime import UTC, datetime
from typing import Any

from chalicelib.records.item_keys import client_item_key, connection_item_key, provider_item_key
from cli.deployment.operations import delete_client
from tests.kit.http.account_page import PATH, Shown, account_pages, app_pages, enter, look, look_at_app, press
from tests.kit.http.acting import BOOKS, start_acting
from tests.kit.http.sign_in_scene import add_provider
from tests.kit.http.stack import Stack
from tests.kit.http.surface import ENDPOINTS, call
from tests.kit.http.tokens import change, mark, start_session
from tests.kit.requirement import requirement

HOSTILE = '"><script>alert(1)</script>\u202e<!--'


@requirement("ACC-02", "CONS-07")
def test_each_app_and_account_with_its_scopes_times_and_uses(stack: Stack) -> None:
    session = start_session(stack, client_uri="https://notes.example/")
    session.exchange()
    session.exchange()
    browser = session.sign_in.browser
    assert "Signed in as alice · Sign out" in Shown(look(browser)).words
    assert "Test App Demo Notes · read Used today" in Shown(look(browser)).words
    words = Shown(look_at_app(browser)).words
    at = datetime.fromtimestamp(stack.clock.now(), UTC)
    day = f"{at.day} {at:%B %Y}"
    for said in (
        "Test App notes.example Verified",
        f"Approved {day} · 1 active session · expires by",
        "see your email address",
        "Demo Notes alice · read Used today Read read your notes",
        f"Connected {day} Used 2 times, last {day}",
    ):
        assert said in words, (said, words)
    assert "State" not in words, "what is normal is not named"


@requirement("CONS-07")
def test_no_use_is_counted_from_before_the_account_was_connected(stack: Stack) -> None:
    """The records reach back 400 days; an account that was connected again may have uses from before that."""
    session = start_session(stack)
    today = datetime.fromtimestamp(stack.clock.now(), UTC)
    assert "Used Never" in Shown(look_at_app(session.sign_in.browser)).words
    session.exchange()
    place = connection_item_key(session.claims["connections"]["demo"])
    change(stack, place, connected_at=stack.clock.now() + 3 * 86400)
    words = Shown(look_at_app(session.sign_in.browser)).words
    assert f"Used 1 time, last {today.day} {today:%B %Y}" in words and "since" not in words


@requirement("ACC-02", "CONS-07", "VLT-01")
def test_another_users_apps_are_not_on_it(stack: Stack) -> None:
    mine, theirs = start_session(stack, client_name="Mine"), start_session(stack, who="bob", client_name="Theirs")
    browser = mine.sign_in.browser
    paths = (PATH, f"{PATH}/accounts", *app_pages(browser), *account_pages(browser))
    for shown in [Shown(browser.get(path)) for path in paths]:
        assert "Mine" in shown.words and "Theirs" not in shown.words and "bob" not in shown.words
        assert f"end {theirs.claims['connections']['demo']}" not in shown.acts


@requirement("ACC-02", "CONS-03")
def test_each_agent_has_a_row_of_its_own_and_says_that_nobody_has_checked_it(stack: Stack) -> None:
    start_session(stack, client_name="Ours")
    for number in (1, 2):
        agent = start_session(stack, client_name=HOSTILE, redirect_uris=(f"http://127.0.0.1:{number}/cb",))
        change(stack, client_item_key(agent.client.client_id), registered_by="self")
    browser = agent.sign_in.browser
    words = Shown(look(browser)).words
    assert (words.count("Not verified"), words.count("Ours Demo Notes · read")) == (2, 1)
    pages = [browser.get(path) for path in app_pages(browser)]
    rows = [Shown(page).words for page in pages]
    assert len(rows) == 3
    assert [row for row in rows if "Ours" in row] == [row for row in rows if "Not verified" not in row]
    assert all(("It chose its own name." in row) == ("Not verified" in row) for row in rows)
    hosts = {number for number in (1, 2) for row in rows if f"Not verified 127.0.0.1:{number} , on your device" in row}
    assert hosts == {1, 2}
    for page in (*pages, look(browser)):
        assert "<script>alert" not in page.body and "\u202e" not in page.body


@requirement("ACC-02")
def test_what_an_account_needs_is_said(stack: Stack) -> None:
    session = start_session(stack)
    for fields, said in (
        ({"status": "reauth_required"}, "Doesn’t work until you reconnect"),
        ({"status": "partial"}, "Works, with less than the app asked for"),
        ({"status": "active", "reauth_by": stack.clock.now() + 86400}, "State Reconnect by"),
    ):
        change(stack, session.connection_place(), **fields)
        assert said in Shown(look_at_app(session.sign_in.browser)).words, said
        assert ("Reconnect Demo Notes" in Shown(look(session.sign_in.browser)).words) == ("until" in said)
    mark(stack, provider_item_key("demo"))
    stack.restart()
    stack.clock.advance(2)
    browser = enter(stack)
    for page in (look_at_app(browser), look(browser), browser.get(f"{PATH}/accounts")):
        assert "Reconnect" in Shown(page).words


@requirement("ACC-02")
def test_what_is_allowed_where_no_account_is_connected_yet_is_shown(stack: Stack) -> None:
    add_provider(stack)
    session = start_session(stack)
    consent: Any = session.consent_place()
    change(stack, consent, scopes=frozenset({"openid", "oidc:email"}))
    assert "Once you connect an account" in Shown(look_at_app(session.sign_in.browser)).words


@requirement("ACC-02")
def test_an_app_that_is_forgotten_here_is_shown_by_its_id_and_can_be_ended(stack: Stack) -> None:
    session = start_session(stack)
    place = client_item_key(session.client.client_id)
    stack.deployment.dynamodb.call(
        "DeleteItem", {"TableName": stack.settings.table, "Key": {"pk": {"S": place.pk}, "sk": {"S": "#"}}}
    )
    stack.restart()
    shown = Shown(look_at_app(session.sign_in.browser))
    assert session.client.client_id in shown.words and f"end_app {session.client.client_id}" in shown.acts


@requirement("ACC-02", "GEN-23", "GEN-19")
def test_the_page_cannot_be_framed_kept_or_read_from_elsewhere(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    paths = (PATH, f"{PATH}/accounts", f"{PATH}/data", *app_pages(browser), *account_pages(browser))
    for answer in (*map(browser.get, paths), stack.browser().get(PATH)):
        assert answer.header("x-frame-options") == "DENY" and answer.header("cache-control") == "no-store"
        policy = answer.header("content-security-policy") or ""
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
        assert answer.header("access-control-allow-origin") is None
        assert answer.header("referrer-policy") == "same-origin"
    for endpoint in (one for one in ENDPOINTS if one.path.startswith(PATH)):
        assert call(stack, endpoint, headers=[("Origin", "https://evil.example")]).status in (200, 403)


@requirement("ACC-13", "CONS-07")
def test_who_acted_through_an_app_stands_beside_it_with_the_api_and_how_often(stack: Stack) -> None:
    acted = start_acting(stack)
    session, page = acted.session, acted.session.sign_in.browser
    assert "Who acted for you" not in Shown(look_at_app(page)).words
    for _ in range(2):
        assert acted.tools.act(acted.shown).status == 200
    assert acted.orders.act(acted.tools.act(acted.shown).json["access_token"], BOOKS).status == 200
    start_session(stack, client_name="Other")
    assert "read and write · through Test App" in Shown(look(page)).words
    shown = Shown(look_at_app(page, session.client.client_name))
    at = datetime.fromtimestamp(stack.clock.now(), UTC)
    day = f"{at.day} {at:%B %Y}"
    assert f"Test App , through Test App Used orders.example · 3 times, last {day}" in shown.words
    assert f"Test App , through Test App Used books.example · 1 time, last {day}" in shown.words
    assert "Who acted for you" not in Shown(look_at_app(page, "Other")).words
    (told,) = {
        (one["acted_by"], one["api"], one["client_id"])
        for one in press(page, look(page), "download").json["uses"]
        if one["what"] == "acted" and one["api"] == BOOKS
    }
    assert told == (acted.orders.client.client_id, BOOKS, session.client.client_id)


@requirement("ACC-13")
def test_who_acted_and_is_gone_goes_by_its_id(stack: Stack) -> None:
    acted = start_acting(stack)
    assert acted.tools.act(acted.shown).status == 200
    delete_client(stack.deployment, acted.tools.client.client_id)
    stack.restart()
    shown = Shown(look_at_app(acted.session.sign_in.browser)).words
    assert f"through {acted.tools.client.client_id} Used orders.example · 1 time" in shown
