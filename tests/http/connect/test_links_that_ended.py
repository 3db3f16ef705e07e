"""A link outlives nothing of what asked by it, whether that ends before it is opened, decided or used (CB-03)."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.codec import key
from chalicelib.records.deployment import Deployment
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    client_item_key,
    connection_item_key,
    grant_item_key,
    provider_item_key,
    subject_item_key,
    user_key_item_key,
)
from chalicelib.records.revocation import Revocation
from tests.kit.http.connect_links import connect, link_of, press, to_callback
from tests.kit.http.sign_in_scene import assert_page, connections, only_written
from tests.kit.http.stack import Stack
from tests.kit.http.surface import raw
from tests.kit.http.tokens import Session, change, mark, read
from tests.kit.requirement import requirement

OVER = "This link has expired or was already used"
FIRST = "Sign in first"


def connected(stack: Stack) -> set[str]:
    """Which connections there are, whoever's."""
    return {connection.connection_id for connection in connections(stack)}


def end_grant(stack: Stack, session: Session) -> None:
    stack.post("/revoke", session.client, None, token=session.refresh_token)


def mark_deployment(stack: Stack, session: Session) -> None:
    stack.deployment.put(DEPLOYMENT, Deployment(marks=Revocation(not_before=stack.clock.now() + 1)))


ENDS: dict[str, Callable[[Stack, Session], Any]] = {
    "the grant revoked": end_grant,
    "the grant of another epoch": lambda stack, s: change(stack, grant_item_key(s.claims["grant_id"]), epoch=7),
    "the grant over": lambda stack, s: change(
        stack, grant_item_key(s.claims["grant_id"]), expires_at=stack.clock.now()
    ),
    "a mark on the consent": lambda stack, s: mark(stack, s.consent_place()),
    "the consent gone": lambda stack, s: stack.deployment.delete(s.consent_place()),
    "a mark on the client": lambda stack, s: mark(stack, client_item_key(s.client.client_id)),
    "the client switched off": lambda stack, s: mark(stack, client_item_key(s.client.client_id), disabled=True),
    "the client changed": lambda stack, s: change(
        stack, client_item_key(s.client.client_id), revision=2, redirect_uris=("https://other.example/",)
    ),
    "no hand-out any more": lambda stack, s: change(stack, client_item_key(s.client.client_id), handout="none"),
    "a provider taken from the client": lambda stack, s: change(
        stack, client_item_key(s.client.client_id), providers=frozenset({"demo"})
    ),
    "a mark on the user": lambda stack, s: mark(stack, subject_item_key(s.claims["sub"])),
    "a mark on the login's provider": lambda stack, s: mark(stack, provider_item_key("demo")),
    "a mark on the deployment": mark_deployment,
    "the provider switched off": lambda stack, s: mark(stack, provider_item_key("second"), disabled=True),
}


@requirement("CB-03")
@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_a_link_outlives_nothing_of_what_asked(
    stack: Stack, session: Session, end: Callable[[Stack, Session], Any]
) -> None:
    """Ended while the link is unopened, while its page is shown, and while the user is at the provider."""
    browser = session.sign_in.browser
    unopened, shown = link_of(session), browser.get(link_of(session))
    callback = to_callback(session, link_of(session))
    before = connected(stack)
    end(stack, session)
    stack.broker = stack.build()
    opened = browser.get(unopened)
    if FIRST in opened.body:  # the browser session has ended with it
        stack.clock.advance(2)
        left = press(browser, opened, "sign_in")
        back = browser.get(stack.provider.sign_in(left.location, "alice"))
        opened = browser.get(back.location)
        assert OVER in opened.body
    for answer in (opened, press(browser, shown), browser.get(callback)):
        assert answer.status in (400, 403, 503) and answer.location == "", (answer.status, answer.body[-500:])
    assert connected(stack) == before
    assert "second:notes:read" not in session.grant().scopes


class After:
    """The way to the table; something happens there as soon as an item of one kind is written."""

    def __init__(self, stack: Stack, kind: str, act: Callable[[], Any]) -> None:
        self._stack, self._kind, self._act = stack, kind, act

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._stack.dynamodb.call(operation, payload)
        if payload.get("Item", {}).get("pk", {}).get("S", "").startswith(self._kind + "#"):
            self._act()
        return answer


class Before(After):
    """Something happens there just before an item of one kind is written for the first time."""

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        if payload.get("Item", {}).get("pk", {}).get("S", "").startswith(self._kind + "#"):
            act, self._act = self._act, lambda: None
            act()
        return self._stack.dynamodb.call(operation, payload)


MEANWHILE: dict[str, Callable[[Stack, Session], Any]] = {
    "a mark on the consent": lambda stack, s: mark(stack, s.consent_place()),
    "the grant revoked": lambda stack, s: change(stack, grant_item_key(s.claims["grant_id"]), status="revoked"),
    "the provider switched off": lambda stack, s: mark(stack, provider_item_key("second"), disabled=True),
    "the user's key erased": lambda stack, s: stack.deployment.dynamodb.call(
        "DeleteItem", {"TableName": stack.settings.keys_table, "Key": key(user_key_item_key(s.claims["sub"]).pk)}
    ),
}


