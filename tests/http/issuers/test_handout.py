"""An app whose users sign in elsewhere gets a provider's token, once the user allowed it on a page of the broker."""

import pytest

from chalicelib.records.issuer import Issuer
from chalicelib.records.item_keys import (
    client_item_key,
    consent_item_key,
    grant_item_key,
    issuer_id,
    issuer_item_key,
)
from chalicelib.records.revocation import Revocation
from cli.commands.kill import kill_issuer
from tests.kit.http.browser import Answer, Browser
from tests.kit.http.connect_links import press
from tests.kit.http.issuers import SCOPES, IssuerScene, rule, start_issuer_scene
from tests.kit.http.sign_in_scene import assert_page
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.http.tokens import change, read, read_claims, start_session
from tests.kit.requirement import requirement

ALICE, BOB = "demo-7f3a51", "demo-c20d98"


@pytest.fixture
def scene(stack: Stack) -> IssuerScene:
    """The demo provider is also the issuer: whoever signs in there is the same user here."""
    app = {"scopes": SCOPES | frozenset(SCOPE.split())}
    scene = start_issuer_scene(stack, app=app, issuer=stack.provider.url, login_of="demo")
    scene.issuer, scene.more = stack.provider.url, {"sub": ALICE}
    return scene


def connect(stack: Stack, scene: IssuerScene, link: str, who: str = "alice") -> tuple[Browser, Answer]:
    """Open the link in a new browser, show the login first, allow, and come back from the provider."""
    browser = stack.browser()
    left = press(browser, browser.get(link), "sign_in")
    back = browser.get(stack.provider.sign_in(left.location, who))
    if back.status != 303:
        return browser, back
    left = press(browser, browser.get(back.location))
    return browser, browser.get(stack.provider.sign_in(left.location, who))


@requirement("STD-12", "STD-16")
def test_the_user_connects_once_and_the_app_gets_the_providers_token(stack: Stack, scene: IssuerScene) -> None:
    refused = scene.exchange(audience="demo")
    assert (refused.status, refused.json["error"], refused.json["retry"]) == (400, "invalid_target", "after_connect")
    _, connected = connect(stack, scene, refused.json["connect_uri"])
    assert "connection_id" in connected.answered, connected.body
    with stack.dynamodb.counted() as calls:
        answer = scene.exchange(audience="demo")
    assert answer.status == 200 and "notes:read" in answer.json["scope"], answer.body
    assert dict(calls) == {"BatchGetItem": 2, "PutItem": 1}
    with stack.dynamodb.counted() as calls:
        named = scene.exchange(audience=answer.json["connection_id"])
    assert named.json["access_token"] == answer.json["access_token"]
    token = scene.exchange().json
    assert "demo:notes:read" in token["scope"]
    ours = scene.exchange(token["access_token"], audience="demo")
    assert ours.status == 200 and ours.json["access_token"] == answer.json["access_token"]


@requirement("CB-03")
def test_another_person_cannot_finish_the_link(stack: Stack, scene: IssuerScene) -> None:
    link = scene.exchange(audience="demo").json["connect_uri"]
    _, page = connect(stack, scene, link, who="bob")
    assert_page(page, 403)
    assert scene.exchange(audience="demo").status == 400


@requirement("STD-02")
def test_a_sign_in_at_the_broker_and_an_exchange_are_the_same_user(stack: Stack, scene: IssuerScene) -> None:
    session = start_session(stack, who="alice", client=(scene.client, scene.secret))
    claims = read_claims(scene.exchange().json["access_token"])
    assert claims["sub"] == session.claims["sub"] and claims["grant_id"] != session.claims["grant_id"]
    answer = scene.exchange(audience="demo")
    assert answer.status == 200, "the user has allowed it on the broker's page"


@requirement("STD-16", "STD-17")
def test_an_exchange_lets_no_sign_in_skip_its_page(stack: Stack, scene: IssuerScene) -> None:
    assert scene.exchange().status == 200
    page = stack.authorize(stack.authorize_parameters(scene.client, scope="openid orders:read"))
    assert page.status == 200 and "decision" in page.body


@requirement("STD-21", "STD-07")
def test_what_was_allowed_before_a_change_or_a_cutoff_is_not_lent(stack: Stack, scene: IssuerScene) -> None:
    start_session(stack, who="alice", client=(scene.client, scene.secret))
    claims = read_claims(scene.exchange().json["access_token"])
    assert scene.exchange(audience="demo").status == 200
    place = consent_item_key(claims["sub"], scene.client.client_id)
    change(stack, client_item_key(scene.client.client_id), revision=2)
    stack.restart()
    assert scene.exchange(audience="demo").json["reason"] == "not_connected"
    change(stack, client_item_key(scene.client.client_id), revision=1)
    stack.restart()
    assert scene.exchange(audience="demo").status == 200
    change(stack, place, marks=Revocation(not_before=stack.clock.now() + 1), version=9)
    stack.clock.advance(62)
    answer = scene.exchange(audience="demo")
    assert (answer.status, answer.json["reason"]) == (400, "not_connected")
    assert read(stack, grant_item_key(claims["grant_id"])).version == 1


@requirement("ISS-21")
def test_a_killed_issuer_hands_out_nothing(stack: Stack, scene: IssuerScene) -> None:
    start_session(stack, who="alice", client=(scene.client, scene.secret))
    token = scene.exchange().json["access_token"]
    assert scene.exchange(audience="demo").status == 200
    kill_issuer(stack.deployment, stack.provider.url, undo=False)
    asked = stack.provider.count("token")
    assert scene.exchange(audience="demo").status == 400
    assert scene.exchange(token, audience="demo").status == 400
    assert stack.get("/proxy/demo/notes", Authorization=f"Bearer {token}").status == 401
    assert stack.provider.count("token") == asked


@requirement("ISS-08")
def test_a_token_for_the_brokers_own_registration_is_refused(stack: Stack, scene: IssuerScene) -> None:
    """It is genuine: the demo provider issued it to the broker at a sign-in."""
    place = issuer_item_key(issuer_id(stack.provider.url))
    record: Issuer = read(stack, place)
    own = rule(scene.client, audience="broker-at-demo", parties=frozenset())
    change(stack, place, rules=(*record.rules, own))
    assert scene.exchange(scene.sign(aud="broker-at-demo")).status == 400
    assert '"subject_token_for_the_broker_itself"' in stack.log.getvalue()


@requirement("STD-11")
def test_without_a_sign_in_here_there_is_no_link(stack: Stack) -> None:
    scene = start_issuer_scene(stack)
    answer = scene.exchange(audience="demo")
    assert (answer.status, answer.json["retry"]) == (400, "never") and "connect_uri" not in answer.json
