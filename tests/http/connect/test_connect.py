"""A connect link from the request to the app's redirect URI: what it brings, and that it brings nothing else."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec import structs

from chalicelib.records.item_keys import client_item_key, connection_item_key
from tests.kit.http.connect_links import SCOPES, STATE, ask, connect, link_of, press, start_linkable, to_callback
from tests.kit.http.proxied import notes_of
from tests.kit.http.sign_in_scene import connections, consents, grants, only_written, subjects
from tests.kit.http.stack import APP, Stack
from tests.kit.http.tokens import Session, change, count_calls, read, refusal, sign, start_session
from tests.kit.requirement import requirement

LONG = "x" * 1000  # registered, and more than a grant can hold


def refreshed(session: Session) -> str:
    """An access token that knows what the grant holds by now."""
    answer = session.refresh()
    assert answer.status == 200, answer.body
    session.tokens |= answer.json
    return session.access


@requirement("CB-03")
def test_a_link_costs_nothing_and_lasts_ten_minutes(stack: Stack, session: Session) -> None:
    before = count_calls(stack)
    answer = ask(session)
    assert answer.json.keys() == {"connect_uri", "expires_in"} and answer.json["expires_in"] == 600
    assert answer.json["connect_uri"].startswith(stack.settings.issuer + "/connect/")
    assert answer.header("cache-control") == "no-store" and count_calls(stack) == before
    assert answer.header("access-control-allow-origin") == "*"
    assert link_of(session) != link_of(session)


@requirement("CB-03")
def test_another_provider_is_connected_and_its_token_handed_out(stack: Stack, session: Session) -> None:
    (subject,), (before,) = subjects(stack), grants(stack)
    with only_written(stack, "CONNECT", "SUBJECT", "CONNECTION", "CONSENT", "GRANT"):
        answer = connect(session)
    assert (answer.status, answer.location.partition("?")[0]) == (303, APP)
    assert answer.answered.keys() == {"connection_id", "state", "iss"}
    assert (answer.answered["state"], answer.answered["iss"]) == (STATE, stack.settings.issuer)
    connection = read(stack, connection_item_key(answer.answered["connection_id"]))
    assert (connection.sub, connection.client_id) == (session.claims["sub"], session.client.client_id)
    assert (connection.provider_id, connection.status) == ("second", "active")
    (consent,), (grant,) = consents(stack), grants(stack)
    assert "second:notes:read" in consent.scopes and "second:notes:read" in grant.scopes
    assert consent.default_connections["second"] == grant.connections["second"] == connection.connection_id
    assert (grant.generation, grant.secret_hash) == (before.generation, before.secret_hash)
    (noted,) = subjects(stack)
    assert noted.new_connections.keys() - subject.new_connections.keys() == {connection.connection_id}
    assert structs.replace(noted, new_connections=subject.new_connections) == subject
    assert answer.headers_named("set-cookie") == []
    token = session.exchange(refreshed(session), audience="second").json
    assert notes_of(stack, token["access_token"]) == "alice"
    assert token["connection_id"] == connection.connection_id


@requirement("CB-03")
def test_more_scopes_of_the_same_account_keep_those_it_had(stack: Stack, session: Session) -> None:
    answer = connect(session, provider="demo", scope="notes:write")
    assert answer.answered["connection_id"] == session.claims["connections"]["demo"]
    assert len(connections(stack)) == 1
    told = session.exchange(refreshed(session), scope="notes:read notes:write").json
    assert told["scope"] == "email notes:read notes:write openid profile"


@requirement("CB-03")
def test_the_page_shows_all_that_the_provider_will_be_asked(stack: Stack, session: Session) -> None:
    page = session.sign_in.browser.get(link_of(session, provider="demo", scope="demo:notes:write"))
    assert "Test App" in page.body and "Demo Notes" in page.body
    for words in ("read your notes", "You return to", "app.example"):
        assert words in page.body, words
    left = press(session.sign_in.browser, page)
    asked = stack.provider.sign_in(left.location, "alice")
    scope = stack.provider.requests[-1].form["scope"]
    assert {"notes:read", "notes:write"} <= set(scope.split()) and "github" not in scope
    assert "code=" in asked


@requirement("CB-03")
def test_the_provider_is_asked_for_the_account_where_its_file_passes_that(stack: Stack, session: Session) -> None:
    for provider in ("demo", "second"):
        page = session.sign_in.browser.get(link_of(session, provider=provider))
        assert "prompt=select_account" in urlsplit(press(session.sign_in.browser, page).location).query


@requirement("CB-03", "VLT-01")
def test_several_accounts_of_one_provider_stand_beside_each_other(stack: Stack, session: Session) -> None:
    first = connect(session, who="alice").answered["connection_id"]
    second = connect(session, who="bob").answered["connection_id"]
    assert first != second
    token = refreshed(session)
    for audience, owner in (("second", "alice"), (first, "alice"), (second, "bob")):
        told = session.exchange(token, audience=audience).json
        assert notes_of(stack, told["access_token"]) == owner
        assert told["connection_id"] == (second if audience == second else first)
    (consent,) = consents(stack)
    assert consent.default_connections["second"] == first


@requirement("CB-03")
def test_where_the_default_was_revoked_the_next_account_becomes_it(stack: Stack, session: Session) -> None:
    first = connect(session, who="alice").answered["connection_id"]
    stack.deployment.store.revoke_connection(read(stack, connection_item_key(first)), now=stack.clock.now() - 1)
    second = connect(session, who="bob").answered["connection_id"]
    told = session.exchange(refreshed(session), audience="second").json
    assert told["connection_id"] == second
    assert refusal(session.exchange(audience=first)) == (400, "invalid_target")


@requirement("CB-03")
def test_another_grant_of_the_app_finds_the_default_account_too(stack: Stack, session: Session) -> None:
    connected = connect(session).answered["connection_id"]
    other = stack.sign_in(session.client, scope="openid demo:notes:read second:notes:read", provider="demo")
    token = stack.redeem(other).json["access_token"]
    assert stack.exchange(other, token, audience="second").json["connection_id"] == connected


@requirement("CB-03")
def test_only_the_grant_that_asked_is_widened(stack: Stack, session: Session) -> None:
    other = start_session(stack, client=(session.client, None))
    connect(session)
    assert "second:notes:read" not in other.grant().scopes
    assert "second" not in other.grant().connections
    answer = other.exchange(str(other.refresh().json["access_token"]), audience="second")
    assert refusal(answer) == (400, "invalid_target")


@requirement("CB-03", "CONS-06")
@pytest.mark.parametrize("where", ["our page", "the provider", "nothing left ticked"])
def test_a_no_leaves_everything_as_it_was(stack: Stack, where: str) -> None:
    session = start_linkable(stack, optional_scopes=frozenset({"second:notes:read"}))
    browser, link = session.sign_in.browser, link_of(session)
    with only_written(stack):
        if where == "the provider":
            answer = browser.get(to_callback(session, link, who="refuse"))
        else:
            page = browser.get(link)
            answer = press(browser, page, "deny" if where == "our page" else "allow", scope="")
    assert answer.location.startswith(APP + "?")
    got = {name: value for name, value in answer.answered.items() if name not in ("error_description", "error_id")}
    assert got == {"error": "access_denied", "state": STATE, "iss": stack.settings.issuer}


@requirement("CB-11")
def test_less_than_asked_is_kept_as_partial_and_named(stack: Stack, session: Session) -> None:
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    answer = connect(session, scope="notes:read notes:write")
    stack.provider.faults.reset()
    assert answer.answered["missing_scopes"] == "second:notes:write"
    connection = read(stack, connection_item_key(answer.answered["connection_id"]))
    assert connection.status == "partial"
    assert "second:notes:write" not in session.grant().scopes | consents(stack)[0].scopes
    token = refreshed(session)
    assert session.exchange(token, audience="second", scope="notes:read").status == 200
    less = session.exchange(token, audience="second", scope="notes:write")
    assert refusal(less) == (400, "invalid_scope") and less.json["connect_uri"]


@requirement("CB-03")
def test_what_the_user_unticks_is_neither_asked_nor_allowed(stack: Stack) -> None:
    session = start_linkable(stack, optional_scopes=frozenset({"second:notes:write"}))
    browser = session.sign_in.browser
    page = browser.get(link_of(session, scope="notes:read notes:write"))
    left = press(browser, page, scope="")
    answer = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert "notes:write" not in read(stack, connection_item_key(answer.answered["connection_id"])).granted
    assert "second:notes:write" not in session.grant().scopes and "missing_scopes" not in answer.answered


@requirement("CB-09")
def test_an_account_that_is_somebody_elses_login_gives_access_and_no_login(stack: Stack, session: Session) -> None:
    bob = start_session(stack, who="bob", client=(session.client, None))
    answer = connect(session, provider="demo", who="bob")
    connected = answer.answered["connection_id"]
    assert connected not in (bob.claims["connections"]["demo"], session.claims["connections"]["demo"])
    assert read(stack, connection_item_key(connected)).sub == session.claims["sub"]
    told = session.exchange(audience=connected).json
    assert notes_of(stack, told["access_token"]) == "bob"
    assert bob.exchange().json["access_token"] != told["access_token"]
    assert {subject.sub for subject in subjects(stack)} == {session.claims["sub"], bob.claims["sub"]}


@requirement("CB-09")
def test_a_connected_account_that_signs_in_later_is_its_own_user(stack: Stack, session: Session) -> None:
    connected = connect(session, provider="demo", who="bob").answered["connection_id"]
    assert len(subjects(stack)) == 1
    bob = start_session(stack, who="bob", client=(session.client, None))
    assert bob.claims["sub"] != session.claims["sub"]
    assert refusal(bob.exchange(audience=connected)) == (400, "invalid_target")
    assert notes_of(stack, session.exchange(audience=connected).json["access_token"]) == "bob"


@requirement("VLT-01", "CB-03")
def test_two_apps_of_one_user_never_reach_what_the_other_connected(stack: Stack, session: Session) -> None:
    other = start_linkable(stack)
    mine = connect(session).answered["connection_id"]
    theirs = connect(other).answered["connection_id"]
    assert mine != theirs and session.claims["sub"] == other.claims["sub"]
    bodies = []
    for audience in (theirs, "0" * 32):
        answer = session.exchange(refreshed(session), audience=audience)
        assert refusal(answer) == (400, "invalid_target")
        bodies.append({name: value for name, value in answer.json.items() if name != "error_id"})
    assert bodies[0] == bodies[1]


@requirement("CB-12")
def test_tokens_that_a_connect_replaces_are_ended_at_the_provider(stack: Stack, session: Session) -> None:
    connect(session)
    revoked = stack.provider.count("revoke")
    answer = connect(session)
    assert stack.provider.count("revoke") > revoked
    assert read(stack, connection_item_key(answer.answered["connection_id"])).outgoing == ()


@requirement("CB-03")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"provider": None}, "invalid_request"),
        ({"provider": "unknown"}, "invalid_target"),
        ({"provider": "github"}, "invalid_target"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": APP + "/"}, "invalid_request"),
        ({"redirect_uri": APP + "?x=1"}, "invalid_request"),
        ({"redirect_uri": APP.upper()}, "invalid_request"),
        ({"scope": "notes:delete"}, "invalid_scope"),
        ({"scope": "github:repo"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "notes:read  notes:write"}, "invalid_scope"),
        ({"scope": LONG}, "invalid_scope"),
        ({"state": "s" * 2049}, "invalid_request"),
        ({"state": "s" * 2048}, "invalid_request"),
    ],
)
def test_what_an_app_may_not_ask_gets_no_link(
    stack: Stack, session: Session, changed: dict[str, Any], error: str
) -> None:
    change(stack, client_item_key(session.client.client_id), scopes=SCOPES | {f"second:{LONG}"})
    with only_written(stack):
        assert refusal(ask(session, **changed)) == (400, error)
    assert ask(session, scope="second:notes:read").status == 200


@requirement("CB-03")
def test_only_a_users_token_for_us_gets_a_link(stack: Stack, session: Session) -> None:
    own = session.claims
    wrong = (
        {**own, "aud": "https://api.example"},
        {**own, "cnf": {"jkt": "x"}},
        {**own, "epoch": 7},
        {**own, "client_id": "0" * 32},
        {name: value for name, value in own.items() if name != "grant_id"},
    )
    with only_written(stack):
        assert refusal(ask(session, "x.y.z")) == (401, "invalid_token")
        for claims in wrong:
            assert refusal(ask(session, sign(stack, claims))) == (401, "invalid_token"), claims
    assert ask(session, sign(stack, own)).status == 200
    stack.clock.advance(3600)
    assert refusal(ask(session)) == (401, "invalid_token")


@requirement("XCH-01")
def test_an_app_that_may_have_no_hand_out_gets_no_link(stack: Stack) -> None:
    session = start_linkable(stack, handout="none")
    assert refusal(ask(session)) == (400, "unauthorized_client")


@requirement("CB-03")
def test_without_scope_a_link_asks_for_what_stood_beside_at_the_sign_in(stack: Stack, session: Session) -> None:
    sign_in = stack.sign_in(
        session.client, scope="openid offline_access demo:notes:read second:notes:read", provider="demo"
    )
    beside = Session(stack, sign_in, stack.redeem(sign_in).json)
    assert refusal(beside.exchange(audience="second")) == (400, "invalid_target")
    connect(beside, scope=None)
    assert beside.exchange(audience="second").status == 200