@requirement("CB-03")
@pytest.mark.parametrize("end", MEANWHILE.values(), ids=list(MEANWHILE))
def test_what_ends_while_the_provider_is_asked_ends_it_and_the_tokens_are_given_back(
    stack: Stack, session: Session, end: Callable[[Stack, Session], Any]
) -> None:
    callback = to_callback(session, link_of(session))
    revoked = stack.provider.count("revoke")
    stack.broker = stack.build(dynamodb=After(stack, "CONNECT", lambda: end(stack, session)))
    with only_written(stack, "CONNECT"):
        assert_page(session.sign_in.browser.get(callback), 403, says=OVER)
    assert stack.provider.count("revoke") > revoked


@requirement("CB-03")
def test_a_mark_set_just_before_the_consent_is_widened_is_not_overwritten(stack: Stack, session: Session) -> None:
    callback = to_callback(session, link_of(session))
    version = read(stack, session.consent_place()).version

    def withdraw() -> None:
        marks = Revocation(not_before=stack.clock.now() + 1)
        change(stack, session.consent_place(), marks=marks, version=version + 1)

    stack.broker = stack.build(dynamodb=After(stack, "CONNECTION", withdraw))
    assert_page(session.sign_in.browser.get(callback), 503)
    consent = read(stack, session.consent_place())
    assert consent.marks.not_before is not None and "second:notes:read" not in consent.scopes
    assert "second:notes:read" not in session.grant().scopes


@requirement("VLT-11", "CB-03")
def test_what_is_written_while_everything_is_ended_does_not_live_on(stack: Stack, session: Session) -> None:
    """Who ends all that an app may do lists its connections; one that is written a moment later is ended too."""
    before, said = len(stack.provider.grants.families), list[Any]()
    callback = to_callback(session, link_of(session))

    def end_everything() -> None:
        stack.broker = stack.build()
        said.append(raw(stack.netloc, "DELETE", "/connections", [("Authorization", f"Bearer {session.access}")]).json)

    stack.broker = stack.build(dynamodb=Before(stack, "CONNECTION", end_everything))
    assert_page(session.sign_in.browser.get(callback), 503)
    assert [one["provider"] for one in said[0]["connections"]] == ["demo"], "it could not be seen yet"
    ended = connections(stack)
    assert len(ended) == 2 and {one.status for one in ended} == {"revoked"}
    assert {one.endings.get("refresh_token") for one in ended} == {"revoked"}
    families = [family for family in stack.provider.grants.families[before:] if family.redeemed]
    assert len(families) == 1 and families[0].revoked


@requirement("VLT-11", "OPS-02")
def test_a_sign_in_that_meets_a_mark_after_its_connection_was_written_leaves_nothing_alive(
    stack: Stack, session: Session
) -> None:
    """The list of who ends everything comes from an index, which may not know the connection yet."""
    scope = " ".join([*session.grant().scopes, "demo:notes:write"])
    arriving = stack.to_callback(session.client, browser=stack.browser(), scope=scope)
    version, before = read(stack, session.consent_place()).version, stack.provider.count("revoke")

    def withdraw() -> None:
        marks = Revocation(not_before=stack.clock.now() + 1)
        change(stack, session.consent_place(), marks=marks, version=version + 1)

    stack.broker = stack.build(dynamodb=After(stack, "CONNECTION", withdraw))
    assert_page(arriving.browser.get(arriving.callback), 503)
    assert {one.status for one in connections(stack)} == {"revoked"}
    assert stack.provider.count("revoke") > before


@requirement("CB-03")
def test_a_sign_in_at_the_same_time_loses_nothing(stack: Stack, session: Session) -> None:
    callback = to_callback(session, link_of(session))
    before = read(stack, session.consent_place())

    def sign_in_elsewhere() -> None:
        wider = before.scopes | {"demo:notes:write"}
        change(stack, session.consent_place(), scopes=wider, version=before.version + 1)

    stack.broker = stack.build(dynamodb=After(stack, "CONNECTION", sign_in_elsewhere))
    assert "connection_id" in session.sign_in.browser.get(callback).answered
    after = read(stack, session.consent_place())
    assert after.scopes >= {"demo:notes:write", "second:notes:read"} and after.version == before.version + 2


@requirement("CB-03")
def test_over_a_tombstone_only_a_later_decision_connects(stack: Stack, session: Session) -> None:
    first = connect(session).answered["connection_id"]
    callback = to_callback(session, link_of(session))
    stack.deployment.store.revoke_connection(read(stack, connection_item_key(first)), now=stack.clock.now())
    assert_page(session.sign_in.browser.get(callback))
    assert read(stack, connection_item_key(first)).status == "revoked"
    stack.clock.advance(1)
    assert connect(session).answered["connection_id"] == first
    assert read(stack, connection_item_key(first)).status == "active"
